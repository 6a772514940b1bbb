//! Workloads of increasing weight; `udfs/lua/bench.lua` is their twin. Arithmetic wraps, as
//! Lua's does. Every function takes the optional argument that a load generator gives to all.

use petrel_udf::{MapBuilder, Record, Result};

/// Nothing.
#[petrel_udf::udf(bins())]
pub fn noop(_record: &Record, _n: Option<i64>) -> i64 {
    1
}

/// Reads an integer, adds to it, writes it back.
#[petrel_udf::udf(bins("v"))]
pub fn bump(record: &mut Record, n: i64) -> Result<i64> {
    let v = record.get_int("v")?.wrapping_add(n);
    record.set("v", v)?;
    record.update()?;
    Ok(v)
}

/// Sums a list.
#[petrel_udf::udf(bins("l"))]
pub fn listsum(record: &Record, _n: Option<i64>) -> Result<i64> {
    let mut sum = 0i64;
    for x in record.list("l")?.ints() {
        sum = sum.wrapping_add(x?);
    }
    Ok(sum)
}

/// A thousand steps of integer arithmetic.
#[petrel_udf::udf(bins())]
pub fn fnv(_record: &Record, _n: Option<i64>) -> i64 {
    // Opaque to the compiler, which would otherwise run the loop itself.
    let mut h: i64 = std::hint::black_box(0x7bf29ce484222325);
    for i in 0..1000i64 {
        h = (h ^ (i & 0xff)).wrapping_mul(0x100000001b3);
    }
    h
}

/// A list in, a map out, written back.
#[petrel_udf::udf(bins("l"))]
pub fn score(record: &mut Record, _n: Option<i64>) -> Result<MapBuilder> {
    let (mut best, mut acc) = (0i64, 0i64);
    for x in record.list("l")?.ints() {
        let x = x?;
        acc = acc.wrapping_mul(31).wrapping_add(x);
        best = best.max(x);
    }
    let mut summary = MapBuilder::new();
    summary
        .insert("acc", acc.rem_euclid(1_000_003))
        .insert("best", best)
        .insert("tag", format!("t{}", best.rem_euclid(7)));
    record.set("score", &summary)?;
    record.update()?;
    Ok(summary)
}
