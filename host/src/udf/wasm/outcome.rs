//! Outcomes on their way out of a component; the layout is told in `wit/petrel-udf.wit`.

use bytes::Bytes;

use super::pack::VERSION;
use crate::change::RecordContext;
use crate::model::{BinName, Limits, Particle, ParticleType, Ttl, Value, msgpack};
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

struct Cursor<'a> {
    all: &'a Bytes,
    at: usize,
}

impl<'a> Cursor<'a> {
    #[inline]
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let rest = self.all.get(self.at..).unwrap_or_default();
        match rest.get(..n) {
            Some(taken) => {
                self.at += n;
                Ok(taken)
            }
            None => malformed("its outcomes are cut off"),
        }
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        match self.take(N)?.first_chunk() {
            Some(array) => Ok(*array),
            None => malformed("its outcomes are cut off"),
        }
    }

    #[inline]
    fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// The value of a particle; what is longer than a number is a slice of the outcomes.
    #[inline]
    fn value(&mut self, kind: ParticleType, n: usize) -> Result<Value> {
        let start = self.at;
        let data = self.take(n)?;
        let particle = Particle::new(kind, data);
        if let Some(i) = particle.as_int() {
            return Ok(Value::Int(i));
        }
        if kind == ParticleType::NULL && n > 0 {
            return malformed("a nil has bytes");
        }
        if kind == ParticleType::LIST || kind == ParticleType::MAP {
            let mut reader = msgpack::Reader::new(data);
            let first = data.first().copied().unwrap_or_default();
            let is_map = matches!(first, 0x80..=0x8F | 0xDE | 0xDF);
            let is_list = matches!(first, 0x90..=0x9F | 0xDC | 0xDD);
            if is_map != (kind == ParticleType::MAP) || is_list != (kind == ParticleType::LIST) {
                return malformed(format!("a {} is not one", kind.name()));
            }
            if let Err(e) = reader.skip() {
                return malformed(format!("a {} is {e}", kind.name()));
            }
            if !reader.is_empty() {
                return malformed(format!("a {} is followed by other bytes", kind.name()));
            }
        }
        let bytes = if data.is_empty() {
            Bytes::new()
        } else {
            self.all.slice(start..start + n)
        };
        Value::from_particle(kind, bytes).or_else(|e| malformed(e.message))
    }
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
        at: 0,
    };
    let [version, ..] = cursor.array::<4>()?;
    if version != VERSION {
        return malformed(format!(
            "its outcomes are of version {version}, not {VERSION}"
        ));
    }
    let count = cursor.u32()? as usize;
    if count != batch.len() {
        return malformed(format!("{} records gave {count} outcomes", batch.len()));
    }
    for record in batch {
        let [status, kind, _, _] = cursor.array()?;
        let effects = cursor.u32()? as usize;
        let result = cursor.u32()? as usize;
        let effects_end = cursor.at.saturating_add(effects);
        while cursor.at < effects_end {
            apply_effect(&mut cursor, record)?;
        }
        if cursor.at != effects_end {
            return malformed("an effect is longer than the effects");
        }
        if status == 0 && result > limits.result_bytes {
            cursor.take(result)?;
            record.reset();
            results.push(Err(too_big(result, limits.result_bytes, module)));
            continue;
        }
        results.push(match status {
            0 => Ok(cursor.value(ParticleType(kind), result)?),
            1 | 2 => {
                let message = String::from_utf8_lossy(cursor.take(result)?).into_owned();
                record.reset();
                let kind = match status {
                    1 => UdfErrorKind::Thrown,
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
    if cursor.at != outcomes.len() {
        return malformed("its outcomes are followed by other bytes");
    }
    Ok(())
}

#[cold]
fn too_big(size: usize, limit: usize, module: &str) -> UdfError {
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
    let [opcode] = cursor.array()?;
    match opcode {
        1 => {
            let [name_len, kind, len @ ..] = cursor.array::<6>()?;
            let name = cursor.take(usize::from(name_len))?;
            let Some(name) = BinName::new(name) else {
                return malformed("the name of a bin is not 1 to 15 bytes long");
            };
            let value = cursor.value(ParticleType(kind), u32::from_le_bytes(len) as usize)?;
            record.set_bin(name, value);
        }
        2 => {
            record.create();
        }
        3 => {
            record.update();
        }
        4 => {
            record.remove();
        }
        5 => record.set_ttl(Ttl::from_wire(cursor.u32()?)),
        other => return malformed(format!("there is no effect {other}")),
    }
    Ok(())
}
