//! What stands in the parentheses.
#![allow(unused)]

use petrel_udf::{Record, udf};

#[udf(bin("a"))]
fn unknown(_record: &Record) {}

#[udf(name = 5)]
fn no_name(_record: &Record) {}

#[udf(bins(a, b))]
fn no_strings(_record: &Record) {}

#[udf(bins("a name that is too long"))]
fn long(_record: &Record) {}

#[udf(bins("a"), bins("b"))]
fn twice(_record: &Record) {}

#[udf(writes("a"))]
fn reads_only(_record: &Record) {}

struct User;

#[udf(bins = User)]
fn of_no_bins(_record: &Record) {}

fn main() {}
