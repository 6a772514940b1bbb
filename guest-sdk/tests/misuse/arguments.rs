//! Arguments are values of the call.
#![allow(unused)]

use petrel_udf::{Record, udf};

#[udf]
fn lent(_record: &Record, n: &i64) {}

#[udf]
fn lent_string(_record: &Record, text: &String) {}

#[udf]
fn lent_slice(_record: &Record, numbers: &[i64]) {}

#[udf]
fn changed(_record: &Record, text: &mut String) {}

#[udf]
fn forever(_record: &Record, text: &'static str) {}

#[udf]
fn any(_record: &Record, text: impl Into<String>) {}

fn main() {}
