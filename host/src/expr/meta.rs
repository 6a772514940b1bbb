//! What expressions ask of a record beside its bins.

use super::kind::Kind;
use super::operand::Operand;
use super::view::View;
use crate::model::{EPOCH_OFFSET_SECS, Record, now_millis};

/// A record's metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meta {
    /// The digest's last four bytes, modulo a number that is not zero.
    DigestModulo(i32),
    /// Last write, in nanoseconds since 1970-01-01 UTC.
    LastUpdate,
    /// Milliseconds since the last write.
    SinceUpdate,
    /// Expiry in nanoseconds since 1970-01-01 UTC; -1 for never.
    VoidTime,
    /// Seconds until the record expires; -1 for never.
    Ttl,
    SetName,
    KeyExists,
    IsTombstone,
    /// Bytes at rest: the body and the index entry. The device and memory sizes of older
    /// clients mean the same.
    RecordSize,
}

/// What the index keeps of a record: digest and metadata.
const INDEX_ENTRY_BYTES: i64 = 64;

impl Meta {
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::SetName => Kind::Str,
            Self::KeyExists | Self::IsTombstone => Kind::Bool,
            _ => Kind::Int,
        }
    }

    pub(super) fn needs_body(self) -> bool {
        matches!(self, Self::KeyExists | Self::RecordSize)
    }

    pub(super) fn read<'a>(self, view: &View<'a>) -> Option<Operand<'a>> {
        Some(match self {
            Self::DigestModulo(modulo) => {
                let tail = view.digest.0.last_chunk::<4>()?;
                Operand::Int(i64::from(u32::from_le_bytes(*tail)).checked_rem(modulo.into())?)
            }
            Self::SetName => Operand::Str(view.set.as_bytes()),
            _ => return self.of_record(view.record?, view.now),
        })
    }

    fn of_record<'a>(self, record: &Record, now: u32) -> Option<Operand<'a>> {
        let meta = &record.meta;
        Some(match self {
            Self::LastUpdate => Operand::Int(unix_nanos(meta.last_update)),
            // The view's clock counts seconds; this one answers in milliseconds.
            Self::SinceUpdate => {
                let now = now_millis().max(u64::from(now) * 1000);
                Operand::Int(now.saturating_sub(meta.last_update) as i64)
            }
            Self::VoidTime if meta.void_time == 0 => Operand::Int(-1),
            Self::VoidTime => Operand::Int(unix_nanos(u64::from(meta.void_time) * 1000)),
            Self::Ttl if meta.void_time == 0 => Operand::Int(-1),
            Self::Ttl => Operand::Int(meta.void_time.saturating_sub(now).into()),
            Self::KeyExists => Operand::Bool(record.body.user_key().is_some()),
            // Deleted records leave nothing behind.
            Self::IsTombstone => Operand::Bool(false),
            Self::RecordSize => {
                Operand::Int(record.body.as_bytes().len() as i64 + INDEX_ENTRY_BYTES)
            }
            Self::DigestModulo(_) | Self::SetName => return None,
        })
    }
}

fn unix_nanos(millis_since_2010: u64) -> i64 {
    millis_since_2010
        .saturating_add(EPOCH_OFFSET_SECS * 1000)
        .saturating_mul(1_000_000) as i64
}
