//! From how a call ended to the error that its caller sees.

use tracing::Level;
use wasmtime::{Trap, WasmBacktrace};

use super::state::{Ended, State};
use crate::model::Limits;
use crate::udf::{UdfError, UdfErrorKind};

/// What a component asked of the host that cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum Misuse {
    #[error("there is no record in hand: this-record is for functions while they are called")]
    NoRecord,
}

/// The error of a call that did not return.
#[cold]
pub(super) fn failure(
    cause: &wasmtime::Error,
    state: &State,
    limits: &Limits,
    module: &str,
) -> UdfError {
    let (kind, message) = describe(cause, state, limits);
    let e = UdfError {
        kind,
        message,
        module: module.into(),
        line: None,
        backtrace: cause
            .downcast_ref::<WasmBacktrace>()
            .map(ToString::to_string),
    };
    if let Some(trace) = &e.backtrace {
        let text = format!("{e}\n{trace}");
        state.log.write(Level::WARN, text.as_bytes());
    }
    e
}

fn describe(cause: &wasmtime::Error, state: &State, limits: &Limits) -> (UdfErrorKind, String) {
    let trap = cause.downcast_ref::<Trap>();
    match (state.ended, trap) {
        (Some(Ended::Cancelled), _) => {
            return (UdfErrorKind::Cancelled, "the task was aborted".into());
        }
        (Some(Ended::Timeout), _) => {
            let message = format!(
                "the function ran past its time limit of {} ms (time-ms)",
                limits.time_ms
            );
            return (UdfErrorKind::Timeout, message);
        }
        (Some(Ended::Overran), _) => {
            let message = "the function outran its caller's patience";
            return (UdfErrorKind::Overran, message.into());
        }
        (Some(Ended::Exited(status)), _) => {
            let message = format!("the function called exit with status {status}");
            return (UdfErrorKind::Trap, message);
        }
        _ => {}
    }
    if let Some(wanted) = state.memory_refused {
        let message = format!(
            "the function wanted {wanted} bytes of memory, the limit is {} (memory-bytes)",
            limits.memory_bytes
        );
        return (UdfErrorKind::Memory, message);
    }
    if let Some(panic) = &state.panic {
        return (UdfErrorKind::Trap, format!("panicked: {panic}"));
    }
    match trap {
        Some(Trap::StackOverflow) => (
            UdfErrorKind::Trap,
            "call stack exhausted: the function recurses too deep (stack_bytes)".into(),
        ),
        Some(trap) => (UdfErrorKind::Trap, trap.to_string()),
        None if cause.is::<Misuse>() => (UdfErrorKind::Trap, format!("{:#}", cause)),
        None => (UdfErrorKind::Host, format!("{:#}", cause)),
    }
}
