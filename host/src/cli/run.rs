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
    let command = match arguments.command {
        // The server has threads of its own.
        Command::Serve(serve) => return serve.run(),
        command => command,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Serve(error.into()))?;
    let global = &arguments.global;
    runtime.block_on(async {
        match command {
            Command::Serve(serve) => serve.run(),
            Command::Udf(command) => command.run(global, output).await,
            Command::Apply(call) => call.run(global, output).await,
            Command::Background(command) => command.run(global, output).await,
            Command::Task(command) => command.run(global, output).await,
        }
    })
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
