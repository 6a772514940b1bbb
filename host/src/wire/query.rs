//! What a query or background task says beside its request.

use super::message::{Fields, Message, bad};
use crate::model::{Digest, PARTITIONS, PartitionId, Result};
use crate::request::Resume;

/// The frame of a query: which partitions, from where, how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryParams {
    /// The task id the client chose, or 0.
    pub task_id: u64,
    /// Partitions to read, each from its start or after a record.
    pub partitions: Vec<(PartitionId, Option<Resume>)>,
    /// Return at most this many records; 0 for all.
    pub max_records: u64,
    /// At most this many records a second; 0 for no limit.
    pub records_per_second: u32,
    /// Milliseconds without progress that the client stands.
    pub socket_timeout: u32,
}

impl Message<'_> {
    /// The parameters of a query or background task.
    ///
    /// # Errors
    /// When a field is malformed or a partition does not exist.
    pub fn query_params(&self) -> Result<QueryParams> {
        let f = &self.fields;
        let number = |field| Fields::number(field).map(Option::unwrap_or_default);
        let mut partitions = Vec::new();
        if f.partitions.is_none() && f.digests.is_none() {
            partitions.extend((0..PARTITIONS as u16).map(|id| (id, None)));
        }
        let (ids, rest) = f.partitions.unwrap_or_default().as_chunks::<2>();
        if !rest.is_empty() || ids.len() > PARTITIONS {
            return Err(bad("the partition list is malformed"));
        }
        for id in ids {
            let id = u16::from_le_bytes(*id);
            if usize::from(id) >= PARTITIONS {
                return Err(bad(format!("there is no partition {id}")));
            }
            partitions.push((id, None));
        }
        let (digests, rest) = f.digests.unwrap_or_default().as_chunks::<20>();
        if !rest.is_empty() || digests.len() > PARTITIONS {
            return Err(bad("the list of digests to resume after is malformed"));
        }
        let (values, rest) = f.index_values.unwrap_or_default().as_chunks::<8>();
        let expected = match f.index_range {
            Some(_) => digests.len(),
            None => values.len(),
        };
        if !rest.is_empty() || values.len() != expected {
            return Err(bad(
                "each digest to resume after in an index needs its value",
            ));
        }
        for (n, digest) in digests.iter().enumerate() {
            let digest = Digest(*digest);
            let value = values.get(n).map_or(0, |bytes| i64::from_le_bytes(*bytes));
            partitions.push((digest.partition(), Some(Resume { digest, value })));
        }
        Ok(QueryParams {
            task_id: number(f.task_id)?,
            partitions,
            max_records: number(f.max_records)?,
            records_per_second: number(f.records_per_second)? as u32,
            socket_timeout: number(f.socket_timeout)? as u32,
        })
    }
}
