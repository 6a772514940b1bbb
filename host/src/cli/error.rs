//! Why a command failed, what to do next, and the exit code that says so to programs.

use std::path::Path;

use aerospike::{Error as ClientError, ErrorKind, ResultCode};
use serde_json::json;

use super::guest_build::GuestBuildError;

/// The exit codes of `petrel`; `petrel --help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitStatus {
    /// Done.
    Success = 0,
    /// The server refused, or anything without a code of its own.
    Failure = 1,
    /// Wrong usage.
    Usage = 2,
    /// No connection to the server.
    CannotConnect = 3,
    /// A UDF failed, or a module was refused or could not be built.
    UdfFailed = 4,
    /// No such module, function, record or task.
    NotFound = 5,
    /// A task was aborted, failed, or failed on some records.
    TaskFailed = 6,
    /// Gave up waiting.
    TimedOut = 7,
    /// Interrupted from the keyboard.
    Interrupted = 130,
}

/// What to do about an index that is not there.
pub(super) const NO_INDEX: &str =
    "`petrel index list` shows the indexes, `petrel index create` makes one";
const NAME_A_NAMESPACE: &str = "name a namespace of the server, as in test.users";

/// A command's failure.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// An argument that the grammar lets through but that makes no sense.
    #[error("{0}")]
    Usage(String),
    /// No node of the cluster answers.
    #[error("cannot connect to {host}: {reason}")]
    Connect {
        /// The address that was tried.
        host: String,
        /// The client's reason.
        reason: String,
    },
    /// A UDF raised an error or ran into a limit.
    #[error("{module}.{function} failed: {message}")]
    UdfFailed {
        /// The module.
        module: String,
        /// The function.
        function: String,
        /// The error as the server gives it, with the place in the module.
        message: String,
    },
    /// The server did not take a module.
    #[error("{name} was not registered: {reason}")]
    Refused {
        /// The module's file name.
        name: String,
        /// The server's reason.
        reason: String,
    },
    /// A guest could not be built.
    #[error(transparent)]
    Build(#[from] GuestBuildError),
    /// Something named on the command line is not there.
    #[error("{what} is not there")]
    NotFound {
        /// What was looked for.
        what: String,
        /// What to do about it.
        next: String,
    },
    /// A background task did not end well.
    #[error("task {id}: {outcome}")]
    TaskFailed {
        /// The task.
        id: u64,
        /// How it ended.
        outcome: String,
    },
    /// The wait was longer than allowed.
    #[error("{0}")]
    TimedOut(String),
    /// Ctrl-C while waiting for a task.
    #[error("task {0} goes on without this command")]
    Interrupted(u64),
    /// The server answered with an error.
    #[error("{context}: {message}")]
    Server {
        /// What was being done.
        context: String,
        /// The server's words.
        message: String,
        /// What to do about it, where that is known.
        next: Option<String>,
    },
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A fixture file makes no sense.
    #[error("{path}: {reason}")]
    Fixture {
        /// The file.
        path: String,
        /// What is wrong, with its line.
        reason: String,
    },
    /// Cases of a fixture file do not hold.
    #[error("{failed} of {all} cases failed")]
    CasesFailed {
        /// How many.
        failed: usize,
        /// Of how many.
        all: usize,
    },
    /// Two versions of a module do not do the same.
    #[error("{differ} of {all} records differ")]
    Differ {
        /// On how many records.
        differ: usize,
        /// Of how many.
        all: usize,
    },
    /// A function was not measured.
    #[error("{module} was not measured: {reason}")]
    Unmeasured {
        /// The module's file.
        module: String,
        /// What went wrong.
        reason: String,
    },
    /// The host itself failed to start or to run.
    #[error("{0:#}")]
    Serve(anyhow::Error),
}

