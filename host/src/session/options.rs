//! What travels with every call: write policies and a filter.

use std::time::Duration;

use super::{Action, Result, SessionError};
use crate::change::WritePolicy;
use crate::expr::ael;
use crate::model::Ttl;
use crate::request::{Filter, Request};

/// The options of a call, gathered by its builder.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    pub(super) policy: WritePolicy,
    pub(super) filter: Option<String>,
}

impl Options {
    pub(super) fn request(self, action: impl Action) -> Result<Request> {
        Ok(Request {
            work: action.into_work()?,
            policy: self.policy,
            filter: parse(self.filter)?,
        })
    }
}

/// Parses the text of a filter.
pub(super) fn parse(filter: Option<String>) -> Result<Option<Filter>> {
    let Some(text) = filter else {
        return Ok(None);
    };
    match ael::parse(&text) {
        Ok(expr) => Ok(Some(Filter::new(expr)?)),
        Err(e) => Err(SessionError::Filter {
            reason: e.to_string(),
            text,
        }),
    }
}

/// The two largest values mean something else on the wire.
pub(super) fn seconds(ttl: Duration) -> Ttl {
    Ttl::Seconds(ttl.as_secs().clamp(1, u64::from(u32::MAX - 2)) as u32)
}
