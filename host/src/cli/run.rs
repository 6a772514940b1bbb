//! From the command line to an exit code.

use std::process::ExitCode;

use clap::Parser;

use super::args::{Arguments, Command};
use super::error::{CliError, ExitStatus};
use super::output::{self, Output};

/// Runs the program and says how it went.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let output = if arguments.global.json {
        Output::Programs
    } else {
        Output::People
    };
    let status = match run(arguments, output) {
        Ok(()) => ExitStatus::Success,
        Err(error) => {
            report(&error, output);
            error.status()
        }
    };
    ExitCode::from(status as u8)
}

fn run(arguments: Arguments, output: Output) -> Result<(), CliError> {
    let global = &arguments.global;
    match arguments.command {
        // The server has threads of its own.
        Command::Serve(serve) => serve.run(),
        Command::Udf(command) => block_on(command.run(global, output)),
        Command::Apply(call) => block_on(call.run(global, output)),
        Command::Aggregate(call) => block_on(call.run(global, output)),
        Command::Background(command) => block_on(command.run(global, output)),
        Command::Index(command) => block_on(command.run(global, output)),
        Command::Task(command) => block_on(command.run(global, output)),
    }
}

fn block_on(work: impl Future<Output = Result<(), CliError>>) -> Result<(), CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Serve(error.into()))?
        .block_on(work)
}

/// Says on stderr what happened and what to do next.
fn report(error: &CliError, output: Output) {
    match output {
        Output::Programs => output::error_line(&error.to_json().to_string()),
        Output::People => {
            output::error_line(&format!("error: {error}"));
            if let Some(next) = error.next() {
                output::error_line(&format!("  next: {next}"));
            }
        }
    }
}
