//! Runs a function over a packed batch.

use std::cell::RefCell;

use bumpalo::Bump;
use petrel_packed::{
    Fields, OutcomeHead, OutcomesHead, ParticleType, RecordsHead, VERSION, status,
};

use crate::arguments::{Arguments, Signature};
use crate::error::cut;
use crate::record::{Change, Shared};
use crate::{Error, Outcome, Record, Result, ToValue, kind};

thread_local! {
    /// Reset with each batch, so that memory does not grow with the work done.
    static ARENA: RefCell<Bump> = RefCell::new(Bump::new());
}

/// Memory that is kept from batch to batch.
#[doc(hidden)]
#[derive(Default)]
pub struct Buffers {
    /// The packed outcomes of the batch.
    pub outcomes: Vec<u8>,
    changes: Vec<Change>,
}

impl Buffers {
    /// Empty ones.
    pub const fn new() -> Self {
        Self {
            outcomes: Vec::new(),
            changes: Vec::new(),
        }
    }
}

/// A function as the macro describes it.
#[doc(hidden)]
pub struct Function {
    /// Its name and arguments.
    pub signature: Signature,
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
            record.out.extend_from_slice(&[0; OutcomeHead::SIZE]);
            let outcome = match (record.load(index, &mut self.packed), &self.arguments) {
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
fn head(out: &mut [u8], start: usize, effects_end: usize, status: u8, kind: u8) {
    let effects = start + OutcomeHead::SIZE;
    let head = OutcomeHead {
        status,
        kind: ParticleType(kind),
        effects: (effects_end - effects) as u32,
        result: (out.len() - effects_end) as u32,
    };
    if let Some(slot) = out.get_mut(start..effects) {
        slot.copy_from_slice(&head.to_bytes());
    }
}

#[cold]
fn failed(out: &mut Vec<u8>, start: usize, error: &Error) {
    let effects_end = start + OutcomeHead::SIZE;
    out.truncate(effects_end);
    out.extend_from_slice(error.message().as_bytes());
    let status = if error.is_arguments() {
        status::ARGUMENTS
    } else {
        status::FAILED
    };
    head(out, start, effects_end, status, kind::STRING);
}

fn text<'a>(packed: &mut Fields<'a>) -> Result<&'a str> {
    let name = packed.name().map_err(cut)?;
    Ok(std::str::from_utf8(name).unwrap_or_default())
}

/// Reads what a batch begins with and hands it on: what its records share, how many they are, and the
/// records themselves.
///
/// # Errors
/// Those of `then`, and when the head is malformed: host and SDK do not speak the same version.
pub(crate) fn open<T>(
    records: &[u8],
    signature: &'static Signature,
    then: impl for<'a> FnOnce(Shared<'a>, u32, Fields<'a>) -> Result<T>,
) -> Result<T> {
    ARENA.with_borrow_mut(Bump::reset);
    ARENA.with_borrow(|arena| {
        let mut packed = Fields::new(records);
        let head = RecordsHead::read(&mut packed).map_err(cut)?;
        if head.version != VERSION {
            return Err(Error::new(format!(
                "the host packs records in version {}, this component reads {VERSION}; \
                 build it with the petrel-udf that came with the host",
                head.version
            )));
        }
        let namespace = text(&mut packed)?;
        let sets = arena.alloc_slice_fill_copy(head.sets.into(), "");
        for set in sets.iter_mut() {
            *set = text(&mut packed)?;
        }
        let shared = Shared {
            namespace,
            sets,
            now: head.now,
            signature,
            arena,
        };
        then(shared, head.count, packed)
    })
}

/// Runs a function over packed records and packs the outcomes into the buffers.
///
/// # Errors
/// When the head is malformed: host and SDK do not speak the same version.
pub fn run(
    function: &'static Function,
    arguments: &[u8],
    records: &[u8],
    buffers: &mut Buffers,
) -> Result<()> {
    open(records, &function.signature, |shared, count, packed| {
        let mut out = std::mem::take(&mut buffers.outcomes);
        out.clear();
        out.reserve(64 + count as usize * 24);
        let outcomes = OutcomesHead {
            version: VERSION,
            count,
        };
        out.extend_from_slice(&outcomes.to_bytes());
        let mut batch = Batch {
            record: Record::new(shared, out, std::mem::take(&mut buffers.changes)),
            packed,
            count,
            arguments: Arguments::parse(&function.signature, arguments),
        };
        (function.run)(&mut batch);
        (buffers.outcomes, buffers.changes) = batch.record.into_buffers();
        Ok(())
    })
}
