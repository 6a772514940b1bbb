//! Sessions that expire: after `idle` seconds without a touch, and at the latest `lifetime` seconds
//! after the login. `udfs/lua/session.lua` is its twin.
//!
//! The record's own expiry (TTL) does the removing. The caller gives the time, in seconds: a call
//! that is repeated then has the same outcome, and a test can choose the time.
//!
//! Bins: `user`, `started`, `seen`, `idle`, `lifetime`.

use petrel_udf::{Error, Record, Result, Ttl};

/// The longest expiry that a record can have: ten years.
const LONGEST: u32 = 315_360_000;

/// Starts a session, or starts it anew; returns the seconds that it has.
#[petrel_udf::udf]
pub fn login(record: &mut Record, user: &str, now: i64, idle: u32, lifetime: u32) -> Result<u32> {
    if idle.min(lifetime) < 1 || idle.max(lifetime) > LONGEST {
        let message = format!("idle and lifetime: expected 1 to {LONGEST} seconds");
        return Err(Error::new(message));
    }
    record.set("user", user)?;
    record.set("started", now)?;
    record.set("seen", now)?;
    record.set("idle", idle)?;
    record.set("lifetime", lifetime)?;
    let left = idle.min(lifetime);
    record.set_ttl(Ttl::Seconds(left));
    record.save()?;
    Ok(left)
}

/// Keeps a session alive; returns the seconds that it has, 0 when it is over.
#[petrel_udf::udf(bins("started", "seen", "idle", "lifetime"))]
pub fn touch(record: &mut Record, now: i64) -> Result<u32> {
    if !record.exists() {
        return Ok(0);
    }
    let idle = record.get_int("idle")?;
    let end = record.get_int("started")? + record.get_int("lifetime")?;
    let left = idle.min(end - now);
    // The host removes expired records now and then; until it does, the bins tell.
    if left <= 0 || now - record.get_int("seen")? >= idle {
        record.remove()?;
        return Ok(0);
    }
    let left = u32::try_from(left)?;
    record.set("seen", now)?;
    record.set_ttl(Ttl::Seconds(left));
    record.update()?;
    Ok(left)
}

/// Ends a session; tells whether there was one.
#[petrel_udf::udf]
pub fn logout(record: &mut Record) -> Result<bool> {
    let there = record.exists();
    if there {
        record.remove()?;
    }
    Ok(there)
}
