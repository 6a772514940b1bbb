//! Aggregations that lack something, or have it otherwise.
#![allow(unused)]

use petrel_udf::{Record, aggregate};

#[derive(Default)]
struct NoMethods;

#[aggregate]
impl NoMethods {}

#[derive(Default)]
struct NoMerge(i64);

#[aggregate]
impl NoMerge {
    fn fold(&mut self, _record: &Record) {}
    fn finish(self) -> i64 {
        self.0
    }
}

#[derive(Default)]
struct Changes;

#[aggregate]
impl Changes {
    fn fold(&mut self, _record: &mut Record) {}
    fn merge(&mut self, _other: i64) {}
    fn finish(self) {}
}

struct NoDefault(i64);

#[aggregate]
impl NoDefault {
    fn fold(&mut self, _record: &Record) {}
    fn merge(&mut self, _other: i64) {}
    fn finish(self) -> i64 {
        self.0
    }
}

#[derive(Default)]
struct Opaque;

#[aggregate]
impl Opaque {
    fn fold(&mut self, _record: &Record) {}
    fn merge(&mut self, _other: Opaque) {}
    fn finish(self) -> Opaque {
        self
    }
}

#[aggregate]
#[derive(Default)]
struct OnTheStruct(i64);

fn main() {
    OnTheStruct(1);
}
