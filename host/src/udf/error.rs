//! What can go wrong with a module or an invocation.

use crate::model::{Error, ResultCode};

/// Why a module was refused at registration: it is not well formed, or its own statements fail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct CompileError {
    /// The module's file name.
    pub file: String,
    /// The line, from 1; 0 where it has none.
    pub line: u32,
    /// What is wrong, and what to do next.
    pub message: String,
}

/// What kind of failure ended an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UdfErrorKind {
    /// The module has no such function.
    FunctionNotFound,
    /// The arguments do not fit the function.
    Arguments,
    /// The function failed by its own word: Lua `error`, Rust `Err`.
    Thrown,
    /// A Wasm trap or a panic in the guest.
    Trap,
    /// The invocation ran past its time limit.
    Timeout,
    /// The invocation outran the patience of its budget; it may be run elsewhere.
    Overran,
    /// The invocation wanted more memory than its limit.
    Memory,
    /// The result is larger than the limit, or is of a type that cannot leave the runtime.
    Result,
    /// The task that ran it was aborted.
    Cancelled,
    /// The host itself failed.
    Host,
}

/// A failed invocation. Its effects are discarded.
///
/// Displays as `FILE:LINE: MESSAGE`, leaving out what is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdfError {
    /// What kind.
    pub kind: UdfErrorKind,
    /// What happened.
    pub message: String,
    /// The module's file name, empty when `message` carries it already.
    pub module: String,
    /// The line in the module, from 1.
    pub line: Option<u32>,
    /// The Lua traceback or Wasm backtrace, for the log.
    pub backtrace: Option<String>,
}

impl UdfError {
    /// A failure of `kind` with a message, of no known place.
    pub fn new(kind: UdfErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            module: String::new(),
            line: None,
            backtrace: None,
        }
    }
}

impl std::fmt::Display for UdfError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.module, self.line) {
            (m, _) if m.is_empty() => {}
            (m, Some(line)) => write!(f, "{m}:{line}: ")?,
            (m, None) => write!(f, "{m}: ")?,
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for UdfError {}

impl From<&UdfError> for Error {
    fn from(e: &UdfError) -> Self {
        let code = match e.kind {
            UdfErrorKind::Cancelled => ResultCode::ScanAborted,
            _ => ResultCode::UdfExecution,
        };
        Error::new(code, e.to_string())
    }
}
