//! A time series rolled up as it comes: each value goes into a bucket of its minute, of its hour
//! and of its day, and the oldest buckets leave. `udfs/lua/rollup.lua` is its twin.
//!
//! Bins: `newest` (the latest time seen, in seconds), `minute`, `hour`, `day` (maps, start of the
//! bucket in seconds to `[count, sum, least, greatest]`).

use std::collections::BTreeMap;

use petrel_udf::{Error, Record, Result};

struct Level {
    bin: &'static str,
    width: i64,
    keep: i64,
}

const LEVELS: [Level; 3] = [
    Level {
        bin: "minute",
        width: 60,
        keep: 60,
    },
    Level {
        bin: "hour",
        width: 3600,
        keep: 48,
    },
    Level {
        bin: "day",
        width: 86400,
        keep: 90,
    },
];

impl Level {
    /// The start of the bucket of a time.
    fn start(&self, time: i64) -> i64 {
        time - time.rem_euclid(self.width)
    }

    /// The start of the oldest bucket that is kept.
    fn oldest(&self, newest: i64) -> i64 {
        self.start(newest) - (self.keep - 1) * self.width
    }
}

/// Count, sum, least, greatest: a list of four.
type Bucket = (i64, i64, i64, i64);

/// Buckets under their start.
type Buckets = BTreeMap<i64, Bucket>;

fn buckets(record: &Record, bin: &str) -> Result<Buckets> {
    record.get_or(bin, Buckets::new())
}

/// Adds a value of a time in seconds. A value that is too late for a level is left out of it.
#[petrel_udf::udf(bins("newest", "minute", "hour", "day"))]
pub fn add(record: &mut Record, time: i64, value: i64) -> Result<()> {
    let newest = record.get_or("newest", time)?.max(time);
    record.set("newest", newest)?;
    for level in &LEVELS {
        let first = level.oldest(newest);
        let mut kept = buckets(record, level.bin)?.split_off(&first);
        let start = level.start(time);
        if start >= first {
            kept.entry(start)
                .and_modify(|(count, sum, least, greatest)| {
                    *count += 1;
                    *sum = sum.wrapping_add(value);
                    *least = value.min(*least);
                    *greatest = value.max(*greatest);
                })
                .or_insert((1, value, value, value));
        }
        record.set(level.bin, &kept)?;
    }
    record.save()
}

/// The buckets of a level ("minute", "hour" or "day") from one time to another, both included, as
/// `[start, count, sum, least, greatest]` in the order of time.
#[petrel_udf::udf(bins("minute", "hour", "day"))]
pub fn series(
    record: &Record,
    name: &str,
    from: i64,
    to: i64,
) -> Result<Vec<(i64, i64, i64, i64, i64)>> {
    let Some(level) = LEVELS.iter().find(|level| level.bin == name) else {
        return Err(Error::new("level: expected minute, hour or day"));
    };
    let kept = buckets(record, name)?.split_off(&level.start(from));
    let points = kept.into_iter().take_while(|(start, _)| *start <= to);
    Ok(points
        .map(|(start, (count, sum, least, greatest))| (start, count, sum, least, greatest))
        .collect())
}
