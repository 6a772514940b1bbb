//! Scalar operations: add, append, prepend.

use bytes::Bytes;

use crate::model::{Error, Particle, ParticleType, Result, ResultCode, Value};

fn wrong_type(what: &str, present: Particle<'_>, given: &Value) -> Error {
    Error::new(
        ResultCode::BinType,
        format!(
            "cannot {what} a {} to a bin that holds a {}",
            given.kind().name(),
            present.kind.name()
        ),
    )
}

/// Adds an integer or float to a bin; a missing bin counts as zero. Integers wrap.
///
/// # Errors
/// [`ResultCode::BinType`] when bin and operand are not the same kind of number,
/// [`ResultCode::ParameterError`] when the operand is no number.
pub(super) fn add(present: Option<Particle<'_>>, given: &Value) -> Result<Value> {
    match (present, given) {
        (None, Value::Int(_) | Value::Float(_)) => Ok(given.clone()),
        (Some(p), Value::Int(n)) => match (p.as_int(), p.as_float()) {
            (Some(i), _) => Ok(Value::Int(i.wrapping_add(*n))),
            (_, Some(f)) => Ok(Value::Float(f + *n as f64)),
            _ => Err(wrong_type("add", p, given)),
        },
        (Some(p), Value::Float(x)) => match p.as_float() {
            Some(f) => Ok(Value::Float(f + x)),
            None => Err(wrong_type("add", p, given)),
        },
        (_, other) => Err(Error::new(
            ResultCode::ParameterError,
            format!(
                "only integers and floats can be added, not a {}",
                other.kind().name()
            ),
        )),
    }
}

/// Appends a string or blob to a bin of the same type; a missing bin counts as empty.
///
/// # Errors
/// As [`prepend`].
pub(super) fn append(present: Option<Particle<'_>>, given: &Value) -> Result<Value> {
    join("append", present, given, |present, given| {
        [present, given].concat()
    })
}

/// Prepends a string or blob to a bin of the same type; a missing bin counts as empty.
///
/// # Errors
/// [`ResultCode::BinType`] when the types differ, [`ResultCode::ParameterError`] when the operand is
/// neither string nor blob.
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
    let (kind, bytes): (ParticleType, &Bytes) = match given {
        Value::Str(b) => (ParticleType::STRING, b),
        Value::Blob(kind, b) => (*kind, b),
        other => {
            return Err(Error::new(
                ResultCode::ParameterError,
                format!(
                    "only strings and blobs can be joined, not a {}",
                    other.kind().name()
                ),
            ));
        }
    };
    match present {
        None => Ok(given.clone()),
        Some(p) if p.kind == kind => {
            let joined = Bytes::from(cat(p.data, bytes));
            Ok(if kind == ParticleType::STRING {
                Value::Str(joined)
            } else {
                Value::Blob(kind, joined)
            })
        }
        Some(p) => Err(wrong_type(what, p, given)),
    }
}
