//! `petrel udf diff`: whether a new version of a module does as the registered one, on live records.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::call::CallArgs;
use super::changes::{Change, after, changes, same};
use super::config::ConfigArgs;
use super::fixture::{FixtureRecord, Notation};
use super::live;
use super::local::{LocalModule, Outcome};
use super::subject::Subject;
use super::units::short;
use super::verdict::listed;
use crate::cli::connect::Server;
use crate::cli::error::CliError;
use crate::cli::global::GlobalArgs;
use crate::cli::modules::{content, find};
use crate::cli::output::Output;
use crate::cli::target::SetTarget;
use crate::model::Value;

/// What to compare, and on which records.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The registered module, with or without extension.
    pub name: String,
    /// The new version: a module's file, or a Rust crate's folder.
    #[arg(value_name = "FILE|DIR")]
    pub file: PathBuf,
    /// The set whose records both are run on. Nothing is stored.
    #[arg(long, value_name = "NS.SET")]
    pub on: SetTarget,
    /// At most this many records.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub sample: u32,
    /// The call.
    #[command(flatten)]
    pub call: CallArgs,
    /// Limits and grants.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The function aggregates: compare what all the records come to.
    #[arg(long)]
    pub aggregate: bool,
}

/// More records than these nobody reads.
const SHOWN: usize = 20;
/// More characters of a value nobody reads.
const WIDTH: usize = 60;

/// How the two versions differ on one record.
struct Difference {
    record: String,
    what: String,
    old: String,
    new: String,
}

impl DiffArgs {
    /// Runs both versions, and prints where they differ.
    pub async fn run(&self, global: &GlobalArgs, output: Output) -> Result<(), CliError> {
        let args: Vec<Value> = self.call.values()?.into_iter().map(|arg| arg.0).collect();
        let new_file = Subject::find(&self.file, None)?.module()?;
        let server = Server::connect(global).await?;
        let module = find(&server, &self.name).await?;
        let bytes = content(&server, &module).await?;
        // Each has a registry of its own: they may have one name.
        let (old_host, new_host) = (self.config.local()?, self.config.local()?);
        let mut old = old_host.load_bytes(&module.filename, bytes.into()).await?;
        let mut new = new_host.load(&new_file).await?;
        let records = live::sample(&server, &self.on, self.sample as usize).await?;
        if records.is_empty() {
            return Err(CliError::NotFound {
                what: format!("a record in {}", self.on),
                next: "name a set that has records".to_owned(),
            });
        }
        let (all, found) = match self.aggregate {
            true => (1, self.totals(&mut old, &mut new, &args, &records)?),
            false => (
                records.len(),
                self.calls(&mut old, &mut new, &args, &records)?,
            ),
        };
        let differ = found.len();
        let shown = found.iter().take(SHOWN);
        let rows: Vec<Vec<String>> = shown
            .flat_map(|(_, differences)| differences)
            .map(row)
            .collect();
        let same = format!(
            "{} does the same on {} records",
            self.call.function,
            records.len()
        );
        output.table(&["record", "what", "registered", "new"], rows, &same, || {
            json!({
                "records": records.len(),
                "differ": differ,
                "differences": found
                    .iter()
                    .flat_map(|(_, differences)| differences)
                    .map(|d| json!({"record": d.record, "what": d.what, "registered": d.old, "new": d.new}))
                    .collect::<Vec<_>>(),
            })
        });
        match differ {
            0 => Ok(()),
            differ => Err(CliError::Differ { differ, all }),
        }
    }

    fn calls(
        &self,
        old: &mut LocalModule,
        new: &mut LocalModule,
        args: &[Value],
        records: &[FixtureRecord],
    ) -> Result<Vec<(usize, Vec<Difference>)>, CliError> {
        let mut found = Vec::new();
        for (at, record) in records.iter().enumerate() {
            let run = |module: &mut LocalModule| {
                let outcome = module.try_out(&self.call.function, args, record);
                outcome.map_err(|error| CliError::Usage(error.to_string()))
            };
            let (old, new) = (run(old)?, run(new)?);
            let name = match (&record.key, &record.digest) {
                (Some(key), _) => key.to_string(),
                (None, Some(digest)) => format!("{digest:?}"),
                (None, None) => at.to_string(),
            };
            let differences = compare(&name, &old, &new);
            if !differences.is_empty() {
                found.push((at, differences));
            }
        }
        Ok(found)
    }

    fn totals(
        &self,
        old: &mut LocalModule,
        new: &mut LocalModule,
        args: &[Value],
        records: &[FixtureRecord],
    ) -> Result<Vec<(usize, Vec<Difference>)>, CliError> {
        let run = |module: &mut LocalModule| {
            let total = module.aggregate(&self.call.function, args, records);
            let total = total.map_err(|error| CliError::Usage(error.to_string()))?;
            Ok::<_, CliError>(total.values.map_or_else(|e| e, |values| listed(&values)))
        };
        let (old, new) = (run(old)?, run(new)?);
        let difference = Difference {
            record: format!("all {}", records.len()),
            what: "values".to_owned(),
            old,
            new,
        };
        Ok(match difference.old == difference.new {
            true => Vec::new(),
            false => vec![(0, vec![difference])],
        })
    }
}

fn row(difference: &Difference) -> Vec<String> {
    let Difference {
        record,
        what,
        old,
        new,
    } = difference;
    [record, what, old, new]
        .map(|text| short(text, WIDTH))
        .to_vec()
}

/// How the outcomes of two versions on one record differ: in the result, and in what they leave.
fn compare(record: &str, old: &Outcome, new: &Outcome) -> Vec<Difference> {
    let difference = |what: &str, old: String, new: String| Difference {
        record: record.to_owned(),
        what: what.to_owned(),
        old,
        new,
    };
    let mut found = Vec::new();
    let said = |outcome: &Outcome| match &outcome.result {
        Ok(value) => Notation(value.clone()).to_string(),
        // The traceback names lines, which may well be others.
        Err(error) => format!("error: {}", error.lines().next().unwrap_or_default()),
    };
    let agree = match (&old.result, &new.result) {
        (Ok(old), Ok(new)) => same(old, new),
        (Err(_), Err(_)) => said(old) == said(new),
        _ => false,
    };
    if !agree {
        found.push(difference("result", said(old), said(new)));
    }
    let left = after(old.before.as_ref(), &old.effects);
    let right = after(new.before.as_ref(), &new.effects);
    match (left, right) {
        (Some(_), None) => found.push(difference("record", "stays".into(), "removed".into())),
        (None, Some(_)) => found.push(difference("record", "removed".into(), "stays".into())),
        _ => {
            let text = |value: &Option<Notation>| {
                value
                    .as_ref()
                    .map_or("not there".to_owned(), Notation::to_string)
            };
            let differ = changes(left, right);
            found.extend(differ.iter().map(
                |Change {
                     name,
                     before,
                     after,
                 }| { difference(name, text(before), text(after)) },
            ));
        }
    }
    found
}
