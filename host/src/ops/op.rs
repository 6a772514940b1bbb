//! One operation of an `operate` call, as the wire carries it.

use crate::model::{BinName, Value};

/// What an operation does (the operation byte of the protocol's message).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpKind {
    /// Reads a bin, or all bins when it names none (1).
    Read,
    /// Writes a bin; nil removes it (2).
    Write,
    /// Reads a list or map bin (3).
    CdtRead,
    /// Changes a list or map bin (4).
    CdtModify,
    /// Adds to a number (5).
    Add,
    /// Evaluates an expression (7).
    ExpRead,
    /// Writes an expression's value to a bin (8).
    ExpModify,
    /// Appends to a string or blob (9).
    Append,
    /// Prepends to a string or blob (10).
    Prepend,
    /// Renews generation and expiry (11).
    Touch,
    /// Reads bits of a blob (12).
    BitRead,
    /// Changes bits of a blob (13).
    BitModify,
    /// Deletes the record (14).
    Delete,
    /// Reads a HyperLogLog (15).
    HllRead,
    /// Changes a HyperLogLog (16).
    HllModify,
}

impl OpKind {
    /// From the operation byte.
    pub fn from_wire(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Read,
            2 => Self::Write,
            3 => Self::CdtRead,
            4 => Self::CdtModify,
            5 => Self::Add,
            7 => Self::ExpRead,
            8 => Self::ExpModify,
            9 => Self::Append,
            10 => Self::Prepend,
            11 => Self::Touch,
            12 => Self::BitRead,
            13 => Self::BitModify,
            14 => Self::Delete,
            15 => Self::HllRead,
            16 => Self::HllModify,
            _ => return None,
        })
    }

    /// Whether it changes the record.
    pub fn is_write(self) -> bool {
        !matches!(
            self,
            Self::Read | Self::CdtRead | Self::ExpRead | Self::BitRead | Self::HllRead
        )
    }
}

/// One operation: what to do, on which bin, with what.
#[derive(Clone, Debug, PartialEq)]
pub struct Op {
    /// What.
    pub kind: OpKind,
    /// On which bin; `None` where the operation names none.
    pub bin: Option<BinName>,
    /// With what; [`Value::Nil`] where the operation has no value.
    pub value: Value,
}

/// What an operation gives back.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Nothing, as most writes do.
    Nothing,
    /// A value, of the operation's bin.
    Value(Value),
    /// Every bin of the record.
    Bins(Vec<(BinName, Value)>),
}
