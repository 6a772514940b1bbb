//! What a call gives back for each record.

use std::time::Duration;

use crate::dispatch::Namespace;
use crate::model::{Body, Error, Key, Particle, ResultCode, Value, now_secs};
use crate::request::{BinSelection, Found, Reply, ReplyBins};

use super::Result;

/// A record as a call returned it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its key; the user key is `None` where it is neither stored nor given.
    pub key: Key,
    /// How often it was written.
    pub generation: u16,
    /// The bins that were read, in stored order.
    pub bins: Vec<(String, Value)>,
    void_time: u32,
}

impl Record {
    /// The value of a bin.
    pub fn bin(&self, name: &str) -> Option<&Value> {
        self.bins.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    /// How long until it expires; `None` when it never does.
    pub fn ttl(&self) -> Option<Duration> {
        (self.void_time != 0)
            .then(|| Duration::from_secs(self.void_time.saturating_sub(now_secs()).into()))
    }

    pub(super) fn found(namespace: &Namespace, found: Found, bins: &BinSelection) -> Self {
        let sets = namespace.sets();
        let user_key = found.body.user_key();
        Self {
            key: Key {
                namespace: namespace.name.to_string(),
                set: sets
                    .name(found.set)
                    .map_or_else(String::new, |s| s.to_string()),
                digest: found.digest,
                user_key: user_key.and_then(|p| Value::try_from(p).ok()),
            },
            generation: found.generation,
            bins: select(&found.body, bins),
            void_time: found.void_time,
        }
    }
}

/// What became of a call on one record.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordResult {
    /// The record: its key always, the rest as far as the call read it.
    pub record: Record,
    /// How the call ended on this record.
    pub code: ResultCode,
    /// What went wrong, for people.
    pub message: Option<Box<str>>,
    /// What the function returned, of a call of a function.
    pub udf_result: Option<Value>,
}

impl RecordResult {
    /// Whether the call succeeded on this record.
    pub fn is_ok(&self) -> bool {
        self.code == ResultCode::Ok
    }

    /// The result, or its failure as an error.
    ///
    /// # Errors
    /// The failure of the call on this record.
    pub fn or_raise(self) -> Result<Self> {
        if self.is_ok() {
            return Ok(self);
        }
        let error = match self.message {
            Some(message) => Error::new(self.code, String::from(message)),
            None => self.code.into(),
        };
        Err(error.into())
    }

    pub(super) fn of(key: Key, reply: Reply) -> Self {
        let mut udf_result = None;
        let bins = match reply.bins {
            ReplyBins::None => Vec::new(),
            ReplyBins::Record(body, bins) => select(&body, &bins),
            ReplyBins::Values(values) => values
                .into_iter()
                .filter_map(|(name, value)| Some((text(name?.as_bytes()), value)))
                .collect(),
            ReplyBins::Udf(value) => {
                udf_result = (reply.code == ResultCode::Ok).then_some(value);
                Vec::new()
            }
        };
        Self {
            record: Record {
                key,
                generation: reply.generation,
                bins,
                void_time: reply.void_time,
            },
            code: reply.code,
            message: reply.message.map(|m| m.into()),
            udf_result,
        }
    }

    pub(super) fn record(record: Record) -> Self {
        Self {
            record,
            code: ResultCode::Ok,
            message: None,
            udf_result: None,
        }
    }
}

fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// A particle the store holds has a type and length that were checked when it was written.
fn bin((name, particle): (&[u8], Particle<'_>)) -> Option<(String, Value)> {
    Some((text(name), Value::try_from(particle).ok()?))
}

fn select(body: &Body, bins: &BinSelection) -> Vec<(String, Value)> {
    match bins {
        BinSelection::All => body.bins().filter_map(bin).collect(),
        BinSelection::None => Vec::new(),
        BinSelection::Some(names) => body
            .bins()
            .filter(|(name, _)| names.iter().any(|n| n.as_bytes() == *name))
            .filter_map(bin)
            .collect(),
    }
}
