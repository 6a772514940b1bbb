//! Removal of expired records, a little at a time.

use super::{Change, Cursor, Expected, RecordStore, ScanPage, Scanned, StoreError};
use crate::model::{PARTITIONS, PartitionId};

/// How many records are looked at between two looks at the budget.
const PAGE: ScanPage = ScanPage {
    set: None,
    records: 256,
    bytes: 1 << 20,
};

/// Walks a namespace for expired records, partition after partition, for ever.
///
/// It keeps its place between steps, so a background thread can do a bounded step each tick.
#[derive(Debug, Default)]
pub struct Reaper {
    partition: PartitionId,
    cursor: Cursor,
    page: Vec<Scanned>,
}

/// What one step of a [`Reaper`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Reaped {
    /// Records looked at.
    pub examined: u64,
    /// Expired records removed.
    pub removed: u64,
    /// Whether the step came to the end of the namespace; the next one starts over.
    pub finished: bool,
}

impl Reaper {
    /// A walk that starts at partition 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at about `budget` more records and removes those that expired before `now`
    /// (seconds since 2010-01-01 UTC). `removed` is told of each record that is gone.
    ///
    /// A record that is written meanwhile stays. The step ends at the namespace's end even
    /// when budget is left.
    ///
    /// # Errors
    /// [`StoreError::Engine`]; the next step goes on where this one stopped.
    pub fn step(
        &mut self,
        store: &dyn RecordStore,
        now: u32,
        budget: u64,
        mut removed: impl FnMut(&Scanned),
    ) -> Result<Reaped, StoreError> {
        let mut done = Reaped::default();
        while done.examined < budget {
            self.page.clear();
            let more = store.scan(self.partition, &mut self.cursor, &PAGE, &mut self.page)?;
            done.examined += self.page.len() as u64;
            if !more {
                self.cursor = Cursor::default();
                self.partition += 1;
                done.finished = usize::from(self.partition) == PARTITIONS;
                if done.finished {
                    self.partition = 0;
                }
            }
            for scanned in self.page.drain(..) {
                if !scanned.versioned.record.meta.is_expired(now) {
                    continue;
                }
                let expected = Expected::Version(scanned.versioned.version);
                match store.commit(&scanned.digest, expected, Change::Remove) {
                    Ok(_) => {
                        done.removed += 1;
                        removed(&scanned);
                    }
                    Err(StoreError::Conflict) => {}
                    Err(other) => return Err(other),
                }
            }
            if done.finished {
                break;
            }
        }
        Ok(done)
    }
}
