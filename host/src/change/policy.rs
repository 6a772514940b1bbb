//! The policies that travel with a write.

use crate::model::{Meta, Particle, Record, Result, ResultCode, Ttl, Value, now_millis};

/// How a write minds the record's generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum GenerationCheck {
    /// Not at all.
    #[default]
    None,
    /// It must be equal.
    Equal(u16),
    /// The given one must be greater than the record's.
    Greater(u16),
}

/// How a write minds whether the record exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ExistsAction {
    /// Creates or updates.
    #[default]
    Upsert,
    /// Fails when it exists.
    CreateOnly,
    /// Fails when it does not exist.
    UpdateOnly,
    /// Creates, or replaces all bins.
    Replace,
    /// Replaces all bins; fails when it does not exist.
    ReplaceOnly,
}

/// The policies that travel with a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct WritePolicy {
    /// Generation check.
    pub generation: GenerationCheck,
    /// Existence check.
    pub exists: ExistsAction,
    /// Expiry. As in the protocol, seconds from 1 to 100 are a percentage where the request only reads:
    /// see [`WritePolicy::renewed`].
    pub ttl: Ttl,
}

impl WritePolicy {
    /// The record with its lifetime begun anew, where a read is to do that: when less than the given
    /// percentage of the lifetime is left. Its generation stays.
    pub fn renewed(&self, record: &Record) -> Option<Record> {
        let meta = &record.meta;
        let percent = match self.ttl {
            Ttl::Seconds(percent @ 1..=100) if meta.void_time != 0 => u64::from(percent),
            _ => return None,
        };
        // Written so many whole seconds before its end, as a write's TTL has it.
        let end = u64::from(meta.void_time);
        let lifetime = end.saturating_sub(meta.last_update / 1000);
        let now = now_millis();
        let left = (end * 1000).saturating_sub(now);
        if left * 100 >= lifetime * 1000 * percent {
            return None;
        }
        let void_time = u32::try_from(now / 1000 + lifetime).ok()?;
        Some(Record {
            meta: Meta {
                void_time,
                last_update: now,
                ..*meta
            },
            body: record.body.clone(),
        })
    }
}

impl GenerationCheck {
    /// Whether a record may be written; a missing one counts as generation 0.
    ///
    /// # Errors
    /// [`ResultCode::Generation`].
    pub fn admit(self, record: Option<&Record>) -> Result<()> {
        let present = record.map_or(0, |r| r.meta.generation);
        let fits = match self {
            Self::None => true,
            Self::Equal(g) => g == present,
            Self::Greater(g) => g > present,
        };
        if fits {
            Ok(())
        } else {
            Err(ResultCode::Generation.into())
        }
    }
}

impl ExistsAction {
    /// Whether a record may be written that is there, or is not.
    ///
    /// # Errors
    /// [`ResultCode::RecordExists`], [`ResultCode::NotFound`].
    pub fn admit(self, exists: bool) -> Result<()> {
        match (self, exists) {
            (Self::CreateOnly, true) => Err(ResultCode::RecordExists.into()),
            (Self::UpdateOnly | Self::ReplaceOnly, false) => Err(ResultCode::NotFound.into()),
            _ => Ok(()),
        }
    }

    /// Whether the write drops the bins that it does not name.
    pub fn replaces(self) -> bool {
        matches!(self, Self::Replace | Self::ReplaceOnly)
    }
}

/// Fails when the record stores another key than the caller sent.
///
/// # Errors
/// [`ResultCode::KeyMismatch`].
pub fn check_key(record: &Record, sent: Option<&Value>) -> Result<()> {
    let (Some(stored), Some(sent)) = (record.body.user_key(), sent) else {
        return Ok(());
    };
    let mut bytes = Vec::new();
    sent.write_particle(&mut bytes);
    if stored == Particle::new(sent.kind(), &bytes) {
        Ok(())
    } else {
        Err(ResultCode::KeyMismatch.into())
    }
}
