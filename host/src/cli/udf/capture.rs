//! `petrel udf capture`: a record of a server becomes a fixture.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::call::CallArgs;
use super::fixture::{Case, Fixture, RecordRef};
use super::live;
use crate::cli::connect::Server;
use crate::cli::error::CliError;
use crate::cli::global::GlobalArgs;
use crate::cli::output::Output;
use crate::cli::target::RecordTarget;

/// The record, and the call to try on it.
#[derive(Debug, Args)]
pub struct CaptureArgs {
    /// The record.
    #[arg(value_name = "NS.SET:KEY")]
    pub record: RecordTarget,
    /// The call that the fixture makes.
    #[command(flatten)]
    pub call: CallArgs,
    /// Write the fixture to this file, which must not be there [default: print it].
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// The record's name in the fixture.
const NAME: &str = "captured";

impl CaptureArgs {
    /// Reads the record, and writes the fixture.
    pub async fn run(&self, global: &GlobalArgs, output: Output) -> Result<(), CliError> {
        let args = self.call.values()?;
        let server = Server::connect(global).await?;
        let record = live::one(&server, &self.record).await?;
        let fixture = Fixture {
            records: BTreeMap::from([(NAME.to_owned(), record)]),
            cases: vec![Case {
                function: self.call.function.clone(),
                args,
                record: Some(RecordRef::Name(NAME.to_owned())),
                ..Case::default()
            }],
            ..Fixture::default()
        };
        let failed = |reason| CliError::Usage(format!("the record has no such form: {reason}"));
        let text = fixture.to_yaml().map_err(failed)?;
        if let Some(path) = &self.out {
            let mut options = std::fs::OpenOptions::new();
            let made = options.write(true).create_new(true).open(path);
            made.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
                .map_err(|source| CliError::file(path, source))?;
        }
        output.result(
            || match &self.out {
                Some(path) => format!(
                    "wrote {0}: petrel udf test MODULE --fixtures {0}",
                    path.display()
                ),
                None => text.trim_end().to_owned(),
            },
            || json!({"fixture": fixture, "file": self.out}),
        );
        Ok(())
    }
}
