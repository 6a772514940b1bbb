//! `petrel udf bench`: how long a function takes, in either runtime, beside an empty one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;
use serde_json::json;

use super::call::CallArgs;
use super::config::ConfigArgs;
use super::fixture::{Fixture, FixtureRecord};
use super::measure::{self, Figures, Plan};
use super::subject::Subject;
use super::test::read_records;
use super::units::size;
use crate::cli::error::CliError;
use crate::cli::output::{self, Output};

/// What to measure.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Modules' files, or Rust crates' folders: all must have the function.
    #[arg(value_name = "FILE|DIR", required = true)]
    pub paths: Vec<PathBuf>,
    /// One more module, to compare with.
    #[arg(long, value_name = "FILE|DIR")]
    pub against: Vec<PathBuf>,
    /// The call.
    #[command(flatten)]
    pub call: CallArgs,
    /// Records to run it on [default: those of the first module's fixture; without one, made-up records
    /// of the bins name, n, score, ratio, tags and props].
    #[arg(long, value_name = "FILE")]
    pub record: Vec<PathBuf>,
    /// Records handed over at once, once for each size [default: 1, 16 and 256].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub batch: Vec<u32>,
    /// Seconds to measure each row for, after a third of that to warm up.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    pub seconds: f64,
    /// The function aggregates: measure a whole aggregation of each batch.
    #[arg(long)]
    pub aggregate: bool,
    /// Limits and grants.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Measure one module, and leave the figures in this folder.
    #[arg(long, hide = true, value_name = "DIR")]
    pub measure_into: Option<PathBuf>,
}

/// The sizes of batches where none are given: a call, a client's batch, a background task's.
const BATCHES: [u32; 3] = [1, 16, 256];

impl BenchArgs {
    /// Measures, and prints a table.
    pub async fn run(&self, output: Output) -> Result<(), CliError> {
        if !(0.01..=600.0).contains(&self.seconds) {
            return Err(CliError::Usage("--seconds is 0.01 to 600".to_owned()));
        }
        if let (Some(folder), [module]) = (&self.measure_into, &self.paths[..]) {
            return measure::run(module, &self.plan()?, folder).await;
        }
        let temporary = Temporary::new()?;
        let records = temporary.0.join("records.json");
        let fixture = self.records()?.into_iter().enumerate();
        let fixture = Fixture {
            records: fixture
                .map(|(at, record)| (format!("{at:06}"), record))
                .collect(),
            ..Fixture::default()
        };
        std::fs::write(&records, json!(fixture).to_string())
            .map_err(|source| CliError::file(&records, source))?;
        let mut rows = Vec::new();
        for (at, path) in self.paths.iter().chain(&self.against).enumerate() {
            let module = Subject::find(path, None)?.module()?;
            let folder = temporary.0.join(at.to_string());
            output::error_line(&format!("measuring {}", module.display()));
            self.measure(&module, &records, &folder)?;
            rows.extend(measure::read(&module, &self.batches(), &folder)?);
        }
        print(&rows, output);
        Ok(())
    }

    fn batches(&self) -> Vec<u32> {
        match &self.batch[..] {
            [] => BATCHES.to_vec(),
            given => given.to_vec(),
        }
    }

    fn plan(&self) -> Result<Plan, CliError> {
        Ok(Plan {
            function: self.call.function.clone(),
            args: self.call.values()?.into_iter().map(|arg| arg.0).collect(),
            records: self.records()?,
            batches: self.batches(),
            seconds: self.seconds,
            aggregate: self.aggregate,
            config: self.config.clone(),
        })
    }

    /// The records that the function is run on.
    fn records(&self) -> Result<Vec<FixtureRecord>, CliError> {
        let named = match &self.record[..] {
            [] => {
                let first = self.paths.first().map(|path| Subject::find(path, None));
                let fixture = first.transpose()?.map(|first| first.read_fixture());
                fixture
                    .transpose()?
                    .unwrap_or_default()
                    .records
                    .into_iter()
                    .collect()
            }
            files => read_records(files)?,
        };
        let there = named.into_iter().map(|(_, record)| record);
        let there: Vec<_> = there.filter(|record| !record.missing).collect();
        Ok(match there.is_empty() {
            true => measure::made_up(),
            false => there,
        })
    }

    /// Measures one module, in a process of its own: criterion prints what it does, and what one
    /// module leaves behind does not burden the next.
    fn measure(&self, module: &Path, records: &Path, folder: &Path) -> Result<(), CliError> {
        let itself = std::env::current_exe().map_err(|e| CliError::file(module, e))?;
        let mut command = Command::new(&itself);
        command.args(["udf", "bench"]).arg(module);
        command.arg("--function").arg(&self.call.function);
        for arg in &self.call.args {
            command.arg(format!("--arg={arg}"));
        }
        for batch in self.batches() {
            command.arg(format!("--batch={batch}"));
        }
        if self.aggregate {
            command.arg("--aggregate");
        }
        command.arg(format!("--seconds={}", self.seconds));
        if let Some(file) = &self.config.config {
            command.arg("--config").arg(file);
        }
        command.arg("--record").arg(records);
        command.arg("--measure-into").arg(folder);
        // Criterion says on both what it does; this one has a table for that.
        let output = command
            .stdin(Stdio::null())
            .output()
            .map_err(|source| CliError::file(&itself, source))?;
        if output.status.success() {
            return Ok(());
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        let said = errors
            .rsplit_once("error: ")
            .map_or(&*errors, |(_, said)| said);
        let said = said.split_once("\n  next: ").map_or(said, |(said, _)| said);
        Err(CliError::Unmeasured {
            module: module.display().to_string(),
            reason: said.trim().to_owned(),
        })
    }
}

/// A folder that goes with its owner.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> Result<Self, CliError> {
        let name = format!("petrel-bench-{:016x}", rand::random::<u64>());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).map_err(|source| CliError::file(&folder, source))?;
        Ok(Self(folder))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What is left lies among the system's temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn print(rows: &[Figures], output: Output) {
    let row = |f: &Figures| {
        let share = f
            .empty
            .map(|empty| format!("{:.0} %", 100.0 * empty / f.nanos));
        vec![
            f.module.clone(),
            f.batch.to_string(),
            format!("{:.0}", f.nanos),
            format!("{:.0} to {:.0}", f.low, f.high),
            format!("{:.0}", 1e9 / f.nanos),
            size(f.memory),
            share.unwrap_or_else(|| "-".to_owned()),
        ]
    };
    output.table(
        &[
            "module",
            "batch",
            "ns a record",
            "95 % between",
            "records/s a core",
            "memory",
            "boundary",
        ],
        rows.iter().map(row).collect(),
        "nothing was measured",
        || {
            rows.iter()
                .map(|f| {
                    json!({
                        "module": f.module,
                        "batch": f.batch,
                        "nanoseconds": f.nanos,
                        "low": f.low,
                        "high": f.high,
                        "empty_nanoseconds": f.empty,
                        "memory_bytes": f.memory,
                    })
                })
                .collect()
        },
    );
}
