//! The component's side of `wit/petrel-udf.wit`: what is exported.

use std::sync::{Mutex, Once, PoisonError};

use crate::bindings::exports::petrel::udf::functions::{FunctionInfo, Guest};
use crate::bindings::{self, petrel::udf::host};
use crate::rt::{self, Buffers};

struct Component;

/// What `run` works with.
static BUFFERS: Mutex<Buffers> = Mutex::new(Buffers::new());

bindings::export!(Component with_types_in bindings);

impl Guest for Component {
    fn describe() -> Vec<FunctionInfo> {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        rt::functions()
            .iter()
            .map(|f| FunctionInfo {
                name: f.signature.name.to_owned(),
                arguments: Some(f.signature.arguments.len() as u32),
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
        let Some(found) = rt::function(function) else {
            panic!("there is no function number {function}");
        };
        let mut buffers = BUFFERS.lock().unwrap_or_else(PoisonError::into_inner);
        match rt::run(found, arguments, records, &mut buffers) {
            Ok(()) => host::outcomes(&buffers.outcomes),
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
