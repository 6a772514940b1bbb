//! Sessions that expire: after `idle` seconds without a touch, and at the latest `lifetime` seconds
//! after the login. `udfs/lua/session.lua` is its twin.
//!
//! The record's own expiry (TTL) does the removing. The caller gives the time, in seconds: a call
//! that is repeated then has the same outcome, and a test can choose the time.
//!

use petrel_udf::{Bins, Error, Record, Result, Ttl};

/// The longest expiry that a record can have: ten years.
const LONGEST: u32 = 315_360_000;

/// The bins of a session; times are in seconds.
#[derive(Bins)]
struct Session<'a> {
    user: &'a str,
    started: i64,
    seen: i64,
    idle: u32,
    lifetime: u32,
}

/// Starts a session, or starts it anew; returns the seconds that it has.
#[petrel_udf::udf]
pub fn login(record: &mut Record, user: &str, now: i64, idle: u32, lifetime: u32) -> Result<u32> {
    if idle.min(lifetime) < 1 || idle.max(lifetime) > LONGEST {
        let message = format!("idle and lifetime: expected 1 to {LONGEST} seconds");
        return Err(Error::new(message));
    }
    record.set_bins(&Session {
        user,
        started: now,
        seen: now,
        idle,
        lifetime,
    })?;
    let left = idle.min(lifetime);
    record.set_ttl(Ttl::Seconds(left));
    record.save()?;
    Ok(left)
}

/// Keeps a session alive; returns the seconds that it has, 0 when it is over.
#[petrel_udf::udf(bins = Session, writes("seen"))]
pub fn touch(record: &mut Record, now: i64) -> Result<u32> {
    if !record.exists() {
        return Ok(0);
    }
    let session: Session = record.bins()?;
    let idle = i64::from(session.idle);
    let end = session.started + i64::from(session.lifetime);
    let left = idle.min(end - now);
    // The host removes expired records now and then; until it does, the bins tell.
    if left <= 0 || now - session.seen >= idle {
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

#[cfg(test)]
mod tests {
    use super::*;
    use petrel_udf::testing::{Effect, TestRecord};

    fn session() -> TestRecord {
        Record::testing()
            .bin("user", "ada")
            .bin("started", 1000)
            .bin("seen", 1000)
            .bin("idle", 60)
            .bin("lifetime", 100)
    }

    #[test]
    fn a_touch_keeps_a_session_until_its_lifetime_ends() {
        let mut record = session().build();
        assert_eq!(touch(&mut record, 1050).unwrap(), 50);
        assert_eq!(
            record.effects(),
            [
                Effect::set("seen", 1050),
                Effect::Ttl(Ttl::Seconds(50)),
                Effect::Update
            ]
        );
    }

    #[test]
    fn a_session_that_is_over_is_removed() {
        let mut record = session().build();
        assert_eq!(touch(&mut record, 1060).unwrap(), 0);
        assert_eq!(record.effects(), [Effect::Remove]);
    }
}
