//! Batches: many records in one message.

use super::flags::{batch, row};
use super::message::{Cursor, Header, Message, bad};
use crate::model::{Digest, Result};
use crate::request::{Filter, Group, Target};

/// A decoded batch.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Its rows, grouped by what they ask for.
    pub groups: Vec<Group>,
    /// How many rows there are.
    pub rows: usize,
    /// Whether a failed row leaves the others alone. Else the batch ends at the first failure.
    pub respond_all: bool,
}

/// The least bytes of a row: index, digest, flags.
const ROW: usize = 4 + 20 + 1;

impl Message<'_> {
    /// Decodes the rows.
    ///
    /// # Errors
    /// When the batch as a whole is malformed. What is wrong with the request of a row is
    /// in its group.
    pub fn batch(&self, filter: Option<Filter>) -> Result<Batch> {
        let data = self
            .fields
            .batch
            .or(self.fields.batch_with_set)
            .ok_or_else(|| bad("the batch has no rows field"))?;
        let mut cursor = Cursor { rest: data };
        let count = cursor.u32()? as usize;
        let flags = cursor.u8()?;
        if count > cursor.rest.len() / ROW {
            return Err(bad("the batch announces more rows than it has bytes for"));
        }
        let mut groups: Vec<Group> = Vec::new();
        let mut last: Option<Message<'_>> = None;
        for _ in 0..count {
            let index = cursor.u32()?;
            let digest = Digest(cursor.array()?);
            let flags = cursor.u8()?;
            if flags & row::REPEAT != 0 {
                let group = groups
                    .last_mut()
                    .ok_or_else(|| bad("the first row of a batch repeats no other"))?;
                let set = group.rows.last().map(|(_, t)| t.set.clone());
                let target = Target {
                    digest,
                    set: set.unwrap_or_default(),
                    user_key: None,
                };
                group.rows.push((index, target));
                continue;
            }
            let part = Message::part(
                self.frame,
                self.row_header(flags, &mut cursor)?,
                &mut cursor,
            )?;
            let user_key = match part.fields.key {
                Some(key) => Some(part.user_key(key)?),
                None => None,
            };
            let target = part.target_at(digest, user_key);
            // Clients that send keys repeat no row; what asks for the same is one group all the same.
            if let (Some(group), true) = (
                groups.last_mut(),
                last.is_some_and(|last| last.asks_as(&part)),
            ) {
                group.rows.push((index, target));
                continue;
            }
            let filter = match part.filter()? {
                Some(own) => Some(own),
                None => filter.clone(),
            };
            last = Some(part);
            groups.push(Group {
                namespace: part.fields.namespace.unwrap_or_default().to_vec(),
                request: part.request(filter),
                rows: vec![(index, target)],
                error_detail: part.header.error_detail(),
            });
        }
        Ok(Batch {
            groups,
            rows: count,
            respond_all: flags & batch::RESPOND_ALL_KEYS != 0,
        })
    }

    fn row_header(&self, flags: u8, cursor: &mut Cursor<'_>) -> Result<Header> {
        // What a row does not say, it has from the batch.
        let mut header = Header {
            fields: 0,
            ops: 0,
            ..self.header
        };
        if flags & row::INFO != 0 {
            [header.info1, header.info2, header.info3] = cursor.array()?;
        } else {
            header.info1 = cursor.u8()?;
        }
        if flags & row::INFO4 != 0 {
            header.info4 = cursor.u8()?;
        }
        if flags & row::GENERATION != 0 {
            header.generation = cursor.u16()?.into();
        }
        if flags & row::TTL != 0 {
            header.ttl = cursor.u32()?;
        }
        header.fields = cursor.u16()?;
        header.ops = cursor.u16()?;
        Ok(header)
    }
}
