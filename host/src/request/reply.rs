//! What a caller gets.

use std::borrow::Cow;

use super::BinSelection;
use crate::model::{BinName, Body, Error, ResultCode, Value};

/// The bins of a reply.
#[derive(Clone, Debug)]
pub enum ReplyBins {
    /// None.
    None,
    /// The record's bins, as selected; encode them straight from the body.
    Record(Body, BinSelection),
    /// Results of operations, in order.
    Values(Vec<(Option<BinName>, Value)>),
    /// What a function returned.
    Udf(Value),
}

/// What became of the request on one record.
#[derive(Clone, Debug)]
pub struct Reply {
    /// How it ended.
    pub code: ResultCode,
    /// The record's generation: as written, else as read; 0 where there is no record.
    pub generation: u16,
    /// The record's void time (seconds since 2010; 0 for never, and after a removal).
    pub void_time: u32,
    /// Bins or results.
    pub bins: ReplyBins,
    /// What went wrong, for people; of a failed UDF, the text the wire sends in `FAILURE`.
    pub message: Option<Cow<'static, str>>,
    /// Where in its module a function failed, call by call, for those who ask.
    pub trace: Option<Box<str>>,
}

impl Reply {
    /// A success without bins.
    pub fn ok(generation: u16, void_time: u32) -> Self {
        Self {
            code: ResultCode::Ok,
            generation,
            void_time,
            bins: ReplyBins::None,
            message: None,
            trace: None,
        }
    }
}

impl From<Error> for Reply {
    fn from(e: Error) -> Self {
        Self {
            code: e.code,
            generation: 0,
            void_time: 0,
            bins: ReplyBins::None,
            message: Some(e.message),
            trace: None,
        }
    }
}

impl From<ResultCode> for Reply {
    fn from(code: ResultCode) -> Self {
        Self {
            code,
            generation: 0,
            void_time: 0,
            bins: ReplyBins::None,
            message: None,
            trace: None,
        }
    }
}
