//! The component's side of `wit/petrel-udf.wit`: what is exported.

use std::cell::RefCell;
use std::sync::{Mutex, Once, PoisonError};

use crate::bindings::exports::petrel::udf::{aggregations, functions, signatures};
use crate::bindings::{self, petrel::udf::host};
use crate::rt::{self, Buffers, Signature};
use crate::{Error, Result};

struct Component;

/// What `run` works with.
static BUFFERS: Mutex<Buffers> = Mutex::new(Buffers::new());

bindings::export!(Component with_types_in bindings);

fn own(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

impl functions::Guest for Component {
    fn describe() -> Vec<functions::FunctionInfo> {
        rt::FUNCTIONS
            .all()
            .iter()
            .map(|f| functions::FunctionInfo {
                name: f.signature.name.to_owned(),
                arguments: Some(f.signature.arguments.len() as u32),
                bins: f.signature.bins.map(own),
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
        let Some(found) = rt::FUNCTIONS.get(function) else {
            panic!("there is no function number {function}");
        };
        let mut buffers = BUFFERS.lock().unwrap_or_else(PoisonError::into_inner);
        match rt::run(found, arguments, records, &mut buffers) {
            Ok(()) => host::outcomes(&buffers.outcomes),
            Err(error) => panic!("{}", error.message()),
        }
    }
}

thread_local! {
    /// The aggregation that was begun last; none after it failed.
    static OPEN: RefCell<Option<Box<dyn rt::Opened>>> = const { RefCell::new(None) };
}

/// Calls the open aggregation, which an error closes.
fn open<T>(call: impl FnOnce(&mut dyn rt::Opened) -> Result<T>) -> Result<T, aggregations::Error> {
    let Some(mut open) = OPEN.take() else {
        panic!("no aggregation was begun");
    };
    let answer = call(&mut *open).map_err(refused)?;
    OPEN.set(Some(open));
    Ok(answer)
}

fn refused(error: Error) -> aggregations::Error {
    let message = error.message().to_owned();
    if error.is_arguments() {
        aggregations::Error::Arguments(message)
    } else {
        aggregations::Error::Failed(message)
    }
}

impl aggregations::Guest for Component {
    fn describe() -> Vec<aggregations::AggregationInfo> {
        rt::AGGREGATIONS
            .all()
            .iter()
            .map(|a| aggregations::AggregationInfo {
                name: a.signature.name.to_owned(),
                arguments: Some(a.signature.arguments.len() as u32),
                bins: a.signature.bins.map(own),
            })
            .collect()
    }

    fn begin(aggregation: u32, arguments: Vec<u8>) -> Result<(), aggregations::Error> {
        report_panics();
        // What was open takes memory no longer.
        OPEN.take();
        let Some(found) = rt::AGGREGATIONS.get(aggregation) else {
            panic!("there is no aggregation number {aggregation}");
        };
        OPEN.set(Some((found.begin)(&arguments).map_err(refused)?));
        Ok(())
    }

    fn fold(records: Vec<u8>) -> Result<(), aggregations::Error> {
        open(|aggregation| aggregation.fold(&records))
    }

    fn take() -> Result<aggregations::Value, aggregations::Error> {
        open(|aggregation| aggregation.take())
    }

    fn merge((kind, particle): aggregations::Value) -> Result<(), aggregations::Error> {
        open(|aggregation| aggregation.merge(kind, &particle))
    }

    fn finish() -> Result<aggregations::Value, aggregations::Error> {
        open(|aggregation| aggregation.finish())
    }
}

fn described(signature: &Signature, aggregation: bool) -> signatures::Signature {
    let parameter = |(name, ty): &(&str, &str)| signatures::Parameter {
        name: (*name).to_owned(),
        type_: (*ty).to_owned(),
    };
    signatures::Signature {
        name: signature.name.to_owned(),
        aggregation,
        doc: signature.doc.to_owned(),
        parameters: signature.arguments.iter().map(parameter).collect(),
        returns: signature.returns.to_owned(),
        writes: signature.writes.map(own),
    }
}

impl signatures::Guest for Component {
    fn describe() -> Vec<signatures::Signature> {
        let (functions, aggregations) = (rt::FUNCTIONS.all(), rt::AGGREGATIONS.all());
        let functions = functions.iter().map(|f| described(&f.signature, false));
        let aggregations = aggregations.iter().map(|a| described(a.signature, true));
        functions.chain(aggregations).collect()
    }

    fn built_with() -> signatures::Sdk {
        signatures::Sdk {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
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
