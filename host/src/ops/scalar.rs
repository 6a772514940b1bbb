//! Scalar operations: add, append, prepend.

use bytes::Bytes;

use crate::model::{Error, Particle, ParticleType, Result, ResultCode, Value};

fn wrong_type(what: &str, present: Particle<'_>, given: &Value) -> Error {
    Error::new(
        ResultCode::BinType,
        format!(
            "cannot {what}: the bin holds a {}, the operand is a {}",
            present.kind.name(),
            given.kind().name()
        ),
    )
}

/// What a missing bin becomes: the operand, whatever its type.
fn first(what: &str, given: &Value) -> Result<Value> {
    match given {
        Value::Nil => Err(Error::new(
            ResultCode::ParameterError,
            format!("there is nothing to {what}"),
        )),
        given => Ok(given.clone()),
    }
}

/// Adds to a bin; a missing bin becomes the operand. Integers wrap.
///
/// # Errors
/// [`ResultCode::BinType`] when bin and operand are not the same kind of number,
/// [`ResultCode::ParameterError`] when the operand is nil.
pub(super) fn add(present: Option<Particle<'_>>, given: &Value) -> Result<Value> {
    let what = "increment";
    let Some(p) = present.filter(|_| *given != Value::Nil) else {
        return first(what, given);
    };
    match (given, p.as_int(), p.as_float()) {
        (Value::Int(n), Some(i), _) => Ok(Value::Int(i.wrapping_add(*n))),
        (Value::Float(x), _, Some(f)) => Ok(Value::Float(f + x)),
        _ => Err(wrong_type(what, p, given)),
    }
}

/// Appends a string or blob to a bin of the same type; a missing bin becomes the operand.
///
/// # Errors
/// As [`prepend`].
pub(super) fn append(present: Option<Particle<'_>>, given: &Value) -> Result<Value> {
    join("append", present, given, |present, given| {
        [present, given].concat()
    })
}

/// Prepends a string or blob to a bin of the same type; a missing bin becomes the operand.
///
/// # Errors
/// [`ResultCode::BinType`] when the types differ or cannot be joined,
/// [`ResultCode::ParameterError`] when the operand is nil.
pub(super) fn prepend(present: Option<Particle<'_>>, given: &Value) -> Result<Value> {
    join("prepend", present, given, |present, given| {
        [given, present].concat()
    })
}

fn join(
    what: &str,
    present: Option<Particle<'_>>,
    given: &Value,
    cat: impl Fn(&[u8], &[u8]) -> Vec<u8>,
) -> Result<Value> {
    let Some(p) = present.filter(|_| *given != Value::Nil) else {
        return first(what, given);
    };
    match given {
        Value::Str(bytes) if p.kind == ParticleType::STRING => {
            Ok(Value::Str(Bytes::from(cat(p.data, bytes))))
        }
        Value::Blob(kind, bytes) if p.kind == *kind => {
            Ok(Value::Blob(*kind, Bytes::from(cat(p.data, bytes))))
        }
        _ => Err(wrong_type(what, p, given)),
    }
}
