//! Structs that no bins can be.
#![allow(unused)]

use petrel_udf::{Bins, Record, Result};

struct Address;

#[derive(Bins)]
struct User {
    name: String,
    address: Address,
}

#[derive(Bins)]
struct Pair(i64, i64);

#[derive(Bins)]
enum Tier {
    Gold,
}

#[derive(Bins)]
struct Long {
    the_time_of_the_last_visit: i64,
}

#[derive(Bins)]
struct Misspelt {
    #[bins(renamed = "b")]
    a: i64,
}

struct Plain;

fn read(record: &Record) -> Result<Plain> {
    record.bins()
}

fn main() {}
