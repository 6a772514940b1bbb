//! Outcomes on their way out of a component; the layout is told in `wit/petrel-udf.wit`.

use bytes::Bytes;
use petrel_packed::{BinHead, Cut, Fields, OutcomeHead, OutcomesHead, VERSION, effect, status};

use crate::change::{MAX_CHANGES, RecordContext};
use crate::model::msgpack::{Element, Reader};
use crate::model::{BinName, Limits, Particle, ParticleType, Ttl, Value};
use crate::udf::{UdfError, UdfErrorKind, UdfResult};

/// What a component returned is not what the contract says.
#[derive(Debug, thiserror::Error)]
#[error(
    "the component broke the contract of petrel:udf: {0}; build it with the petrel-udf that came with the host"
)]
pub(super) struct Malformed(String);

type Result<T, E = Malformed> = std::result::Result<T, E>;

#[cold]
fn malformed<T>(what: impl Into<String>) -> Result<T> {
    Err(Malformed(what.into()))
}

impl From<Cut> for Malformed {
    #[cold]
    fn from(_: Cut) -> Self {
        Self("its outcomes are cut off".into())
    }
}

/// Takes fields off the outcomes.
struct Cursor<'a> {
    all: &'a Bytes,
    fields: Fields<'a>,
}

impl Cursor<'_> {
    /// The value of a particle; what is longer than a number is a slice of the outcomes.
    #[inline]
    fn value(&mut self, kind: ParticleType, n: u32) -> Result<Value> {
        let data = self.fields.take(n as usize)?;
        if let Some(i) = Particle::new(kind, data).as_int() {
            return Ok(Value::Int(i));
        }
        value(kind, self.all.slice_ref(data))
    }
}

/// The value of a particle, if it is one.
///
/// # Errors
/// [`Malformed`], when the bytes do not fit the type.
pub(super) fn value(kind: ParticleType, data: Bytes) -> Result<Value> {
    if kind == ParticleType::NULL && !data.is_empty() {
        return malformed("a nil has bytes");
    }
    if kind == ParticleType::LIST || kind == ParticleType::MAP {
        check_collection(kind, &data)?;
    }
    Value::from_particle(kind, data).or_else(|e| malformed(e.message))
}

/// Fails when `data` is not just one whole collection of that kind.
fn check_collection(kind: ParticleType, data: &[u8]) -> Result<()> {
    let mut reader = Reader::new(data);
    let packed = match reader.element() {
        Ok(Element::List(_)) => Some(ParticleType::LIST),
        Ok(Element::Map(_)) => Some(ParticleType::MAP),
        Ok(_) => None,
        Err(e) => return malformed(format!("a {} is {e}", kind.name())),
    };
    if packed != Some(kind) {
        return malformed(format!("a {} is not one", kind.name()));
    }
    if !reader.is_empty() {
        return malformed(format!("a {} is followed by other bytes", kind.name()));
    }
    Ok(())
}

/// Applies outcomes to the records of a crossing and pushes their results.
///
/// # Errors
/// [`Malformed`], and then nothing of the crossing counts.
pub(super) fn apply(
    outcomes: Bytes,
    batch: &mut [RecordContext],
    limits: &Limits,
    module: &str,
    results: &mut Vec<UdfResult>,
) -> Result<()> {
    let before = results.len();
    let applied = apply_all(&outcomes, batch, limits, module, results);
    if applied.is_err() {
        results.truncate(before);
        for record in batch {
            record.reset();
        }
    }
    applied
}

fn apply_all(
    outcomes: &Bytes,
    batch: &mut [RecordContext],
    limits: &Limits,
    module: &str,
    results: &mut Vec<UdfResult>,
) -> Result<()> {
    let mut cursor = Cursor {
        all: outcomes,
        fields: Fields::new(outcomes),
    };
    let OutcomesHead { version, count } = OutcomesHead::read(&mut cursor.fields)?;
    if version != VERSION {
        return malformed(format!(
            "its outcomes are of version {version}, not {VERSION}"
        ));
    }
    if count as usize != batch.len() {
        return malformed(format!("{} records gave {count} outcomes", batch.len()));
    }
    for record in batch {
        let head = OutcomeHead::read(&mut cursor.fields)?;
        let mut effects = Cursor {
            all: outcomes,
            fields: Fields::new(cursor.fields.take(head.effects as usize)?),
        };
        while !effects.fields.rest().is_empty() {
            apply_effect(&mut effects, record)?;
        }
        let size = head.result as usize;
        if head.status == status::OK && size > limits.result_bytes {
            cursor.fields.take(size)?;
            record.reset();
            results.push(Err(too_big(size, limits.result_bytes, module)));
            continue;
        }
        results.push(match head.status {
            status::OK => Ok(cursor.value(head.kind, head.result)?),
            status::FAILED | status::ARGUMENTS => {
                let message = String::from_utf8_lossy(cursor.fields.take(size)?).into_owned();
                record.reset();
                let kind = match head.status {
                    status::FAILED => UdfErrorKind::Thrown,
                    _ => UdfErrorKind::Arguments,
                };
                Err(UdfError {
                    module: module.into(),
                    ..UdfError::new(kind, message)
                })
            }
            other => return malformed(format!("an outcome has status {other}")),
        });
    }
    if !cursor.fields.rest().is_empty() {
        return malformed("its outcomes are followed by other bytes");
    }
    Ok(())
}

/// The failure of a result that is longer than the module's limit.
#[cold]
pub(super) fn too_big(size: usize, limit: usize, module: &str) -> UdfError {
    UdfError {
        module: module.into(),
        ..UdfError::new(
            UdfErrorKind::Result,
            format!(
                "the result is {size} bytes long, the limit is {limit} (result-bytes); \
                 return less, or raise the limit"
            ),
        )
    }
}

#[inline]
fn apply_effect(cursor: &mut Cursor<'_>, record: &mut RecordContext) -> Result<()> {
    match cursor.fields.u8()? {
        effect::SET => {
            let head = BinHead::read(&mut cursor.fields)?;
            let name = cursor.fields.take(head.name.into())?;
            let Some(name) = BinName::new(name) else {
                return malformed("the name of a bin is not 1 to 15 bytes long");
            };
            let value = cursor.value(head.kind, head.data)?;
            if record.changes() >= MAX_CHANGES && record.changed_bin(name.as_bytes()).is_none() {
                return malformed(format!(
                    "it changes more than {MAX_CHANGES} bins of a record"
                ));
            }
            record.set_bin(name, value);
        }
        effect::CREATE => {
            record.create();
        }
        effect::UPDATE => {
            record.update();
        }
        effect::REMOVE => {
            record.remove();
        }
        effect::TTL => record.set_ttl(Ttl::from_wire(cursor.fields.u32()?)),
        other => return malformed(format!("there is no effect {other}")),
    }
    Ok(())
}