impl CliError {
    /// A file that could not be read or written.
    pub fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File {
            path: path.display().to_string(),
            source,
        }
    }

    /// A fixture file that makes no sense.
    pub fn fixture(path: &Path, reason: impl Into<String>) -> Self {
        Self::Fixture {
            path: path.display().to_string(),
            reason: reason.into(),
        }
    }

    /// Sorts an error of the client, met while doing what `context` says.
    pub fn from_client(context: impl Into<String>, error: &ClientError) -> Self {
        let context = context.into();
        let message = client_message(error);
        match error.kind() {
            ErrorKind::Connection | ErrorKind::InvalidNode | ErrorKind::Io(_) => Self::Server {
                context,
                message,
                next: Some("the server went away; is it still running?".to_owned()),
            },
            ErrorKind::Timeout => Self::TimedOut(format!("{context}: {message}")),
            kind => {
                let next = match error.server_result_code() {
                    _ if matches!(kind, ErrorKind::InvalidNamespace) => {
                        Some(NAME_A_NAMESPACE.to_owned())
                    }
                    Some(ResultCode::InvalidNamespace) => Some(NAME_A_NAMESPACE.to_owned()),
                    Some(ResultCode::IndexNotFound) => Some(NO_INDEX.to_owned()),
                    Some(ResultCode::ParameterError) => {
                        Some("check the --where expression and the bins' names".to_owned())
                    }
                    _ => None,
                };
                Self::Server {
                    context,
                    message,
                    next,
                }
            }
        }
    }

    /// The exit code of this failure.
    pub fn status(&self) -> ExitStatus {
        match self {
            Self::Usage(_) => ExitStatus::Usage,
            Self::Connect { .. } => ExitStatus::CannotConnect,
            Self::UdfFailed { .. }
            | Self::Unmeasured { .. }
            | Self::Refused { .. }
            | Self::Build(_) => ExitStatus::UdfFailed,
            Self::NotFound { .. } => ExitStatus::NotFound,
            Self::TaskFailed { .. } => ExitStatus::TaskFailed,
            Self::TimedOut(_) => ExitStatus::TimedOut,
            Self::Interrupted(_) => ExitStatus::Interrupted,
            Self::Server { .. }
            | Self::File { .. }
            | Self::Fixture { .. }
            | Self::CasesFailed { .. }
            | Self::Differ { .. }
            | Self::Serve(_) => ExitStatus::Failure,
        }
    }

    /// What the person can do next.
    pub fn next(&self) -> Option<String> {
        match self {
            Self::Usage(_) => Some("see petrel --help".to_owned()),
            Self::Connect { .. } => Some(
                "start a host with `petrel serve`, or name another with --host HOST:PORT \
                 or PETREL_HOST"
                    .to_owned(),
            ),
            Self::UdfFailed { module, .. } => {
                Some(format!("`petrel udf show {module}` prints the module"))
            }
            Self::Refused { .. } => Some(
                "correct the module and register it again; what was there before still runs"
                    .to_owned(),
            ),
            Self::TaskFailed { id, .. } => Some(format!(
                "`petrel task show {id}` has its counts; the server's log has the errors"
            )),
            Self::Interrupted(id) => Some(format!(
                "`petrel task wait {id}` waits again, `petrel task abort {id}` stops it"
            )),
            Self::NotFound { next, .. } => Some(next.clone()),
            Self::Server { next, .. } => next.clone(),
            Self::Build(_)
            | Self::TimedOut(_)
            | Self::File { .. }
            | Self::Fixture { .. }
            | Self::CasesFailed { .. }
            | Self::Unmeasured { .. }
            | Self::Differ { .. }
            | Self::Serve(_) => None,
        }
    }

    /// The failure for programs.
    pub fn to_json(&self) -> serde_json::Value {
        json!({
            "error": {
                "code": self.status() as u8,
                "message": self.to_string(),
                "next": self.next(),
            }
        })
    }
}

/// The client's error without its decoration: the server's own words where it sent some.
pub(super) fn client_message(error: &ClientError) -> String {
    let text = match error.server_message() {
        Some(message) => message.to_owned(),
        None => error.base_message(),
    };
    match error.cause() {
        Some(cause) => format!("{text} ({})", client_message(cause)),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_for_programs_carries_its_exit_code_and_remedy() {
        let error = CliError::NotFound {
            what: "module m.lua".to_owned(),
            next: "list modules".to_owned(),
        };
        let value = error.to_json();
        assert_eq!(value["error"]["code"], 5);
        assert_eq!(value["error"]["message"], "module m.lua is not there");
        assert_eq!(value["error"]["next"], "list modules");
    }

    #[test]
    fn bad_arguments_told_by_the_client_are_plain_failures() {
        let error = CliError::from_client("start", &ClientError::invalid_argument("no"));
        assert_eq!(error.status(), ExitStatus::Failure);
        assert!(error.to_string().starts_with("start: "));
    }
}
