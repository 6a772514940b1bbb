//! Functions that cannot be called by their name alone, and what is no function.
#![allow(unused)]

use petrel_udf::{FromValue, Record, udf};

#[udf]
async fn waits(_record: &Record<'_>) {}

#[udf]
unsafe fn dangerous(_record: &Record) {}

#[udf]
fn of_any<T: for<'a> FromValue<'a>>(_record: &Record, value: T) {}

#[udf]
fn of_many<const N: usize>(_record: &Record) {}

#[udf]
struct Count(i64);

fn main() {
    Count(1);
}
