//! What the attribute macros' code calls; not for people.

use std::sync::{Mutex, PoisonError};

pub use crate::aggregate::{Aggregate, Aggregation, Fallible, Open, Opened, state_of};
pub use crate::arguments::{Arguments, Signature};
pub use crate::batch::{Batch, Buffers, Function, run};

/// The first parameter of a function: [`Record`](crate::Record), and nothing else.
#[diagnostic::on_unimplemented(
    message = "the first parameter of a UDF is its record: `&Record` or `&mut Record`",
    label = "this is not `petrel_udf::Record`"
)]
pub trait IsRecord {}

impl IsRecord for crate::Record<'_> {}

/// Compiles for a record alone.
pub fn is_record<T: IsRecord + ?Sized>() {}

/// What a component offers, in order of the names: filled by constructors that run before anything is
/// exported.
pub struct Exports<T: 'static>(Mutex<Vec<&'static T>>);

/// What has a name.
pub trait Named {
    /// It.
    fn name(&self) -> &'static str;
}

/// The functions of the component; a function's number is its place among them.
pub static FUNCTIONS: Exports<Function> = Exports(Mutex::new(Vec::new()));

/// The aggregations of the component; an aggregation's number is its place among them.
pub static AGGREGATIONS: Exports<Aggregation> = Exports(Mutex::new(Vec::new()));

impl<T: Named> Exports<T> {
    /// Adds one.
    pub fn register(&self, item: &'static T) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = all.partition_point(|other| other.name() < item.name());
        all.insert(at, item);
    }

    /// All of them.
    pub fn all(&self) -> Vec<&'static T> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.clone()
    }

    /// The one of this number.
    pub fn get(&self, number: u32) -> Option<&'static T> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(number as usize).copied()
    }
}

impl Named for Function {
    fn name(&self) -> &'static str {
        self.signature.name
    }
}

impl Named for Aggregation {
    fn name(&self) -> &'static str {
        self.signature.name
    }
}
