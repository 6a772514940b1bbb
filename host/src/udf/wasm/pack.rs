//! Records on their way into a component; the layout is told in `wit/petrel-udf.wit`.

use smallvec::SmallVec;

use super::state::Stub;
use crate::change::{RecordContext, Scope};
use crate::model::Bins;

/// The version of the packed forms.
pub(super) const VERSION: u8 = 1;

/// Bins larger than this stay with the host until the function touches them.
pub(super) const BIG_BIN: usize = 64 << 10;

/// A crossing takes no further record once it has this many bytes, so that what is copied in
/// stays in the processor's cache.
const CROSSING_BYTES: usize = 256 << 10;

/// Bit of a bin's type: the bin is a stub.
const STUB: u8 = 0x80;

/// Packs records from the front of `batch` and returns how many: all, or as many as make
/// a crossing. `bins` names those to hand over; `None` for all.
pub(super) fn pack(
    batch: &[RecordContext],
    scope: &Scope,
    bins: Option<&[Box<[u8]>]>,
    out: &mut Vec<u8>,
    stubs: &mut Vec<Stub>,
) -> usize {
    let mut sets: SmallVec<[u16; 8]> = SmallVec::new();
    for record in batch {
        if !sets.contains(&record.set()) {
            sets.push(record.set());
        }
    }
    out.clear();
    out.extend_from_slice(&[VERSION, 0]);
    out.extend_from_slice(&(sets.len() as u16).to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&scope.now.to_le_bytes());
    pack_name(&scope.namespace, out);
    for set in &sets {
        pack_name(scope.set_name(*set), out);
    }
    let mut count = 0usize;
    for record in batch {
        let set = sets.iter().position(|s| *s == record.set()).unwrap_or(0);
        pack_record(record, count as u32, set as u16, bins, out, stubs);
        count += 1;
        if out.len() > CROSSING_BYTES {
            break;
        }
    }
    out[4..8].copy_from_slice(&(count as u32).to_le_bytes());
    count
}

/// Names of sets and namespaces are shorter than 64 bytes by the protocol.
fn pack_name(name: &str, out: &mut Vec<u8>) {
    let bytes = &name.as_bytes()[..name.len().min(255)];
    out.push(bytes.len() as u8);
    out.extend_from_slice(bytes);
}

fn pack_record(
    record: &RecordContext,
    index: u32,
    set: u16,
    wanted: Option<&[Box<[u8]>]>,
    out: &mut Vec<u8>,
    stubs: &mut Vec<Stub>,
) {
    let start = out.len();
    let meta = record.meta();
    let stored_key = record.user_key();
    let mut head = [0u8; 46];
    head[4..24].copy_from_slice(&record.digest().0);
    head[24..26].copy_from_slice(&set.to_le_bytes());
    head[26..28].copy_from_slice(&meta.generation.to_le_bytes());
    head[28..32].copy_from_slice(&meta.void_time.to_le_bytes());
    head[32..40].copy_from_slice(&meta.last_update.to_le_bytes());
    head[40] = u8::from(record.exists()) | u8::from(stored_key.is_some()) << 1;
    out.extend_from_slice(&head);
    match (stored_key, record.caller_key()) {
        (Some(key), _) => {
            out[start + 41] = key.kind.0;
            out.extend_from_slice(key.data);
        }
        (None, Some(key)) => {
            out[start + 41] = key.kind().0;
            key.write_particle(out);
        }
        (None, None) => {}
    }
    let key_len = (out.len() - start - head.len()) as u32;
    out[start + 42..start + 46].copy_from_slice(&key_len.to_le_bytes());
    if let Some(base) = record.base() {
        let bytes = base.body.bin_bytes();
        if wanted.is_none() && bytes.len() <= BIG_BIN {
            out.extend_from_slice(bytes);
        } else {
            let mut bin = 0;
            for (at, (name, particle)) in Bins::new(bytes).enumerate() {
                if wanted.is_some_and(|wanted| !wanted.iter().any(|w| **w == *name)) {
                    continue;
                }
                let len = particle.data.len() as u32;
                let is_stub = particle.data.len() > BIG_BIN;
                let flag = if is_stub { STUB } else { 0 };
                out.extend_from_slice(&[name.len() as u8, particle.kind.0 | flag]);
                if is_stub {
                    out.extend_from_slice(&4u32.to_le_bytes());
                    out.extend_from_slice(name);
                    out.extend_from_slice(&len.to_le_bytes());
                    stubs.push(Stub {
                        record: index,
                        bin,
                        body: base.body.clone(),
                        at,
                    });
                } else {
                    out.extend_from_slice(&len.to_le_bytes());
                    out.extend_from_slice(name);
                    out.extend_from_slice(particle.data);
                }
                bin += 1;
            }
        }
    }
    let len = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&len.to_le_bytes());
}
