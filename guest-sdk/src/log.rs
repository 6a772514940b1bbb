//! Lines to the host's log.

use std::cell::RefCell;
use std::fmt::Arguments;

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every step.
    Trace,
    /// For the author.
    Debug,
    /// For the operator.
    Info,
    /// Odd, but handled.
    Warning,
    /// Failed.
    Error,
}

/// Writes a line to the host's log, under the module's name; in a native test to standard error, and
/// to where [`testing::log_lines`](crate::testing::log_lines) finds it. The macros [`info!`](crate::info) and its sisters format and call it.
///
/// ```
/// let (record, tries) = (7, 3);
/// petrel_udf::warn!("record {record} took {tries} tries");
/// ```
pub fn log(level: Level, message: Arguments<'_>) {
    #[cfg(target_family = "wasm")]
    crate::bindings::petrel::udf::host::log(level.into(), &message.to_string());
    #[cfg(not(target_family = "wasm"))]
    {
        eprintln!("{level:?}: {message}");
        LINES.with_borrow_mut(|lines| lines.push((level, message.to_string())));
    }
}

thread_local! {
    /// What was logged on this thread: tests run each on its own.
    static LINES: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
}

/// Takes what was logged on this thread.
pub(crate) fn take() -> Vec<(Level, String)> {
    LINES.take()
}

#[cfg(target_family = "wasm")]
impl From<Level> for crate::bindings::petrel::udf::host::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Trace => Self::Trace,
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warning => Self::Warning,
            Level::Error => Self::Error,
        }
    }
}

macro_rules! levels {
    ($d:tt $($name:ident $level:ident $text:literal;)*) => {
        $(
            #[doc = $text]
            #[macro_export]
            macro_rules! $name {
                ($d($d arg:tt)*) => {
                    $crate::log($crate::Level::$level, ::core::format_args!($d($d arg)*))
                };
            }
        )*
    };
}

levels! { $
    trace Trace "Logs a formatted line of level trace.";
    debug Debug "Logs a formatted line of level debug.";
    info Info "Logs a formatted line of level info.";
    warn Warning "Logs a formatted line of level warning.";
    error Error "Logs a formatted line of level error.";
}
