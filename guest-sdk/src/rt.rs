//! What the attribute macro's code calls; not for people.

use std::sync::{Mutex, PoisonError};

pub use crate::arguments::{Arguments, Signature};
pub use crate::batch::{Batch, Buffers, Function, run};

/// In order of their names: filled by constructors that run before anything is exported.
static FUNCTIONS: Mutex<Vec<&'static Function>> = Mutex::new(Vec::new());

/// Adds a function to those of the component.
pub fn register(function: &'static Function) {
    let mut functions = FUNCTIONS.lock().unwrap_or_else(PoisonError::into_inner);
    let name = function.signature.name;
    let at = functions.partition_point(|f| f.signature.name < name);
    functions.insert(at, function);
}

/// The functions of the component; a function's number is its place among them.
pub fn functions() -> Vec<&'static Function> {
    let functions = FUNCTIONS.lock().unwrap_or_else(PoisonError::into_inner);
    functions.clone()
}

/// The function of this number.
pub fn function(number: u32) -> Option<&'static Function> {
    let functions = FUNCTIONS.lock().unwrap_or_else(PoisonError::into_inner);
    functions.get(number as usize).copied()
}
