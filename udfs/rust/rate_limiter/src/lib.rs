//! A rate limiter: a bucket of `burst` tokens that fills with `rate` tokens a second. A record is
//! the bucket of one client. `udfs/lua/rate_limiter.lua` is its twin.
//!
//! Tokens are counted in thousandths, so that a bucket gains `rate` of them a millisecond, exactly.
//! The caller gives the time, in milliseconds; one that goes backwards counts as standing still.
//!
//! Bins: `tokens` (thousandths), `at` (the time of that count). A full bucket needs no record: the
//! record expires when it would be full, and a minute later, for clocks that differ.

use petrel_udf::{Error, Record, Result, Ttl};

fn check(name: &str, value: i64, least: i64, most: i64) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    let message = format!("{name}: expected integer from {least} to {most}");
    Err(Error::new(message))
}

/// The thousandths in the bucket, and the time of the count.
fn fill(record: &Record, now: i64, rate: i64, burst: i64) -> Result<(i64, i64)> {
    check("now", now, 0, 1_000_000_000_000_000)?;
    check("rate", rate, 1, 1_000_000)?;
    check("burst", burst, 1, 1_000_000)?;
    let full = burst * 1000;
    let Some(tokens) = record.get::<Option<i64>>("tokens")? else {
        return Ok((full, now));
    };
    let (tokens, at) = (tokens.min(full), record.get_int("at")?);
    if now <= at {
        return Ok((tokens, at));
    }
    // Compared by division: the product may be too large.
    if (full - tokens) / rate < now - at {
        return Ok((full, now));
    }
    Ok((tokens + (now - at) * rate, now))
}

/// Takes `cost` tokens. Returns 0 when they were there, else the milliseconds after which they will
/// be; -1 when the bucket never holds so many.
#[petrel_udf::udf(bins("tokens", "at"))]
pub fn take(record: &mut Record, now: i64, cost: i64, rate: i64, burst: i64) -> Result<i64> {
    let (tokens, at) = fill(record, now, rate, burst)?;
    check("cost", cost, 0, 1_000_000)?;
    if cost > burst {
        return Ok(-1);
    }
    let left = tokens - cost * 1000;
    if left < 0 {
        return Ok((-left + rate - 1) / rate);
    }
    record.set("tokens", left)?;
    record.set("at", at)?;
    let seconds = (burst * 1000 - left) / (rate * 1000) + 60;
    record.set_ttl(Ttl::Seconds(u32::try_from(seconds)?));
    record.save()?;
    Ok(0)
}

/// How many whole tokens the bucket has.
#[petrel_udf::udf(bins("tokens", "at"))]
pub fn available(record: &Record, now: i64, rate: i64, burst: i64) -> Result<i64> {
    let (tokens, _) = fill(record, now, rate, burst)?;
    Ok(tokens / 1000)
}
