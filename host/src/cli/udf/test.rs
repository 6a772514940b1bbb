//! `petrel udf test`: functions on the records of a fixture, in this process.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::call::typed;
use super::config::ConfigArgs;
use super::fixture::{Case, Fixture, FixtureRecord, Notation, RecordRef};
use super::local::LocalModule;
use super::report::{Came, Run};
use super::subject::Subject;
use super::units::{size, time};
use super::verdict;
use super::watch::Watch;
use crate::cli::error::CliError;
use crate::cli::output::{self, Output};

/// What to run on which records.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// A module's file, a Rust crate's folder, or a fixture file that names its module.
    #[arg(value_name = "FILE|DIR", default_value = ".")]
    pub path: PathBuf,
    /// The fixture file [default: NAME.fixtures.yaml beside the module, else fixtures.yaml there].
    #[arg(long, value_name = "FILE")]
    pub fixtures: Option<PathBuf>,
    /// Only the cases of this function.
    #[arg(long, value_name = "NAME")]
    pub function: Option<String>,
    /// Call --function on the records of this file in place of the fixture's cases.
    #[arg(long, value_name = "FILE", requires = "function")]
    pub record: Vec<PathBuf>,
    /// An argument of the function on these records; as those of `petrel apply`.
    #[arg(
        long = "arg",
        value_name = "VALUE",
        requires = "record",
        allow_negative_numbers = true
    )]
    pub args: Vec<String>,
    /// Limits and grants.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Run again whenever a file is saved.
    #[arg(long)]
    pub watch: bool,
}

impl TestArgs {
    /// Runs the cases, and prints what they come to.
    pub async fn run(&self, output: Output) -> Result<(), CliError> {
        if !self.watch {
            return self.once(output).await;
        }
        loop {
            let mut watch = Watch::new(self.watched());
            if let Err(error) = self.once(output).await {
                output::error_line(&format!("error: {error}"));
            }
            watch.changed().await;
            output::error_line("");
        }
    }

    fn watched(&self) -> Vec<PathBuf> {
        let subject = Subject::find(&self.path, self.fixtures.as_deref());
        let files = subject.map_or_else(|_| vec![self.path.clone()], |s| s.watched());
        [files, self.record.clone()].concat()
    }

    async fn once(&self, output: Output) -> Result<(), CliError> {
        let subject = Subject::find(&self.path, self.fixtures.as_deref())?;
        let mut fixture = subject.read_fixture()?;
        if !self.record.is_empty() {
            self.put_records(&mut fixture)?;
        }
        let path = subject.module()?;
        let (module, runs) = run_cases(
            &self.config,
            &subject,
            &path,
            &fixture,
            self.function.as_deref(),
        )
        .await?;
        if runs.is_empty() {
            return Err(no_cases(&subject));
        }
        print(&module, &runs, output);
        match runs.iter().filter(|run| !run.is_well()).count() {
            0 => Ok(()),
            failed => Err(CliError::CasesFailed {
                failed,
                all: runs.len(),
            }),
        }
    }

    /// Puts a call of the function on each of the given records in place of the cases.
    fn put_records(&self, fixture: &mut Fixture) -> Result<(), CliError> {
        let function = self.function.clone().unwrap_or_default();
        let args = typed(&self.args)?;
        fixture.cases.clear();
        for (name, record) in read_records(&self.record)? {
            fixture.records.insert(name.clone(), record);
            fixture.cases.push(Case {
                function: function.clone(),
                args: args.clone(),
                record: Some(RecordRef::Name(name)),
                ..Case::default()
            });
        }
        Ok(())
    }
}

