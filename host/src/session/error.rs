//! What can go wrong with an embedded call.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::index::IndexError;
use crate::model::{Error, ResultCode};
use crate::task::Status;
use crate::udf::CompileError;

/// Why a call of the embedded API failed.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> petrel::session::Result<()> {
/// # use petrel::session::{DataSet, Session};
/// # let session = Session::builder().memory().build()?;
/// # let users = DataSet::of("test", "users");
/// use petrel::model::ResultCode;
/// use petrel::session::SessionError;
///
/// let error = session.query(&users).where_("$.age >").execute().await.unwrap_err();
/// assert!(matches!(error, SessionError::Filter { .. }));
/// assert_eq!(error.code(), ResultCode::ParameterError);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The host refused or failed the request.
    #[error(transparent)]
    Host(#[from] Error),
    /// A module does not compile or fit.
    #[error("the module was refused: {0}")]
    Module(#[from] CompileError),
    /// A module's file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The path as it was given.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A filter does not parse.
    #[error("the filter `{text}` does not parse: {reason}")]
    Filter {
        /// The filter as it was given.
        text: String,
        /// Where, and what was expected.
        reason: String,
    },
    /// A stream that should have had a result had none.
    #[error("the call gave no result: it named no record, or none matched")]
    NoResult,
    /// A background task was not done within the attempts given.
    #[error(
        "task {id} still runs after {waited:?}, {progress:.0} % done; wait longer, or abort it"
    )]
    StillRunning {
        /// The task's id.
        id: u64,
        /// How long it was waited for.
        waited: Duration,
        /// Its progress in percent.
        progress: f64,
    },
    /// A background task ended before its time.
    #[error("task {id} ended as {status:?}; the log says why")]
    TaskEnded {
        /// The task's id.
        id: u64,
        /// How it ended.
        status: Status,
    },
}

impl From<IndexError> for SessionError {
    fn from(e: IndexError) -> Self {
        Self::Host(e.into())
    }
}

impl SessionError {
    /// The protocol's result code that says the same.
    pub fn code(&self) -> ResultCode {
        match self {
            Self::Host(e) => e.code,
            Self::Module(_) => ResultCode::UdfExecution,
            Self::File { .. } | Self::Filter { .. } => ResultCode::ParameterError,
            Self::NoResult => ResultCode::NotFound,
            Self::StillRunning { .. } => ResultCode::Timeout,
            Self::TaskEnded {
                status: Status::Aborted,
                ..
            } => ResultCode::ScanAborted,
            Self::TaskEnded { .. } => ResultCode::ServerError,
        }
    }
}

/// A result of the embedded API.
pub type Result<T, E = SessionError> = std::result::Result<T, E>;
