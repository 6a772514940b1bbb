//! One operation, applied to the record in hand.

use super::op::{Op, OpKind, Outcome};
use super::{expression, scalar};
use crate::change::{RecordContext, Scope};
use crate::model::{BinName, Error, Particle, Result, ResultCode, Value};

/// Applies an operation; what it writes is seen by the operations after it.
///
/// ```
/// use petrel::change::{RecordContext, Scope};
/// use petrel::model::{BinName, Digest, Value};
/// use petrel::ops::{Op, OpKind, Outcome, apply};
///
/// let bin = BinName::new(b"visits");
/// let mut record = RecordContext::new(Digest([0; 20]), 0, None, None);
/// let scope = Scope::default();
/// for (kind, value) in [(OpKind::Write, 1.into()), (OpKind::Add, 2.into())] {
///     apply(&Op { kind, bin, value }, &mut record, &scope)?;
/// }
/// let read = Op { kind: OpKind::Read, bin, value: Value::Nil };
/// assert_eq!(apply(&read, &mut record, &scope)?, Outcome::Value(3.into()));
/// # Ok::<(), petrel::model::Error>(())
/// ```
///
/// # Errors
/// [`ResultCode::BinType`] where the bin's type does not fit, [`ResultCode::ParameterError`] where the
/// operation's own parts do not, [`ResultCode::Unsupported`], and the codes of expression operations.
pub fn apply(op: &Op, record: &mut RecordContext, scope: &Scope) -> Result<Outcome> {
    match (op.kind, op.bin) {
        (OpKind::Read, Some(name)) => {
            let value = record.bin(name.as_bytes());
            return Ok(value.map_or(Outcome::Nothing, Outcome::Value));
        }
        (OpKind::Read, None) => return Ok(Outcome::Bins(every_bin(record))),
        (OpKind::Touch, _) => {}
        (OpKind::Delete, _) => {
            record.remove();
        }
        (OpKind::Write, Some(name)) => record.set_bin(name, op.value.clone()),
        (OpKind::Add | OpKind::Append | OpKind::Prepend, Some(name)) => {
            let value = scalar_change(op, name, record)?;
            record.set_bin(name, value);
        }
        (OpKind::ExpRead | OpKind::ExpModify, Some(name)) => {
            return expression::apply(op, name, record, scope);
        }
        (
            kind @ (OpKind::Write
            | OpKind::Add
            | OpKind::Append
            | OpKind::Prepend
            | OpKind::ExpRead
            | OpKind::ExpModify),
            None,
        ) => {
            return Err(Error::new(
                ResultCode::ParameterError,
                format!("{kind:?} needs a bin name"),
            ));
        }
        (kind, _) => {
            return Err(Error::new(
                ResultCode::Unsupported,
                format!("{kind:?} operations are not supported by this version; use a UDF for it"),
            ));
        }
    }
    Ok(Outcome::Nothing)
}

fn scalar_change(op: &Op, name: BinName, record: &RecordContext) -> Result<Value> {
    let mut bytes = Vec::new();
    let present = match record.changed_bin(name.as_bytes()) {
        Some(Value::Nil) => None,
        Some(value) => {
            value.write_particle(&mut bytes);
            Some(Particle::new(value.kind(), &bytes))
        }
        None => record.stored_bin(name.as_bytes()),
    };
    let changed = match op.kind {
        OpKind::Add => scalar::add(present, &op.value),
        OpKind::Append => scalar::append(present, &op.value),
        _ => scalar::prepend(present, &op.value),
    };
    changed.map_err(|e| Error::new(e.code, format!("bin {name:?}: {}", e.message)))
}

fn every_bin(record: &RecordContext) -> Vec<(BinName, Value)> {
    let names = record.bin_names().into_iter().filter_map(BinName::new);
    names
        .filter_map(|name| Some((name, record.bin(name.as_bytes())?)))
        .collect()
}
