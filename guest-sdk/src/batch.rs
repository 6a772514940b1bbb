//! Runs a function over a packed batch.

use std::cell::RefCell;

use bumpalo::Bump;

use crate::arguments::{Arguments, Signature};
use crate::packed::{Fields, VERSION, status};
use crate::record::Shared;
use crate::{Error, Outcome, Record, Result, ToValue, kind};

/// Bytes of an outcome before its effects.
const OUTCOME_HEAD: usize = 12;

thread_local! {
    /// Reset with each batch, so that memory does not grow with the work done.
    static ARENA: RefCell<Bump> = RefCell::new(Bump::new());
    /// What the last batch's outcomes took: the next one's allocation.
    static LAST_SIZE: RefCell<usize> = const { RefCell::new(0) };
}

/// A function as the macro describes it.
#[doc(hidden)]
pub struct Function {
    /// Its name and arguments.
    pub signature: Signature,
    /// The bins it reads, if it names them.
    pub bins: Option<&'static [&'static str]>,
    /// Runs it over a batch.
    pub run: fn(&mut Batch<'_>),
}

/// A batch on its way through a function.
#[doc(hidden)]
pub struct Batch<'a> {
    record: Record<'a>,
    packed: Fields<'a>,
    count: u32,
    arguments: Result<Arguments<'a>>,
}

impl<'a> Batch<'a> {
    /// Runs `f` over each record and packs the outcomes.
    #[inline]
    pub fn each<R, F>(&mut self, mut f: F)
    where
        F: FnMut(&mut Record<'a>, &Arguments<'a>) -> Result<R>,
        R: Outcome,
    {
        let record = &mut self.record;
        for index in 0..self.count {
            let start = record.out.len();
            record.out.extend_from_slice(&[0; OUTCOME_HEAD]);
            let outcome = match (next(record, &mut self.packed, index), &self.arguments) {
                (Ok(()), Ok(arguments)) => f(record, arguments).and_then(Outcome::outcome),
                (Err(e), _) => Err(e),
                (_, Err(e)) => Err(e.clone()),
            };
            match outcome {
                Ok(value) => {
                    let effects_end = record.out.len();
                    value.write_particle(&mut record.out);
                    head(
                        &mut record.out,
                        start,
                        effects_end,
                        status::OK,
                        value.kind(),
                    );
                }
                Err(error) => failed(&mut record.out, start, &error),
            }
        }
    }
}

#[inline]
fn next<'a>(record: &mut Record<'a>, packed: &mut Fields<'a>, index: u32) -> Result<()> {
    let len = packed.u32()? as usize;
    let bytes = packed.take(len)?;
    record.load(index, bytes)
}

#[inline]
fn head(out: &mut [u8], start: usize, effects_end: usize, status: u8, kind: u8) {
    let effects = (effects_end - start - OUTCOME_HEAD) as u32;
    let result = (out.len() - effects_end) as u32;
    if let Some(head) = out.get_mut(start..start + OUTCOME_HEAD) {
        head[0] = status;
        head[1] = kind;
        head[4..8].copy_from_slice(&effects.to_le_bytes());
        head[8..12].copy_from_slice(&result.to_le_bytes());
    }
}

#[cold]
fn failed(out: &mut Vec<u8>, start: usize, error: &Error) {
    let effects_end = start + OUTCOME_HEAD;
    out.truncate(effects_end);
    out.extend_from_slice(error.message().as_bytes());
    let status = if error.is_arguments() {
        status::ARGUMENTS
    } else {
        status::FAILED
    };
    head(out, start, effects_end, status, kind::STRING);
}

/// Runs a function over packed records and returns packed outcomes.
///
/// # Errors
/// When the head is malformed: host and SDK do not speak the same version.
pub fn run(function: &'static Function, arguments: &[u8], records: &[u8]) -> Result<Vec<u8>> {
    ARENA.with_borrow_mut(Bump::reset);
    ARENA.with_borrow(|arena| {
        let mut packed = Fields(records);
        let version = packed.u8()?;
        if version != VERSION {
            return Err(Error::new(format!(
                "the host packs records in version {version}, this component reads {VERSION}; \
                 build it with the petrel-udf that came with the host"
            )));
        }
        packed.u8()?;
        let set_count = usize::from(packed.u16()?);
        let count = packed.u32()?;
        let now = packed.u32()?;
        let namespace = packed.text()?;
        let sets = arena.alloc_slice_fill_copy(set_count, "");
        for set in sets.iter_mut() {
            *set = packed.text()?;
        }
        let shared = Shared {
            namespace,
            sets,
            now,
            arena,
        };
        let room = LAST_SIZE.with_borrow(|size| *size);
        let mut out = Vec::with_capacity(room.max(64 + count as usize * 24));
        out.extend_from_slice(&[VERSION, 0, 0, 0]);
        out.extend_from_slice(&count.to_le_bytes());
        let mut batch = Batch {
            record: Record::new(shared, out),
            packed,
            count,
            arguments: Arguments::parse(&function.signature, arguments),
        };
        (function.run)(&mut batch);
        let out = batch.record.out;
        LAST_SIZE.with_borrow_mut(|size| *size = out.len());
        Ok(out)
    })
}
