//! Records on their way into a component; the layout is told in `wit/petrel-udf.wit`.

use petrel_packed::{RecordHead, RecordsHead, STUB, VERSION, flag, pack_bin, pack_name};
use smallvec::SmallVec;

use super::state::Stub;
use crate::change::{RecordContext, Scope};
use crate::model::{Body, Particle, ParticleType};

/// Bins larger than this stay with the host until the function touches them.
pub(super) const BIG_BIN: usize = 64 << 10;

/// A crossing takes no further record once it has this many bytes, so that what is copied in
/// stays in the processor's cache.
const CROSSING_BYTES: usize = 256 << 10;

/// Appends records from the front of `batch` to `out` and returns how many: all, or as many as make
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
    let start = out.len();
    out.extend_from_slice(&[0; RecordsHead::SIZE]);
    pack_name(scope.namespace.as_bytes(), out);
    for set in &sets {
        pack_name(scope.set_name(*set).as_bytes(), out);
    }
    let mut count = 0usize;
    for record in batch {
        let set = sets.iter().position(|s| *s == record.set()).unwrap_or(0);
        pack_record(record, count as u32, set as u16, bins, out, stubs);
        count += 1;
        if out.len() - start > CROSSING_BYTES {
            break;
        }
    }
    let head = RecordsHead {
        version: VERSION,
        sets: sets.len() as u16,
        count: count as u32,
        now: scope.now,
    };
    out[start..start + RecordsHead::SIZE].copy_from_slice(&head.to_bytes());
    count
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
    out.extend_from_slice(&[0; RecordHead::SIZE]);
    let stored_key = record.user_key();
    let key_kind = match (stored_key, record.caller_key()) {
        (Some(key), _) => {
            out.extend_from_slice(key.data);
            key.kind
        }
        (None, Some(key)) => {
            key.write_particle(out);
            key.kind()
        }
        (None, None) => ParticleType::NULL,
    };
    let key_len = out.len() - start - RecordHead::SIZE;
    if let Some(base) = record.base() {
        let bytes = base.body.bin_bytes();
        match wanted {
            None if bytes.len() <= BIG_BIN => out.extend_from_slice(bytes),
            Some([]) => {}
            _ => pack_bins(&base.body, index, wanted, out, stubs),
        }
    }
    let exists = if record.exists() { flag::EXISTS } else { 0 };
    let stores_key = stored_key.map_or(0, |_| flag::STORES_KEY);
    let meta = record.meta();
    let head = RecordHead {
        len: (out.len() - start - size_of::<u32>()) as u32,
        digest: record.digest().0,
        set,
        generation: meta.generation,
        void_time: meta.void_time,
        last_update: meta.last_update,
        flags: exists | stores_key,
        key_kind,
        key_len: key_len as u32,
    };
    out[start..start + RecordHead::SIZE].copy_from_slice(&head.to_bytes());
}

/// Packs the bins that are wanted, big ones as stubs.
fn pack_bins(
    body: &Body,
    record: u32,
    wanted: Option<&[Box<[u8]>]>,
    out: &mut Vec<u8>,
    stubs: &mut Vec<Stub>,
) {
    let mut bin = 0;
    for (at, (name, particle)) in body.bins().enumerate() {
        if wanted.is_some_and(|wanted| !wanted.iter().any(|w| **w == *name)) {
            continue;
        }
        if particle.data.len() <= BIG_BIN {
            pack_bin(name, particle, out);
        } else {
            let len = (particle.data.len() as u32).to_le_bytes();
            let kind = ParticleType(particle.kind.0 | STUB);
            pack_bin(name, Particle::new(kind, &len), out);
            let body = body.clone();
            stubs.push(Stub {
                record,
                bin,
                body,
                at,
            });
        }
        bin += 1;
        // The rest need not even be fetched into the cache.
        if wanted.is_some_and(|wanted| bin as usize == wanted.len()) {
            break;
        }
    }
}
