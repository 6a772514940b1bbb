//! The first parameter is the record.
#![allow(unused)]

use petrel_udf::{Record, udf};

#[udf]
fn nothing() {}

#[udf]
fn by_value(record: Record) {}

#[udf]
fn another(n: i64, record: &Record) {}

#[udf]
fn not_a_record(text: &String) {}

struct Counter;

impl Counter {
    #[udf]
    fn method(&self, record: &Record) {}
}

fn main() {}
