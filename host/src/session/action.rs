//! What a call does to each of its records.

use std::sync::Arc;

use super::Args;
use crate::model::{BinName, Error, Result, ResultCode, Value, msgpack};
use crate::ops::{Op, OpKind};
use crate::request::{BinSelection, UdfCall, Work};

/// What a call does to each of its records; see the types that implement it.
pub trait Action: Send + 'static {
    /// The work as the dispatcher takes it.
    ///
    /// # Errors
    /// [`ResultCode::BinName`] for a bin name that is empty or too long.
    fn into_work(self) -> Result<Work>;
}

/// An action that changes its records, so that write policies apply.
pub trait WriteAction: Action {}

/// A write that renews the record's expiry, so that the call may say how.
pub trait Renews: WriteAction {}

/// Reads bins.
#[derive(Clone, Debug)]
pub struct Fetch(pub(super) Selection);

/// Writes bins.
#[derive(Clone, Debug, Default)]
pub struct Put(Vec<(String, OpKind, Value)>);

/// Renews the record's expiry and generation.
#[derive(Clone, Copy, Debug)]
pub struct Touch;

/// Deletes the record.
#[derive(Clone, Copy, Debug)]
pub struct Delete;

/// Calls a function.
#[derive(Clone, Debug)]
pub struct Invoke {
    pub(super) package: Arc<str>,
    pub(super) function: Arc<str>,
    args: Vec<Value>,
}

/// A function that the call has yet to name.
#[derive(Clone, Copy, Debug)]
pub struct Function;

/// Which bins to read, before their names are checked.
#[derive(Clone, Debug)]
pub(super) enum Selection {
    All,
    None,
    Some(Vec<String>),
}

impl Selection {
    pub(super) fn check(self) -> Result<BinSelection> {
        Ok(match self {
            Self::All => BinSelection::All,
            Self::None => BinSelection::None,
            Self::Some(names) => {
                BinSelection::Some(names.iter().map(|n| bin_name(n)).collect::<Result<_>>()?)
            }
        })
    }
}

fn bin_name(name: &str) -> Result<BinName> {
    BinName::new(name.as_bytes()).ok_or_else(|| {
        Error::new(
            ResultCode::BinName,
            format!("`{name}` is no bin name: a bin name has 1 to 15 bytes"),
        )
    })
}

impl Put {
    pub(super) fn push(&mut self, bin: String, kind: OpKind, value: Value) {
        self.0.push((bin, kind, value));
    }
}

impl Invoke {
    pub(super) fn new(package: &str, function: &str) -> Self {
        Self {
            package: package.into(),
            function: function.into(),
            args: Vec::new(),
        }
    }

    pub(super) fn pass(&mut self, args: impl Args) {
        self.args = args.into_values();
    }
}

impl Action for Fetch {
    fn into_work(self) -> Result<Work> {
        Ok(Work::Read(self.0.check()?))
    }
}

impl Action for Put {
    fn into_work(self) -> Result<Work> {
        let op = |(name, kind, value): (String, _, _)| {
            let bin = Some(bin_name(&name)?);
            Ok(Op { kind, bin, value })
        };
        Ok(Work::Operate {
            ops: self.0.into_iter().map(op).collect::<Result<_>>()?,
            reply_all: false,
        })
    }
}

impl Action for Touch {
    fn into_work(self) -> Result<Work> {
        Ok(Work::Operate {
            ops: vec![Op {
                kind: OpKind::Touch,
                bin: None,
                value: Value::Nil,
            }],
            reply_all: false,
        })
    }
}

impl Action for Delete {
    fn into_work(self) -> Result<Work> {
        Ok(Work::Delete)
    }
}

impl Action for Invoke {
    fn into_work(self) -> Result<Work> {
        Ok(Work::Udf(UdfCall {
            package: self.package,
            function: self.function,
            args: msgpack::pack_list(self.args).into(),
        }))
    }
}

impl WriteAction for Put {}

impl WriteAction for Touch {}

impl Renews for Put {}

impl Renews for Touch {}

impl WriteAction for Delete {}

impl WriteAction for Invoke {}

/// A builder of a call that writes bins.
pub trait PutBins {
    /// What it writes so far.
    fn put(&mut self) -> &mut Put;
}
