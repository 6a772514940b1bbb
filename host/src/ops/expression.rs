//! Expression operations: a bin or a result computed from the record as it is by then.

use super::op::{Op, OpKind, Outcome};
use crate::change::{Effects, RecordContext, Scope};
use crate::expr::{self, View};
use crate::model::msgpack::{DecodeError, Element, Reader};
use crate::model::{BinName, Error, Record, Result, ResultCode, Value};

/// Flag bits of expression operations.
const CREATE_ONLY: i64 = 1;
const UPDATE_ONLY: i64 = 2;
const ALLOW_DELETE: i64 = 4;
const POLICY_NO_FAIL: i64 = 8;
const EVAL_NO_FAIL: i64 = 16;

/// Evaluates the operation's expression, and writes its value to the bin if the operation modifies.
///
/// The operation's value is a list: the expression's bytes and its flags.
pub(super) fn apply(
    op: &Op,
    name: BinName,
    record: &mut RecordContext,
    scope: &Scope,
) -> Result<Outcome> {
    let bad = |what: String| {
        Error::new(
            ResultCode::ParameterError,
            format!("expression operation on bin {name:?}: {what}"),
        )
    };
    let (Value::Blob(_, packed) | Value::Str(packed) | Value::List(packed)) = &op.value else {
        return Err(bad("no expression was sent".into()));
    };
    let mut reader = Reader::new(packed);
    let malformed = |e: DecodeError| bad(e.to_string());
    reader.list().map_err(malformed)?;
    let compiled =
        expr::decode(reader.skip().map_err(malformed)?).map_err(|e| bad(e.to_string()))?;
    let flags = match reader.element().map_err(malformed)? {
        Element::Int(flags) => flags,
        _ => 0,
    };
    if op.kind == OpKind::ExpModify
        && let Some(refused) = refused(record, name, flags)
    {
        return match flags & POLICY_NO_FAIL {
            0 => Err(refused.into()),
            _ => Ok(Outcome::Nothing),
        };
    }
    let current = snapshot(record, scope);
    let value = compiled.eval(&View {
        digest: record.digest(),
        set: scope.set_name(record.set()),
        record: current.as_ref(),
        now: scope.now,
    });
    match (value, op.kind) {
        (Some(value), OpKind::ExpRead) => Ok(Outcome::Value(value)),
        (Some(value), _) => write(record, name, value, flags).map(|()| Outcome::Nothing),
        (None, OpKind::ExpRead) if flags & EVAL_NO_FAIL != 0 => Ok(Outcome::Value(Value::Nil)),
        (None, _) if flags & EVAL_NO_FAIL != 0 => Ok(Outcome::Nothing),
        (None, _) => Err(Error::new(
            ResultCode::OpNotApplicable,
            format!("the expression for bin {name:?} has no value on this record"),
        )),
    }
}

/// Why the bin may not be written, whatever the value.
fn refused(record: &RecordContext, name: BinName, flags: i64) -> Option<ResultCode> {
    match record.bin(name.as_bytes()) {
        Some(_) if flags & CREATE_ONLY != 0 => Some(ResultCode::BinExists),
        None if flags & UPDATE_ONLY != 0 => Some(ResultCode::BinNotFound),
        _ => None,
    }
}

fn write(record: &mut RecordContext, name: BinName, value: Value, flags: i64) -> Result<()> {
    if value == Value::Nil && flags & ALLOW_DELETE == 0 {
        return match flags & POLICY_NO_FAIL {
            0 => Err(ResultCode::OpNotApplicable.into()),
            _ => Ok(()),
        };
    }
    record.set_bin(name, value);
    Ok(())
}

/// The record with the changes made so far, for an expression to look at.
fn snapshot(record: &RecordContext, scope: &Scope) -> Option<Record> {
    let mut applied = record.clone();
    applied.update();
    let (mut builder, mut scratch) = Default::default();
    let meta = record.meta();
    match applied.effects(scope, meta.last_update, &mut builder, &mut scratch) {
        Ok(Effects::Put(record)) => Some(Record { meta, ..record }),
        _ => record.base().cloned(),
    }
}
