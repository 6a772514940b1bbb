//! What the attribute macro's code calls; not for people.

use std::sync::{Mutex, Once, PoisonError};

pub use crate::arguments::Arguments;
use crate::batch;
pub use crate::batch::Batch;

#[allow(missing_docs, unused, clippy::all, clippy::pedantic)]
mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        world: "udf",
    });
}

use bindings::exports::petrel::udf::functions::{FunctionInfo, Guest};
use bindings::petrel::udf::host;

/// A function as the macro describes it.
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// Its arguments, as `name: type`.
    pub arguments: &'static [&'static str],
    /// The bins it reads, if it names them.
    pub bins: Option<&'static [&'static str]>,
    /// Runs it over a batch.
    pub run: fn(&mut Batch<'_>),
}

/// In order of their names: filled by constructors that run before anything is exported.
static FUNCTIONS: Mutex<Vec<&'static Function>> = Mutex::new(Vec::new());

/// Adds a function to those of the component.
pub fn register(function: &'static Function) {
    let mut functions = FUNCTIONS.lock().unwrap_or_else(PoisonError::into_inner);
    let at = functions.partition_point(|f| f.name < function.name);
    functions.insert(at, function);
}

#[cfg_attr(not(target_family = "wasm"), allow(dead_code))]
struct Component;

// Native linkers refuse the exports' names; a native test needs none of them.
#[cfg(target_family = "wasm")]
bindings::export!(Component with_types_in bindings);

impl Guest for Component {
    fn describe() -> Vec<FunctionInfo> {
        let functions = FUNCTIONS.lock().unwrap_or_else(PoisonError::into_inner);
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        functions
            .iter()
            .map(|f| FunctionInfo {
                name: f.name.to_owned(),
                arguments: Some(f.arguments.len() as u32),
                bins: f.bins.map(own),
            })
            .collect()
    }

    fn run(function: u32, input: Vec<u8>) {
        report_panics();
        let split = input.first_chunk().and_then(|length| {
            let end = 4 + u32::from_le_bytes(*length) as usize;
            let records = input.get(end.next_multiple_of(16)..)?;
            Some((input.get(4..end)?, records))
        });
        let Some((arguments, records)) = split else {
            panic!("the host's input is cut off");
        };
        let found = {
            let functions = FUNCTIONS.lock().unwrap_or_else(PoisonError::into_inner);
            functions.get(function as usize).copied()
        };
        let Some(found) = found else {
            panic!("there is no function number {function}");
        };
        match batch::run(found, arguments, records) {
            Ok(outcomes) => host::outcomes(&outcomes),
            Err(error) => panic!("{}", error.message()),
        }
    }
}

/// Tells the host what a panic says before it becomes a trap.
fn report_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            let message = panic.payload_as_str().unwrap_or("panicked");
            match panic.location() {
                Some(place) => host::panicked(&format!("{message}, at {place}")),
                None => host::panicked(message),
            }
        }));
    });
}

pub(crate) fn log(level: crate::Level, message: &str) {
    if cfg!(target_family = "wasm") {
        let level = match level {
            crate::Level::Trace => host::Level::Trace,
            crate::Level::Debug => host::Level::Debug,
            crate::Level::Info => host::Level::Info,
            crate::Level::Warning => host::Level::Warning,
            crate::Level::Error => host::Level::Error,
        };
        host::log(level, message);
    } else {
        eprintln!("{level:?}: {message}");
    }
}

/// A stubbed bin's particle.
pub(crate) fn fetch(record: u32, bin: u32) -> Vec<u8> {
    if cfg!(target_family = "wasm") {
        host::fetch(record, bin)
    } else {
        Vec::new()
    }
}