/// Runs the cases of a fixture, or those of one function, with a module's file.
pub async fn run_cases(
    config: &ConfigArgs,
    subject: &Subject,
    module: &Path,
    fixture: &Fixture,
    only: Option<&str>,
) -> Result<(LocalModule, Vec<Run>), CliError> {
    let local = config.local()?;
    for required in subject.required(fixture) {
        local.load(&required).await?;
    }
    let mut module = local.load(module).await?;
    let runs = fixture
        .cases
        .iter()
        .filter(|case| only.is_none_or(|function| function == case.function))
        .map(|case| run(&mut module, fixture, case))
        .collect();
    Ok((module, runs))
}

/// The records of some files, by name.
pub fn read_records(files: &[PathBuf]) -> Result<Vec<(String, FixtureRecord)>, CliError> {
    let mut records = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file).map_err(|source| CliError::file(file, source))?;
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let read = Fixture::parse_records(&text, &stem);
        records.extend(read.map_err(|reason| CliError::fixture(file, reason))?);
    }
    Ok(records)
}

fn no_cases(subject: &Subject) -> CliError {
    match &subject.fixture {
        Some(file) => CliError::fixture(file, "no case to run"),
        None => CliError::Usage(
            "no fixture file beside the module: write fixtures.yaml, or name records with \
             --record FILE --function NAME"
                .to_owned(),
        ),
    }
}

/// Runs one case.
fn run(module: &mut LocalModule, fixture: &Fixture, case: &Case) -> Run {
    let name = case.name.clone().unwrap_or_else(|| call(case));
    let (came, wrong) = match come(module, fixture, case) {
        Ok(came) => {
            let wrong = match &came {
                Came::Call(outcome) => verdict::of_call(case.expect.as_ref(), outcome),
                Came::Total(total) => verdict::of_total(case.expect.as_ref(), total),
                Came::Nothing => Vec::new(),
            };
            (came, wrong)
        }
        Err(reason) => (Came::Nothing, vec![reason]),
    };
    Run { name, came, wrong }
}

fn come(module: &mut LocalModule, fixture: &Fixture, case: &Case) -> Result<Came, String> {
    let args: Vec<_> = case.args.iter().map(|arg| arg.0.clone()).collect();
    if let Some(records) = &case.records {
        let records = records
            .iter()
            .map(|record| fixture.record(record).cloned())
            .collect::<Result<Vec<_>, _>>()?;
        let total = module.aggregate(&case.function, &args, &records);
        return total.map(Came::Total).map_err(|error| error.to_string());
    }
    let missing = FixtureRecord::missing();
    let record = match &case.record {
        Some(record) => fixture.record(record)?,
        None => &missing,
    };
    let outcome = module.call(&case.function, &args, record);
    outcome.map(Came::Call).map_err(|error| error.to_string())
}

/// The call of a case that has no name.
fn call(case: &Case) -> String {
    let args: Vec<_> = case.args.iter().map(Notation::to_string).collect();
    let on = match (&case.record, &case.records) {
        (Some(RecordRef::Name(name)), _) => format!(" on {name}"),
        (None, None) => " on no record".to_owned(),
        (None, Some(records)) => format!(" over {} records", records.len()),
        _ => String::new(),
    };
    format!("{}({}){on}", case.function, args.join(", "))
}

fn print(module: &LocalModule, runs: &[Run], output: Output) {
    output.result(
        || {
            let head = format!(
                "{}: {}, {}, compiled in {}",
                module.file(),
                module.runtime(),
                size(module.size()),
                time(module.compiled_in)
            );
            let well = runs.iter().filter(|run| run.is_well()).count();
            let tail = format!("\n{well} of {} cases passed", runs.len());
            let texts = runs.iter().map(Run::to_text);
            let lines: Vec<_> = [head].into_iter().chain(texts).chain([tail]).collect();
            lines.join("\n")
        },
        || {
            json!({
                "module": module.file(),
                "runtime": module.runtime(),
                "bytes": module.size(),
                "compile_nanoseconds": module.compiled_in.as_nanos() as u64,
                "cases": runs.iter().map(Run::to_json).collect::<Vec<_>>(),
            })
        },
    );
}
