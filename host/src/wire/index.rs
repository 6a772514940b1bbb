//! The index range of a query.

use bytes::Bytes;

use super::message::{Cursor, Message, bad};
use crate::index::{Bounds, Collection, Context, Kind, Place};
use crate::model::{Error, ParticleType, Result, ResultCode};
use crate::request::{IndexRange, IndexRef};

impl Message<'_> {
    /// The range of an index that a query or background task is for; `None` for a walk.
    ///
    /// # Errors
    /// When a field is malformed, or the index is of a kind that this host does not have.
    pub fn index_range(&self) -> Result<Option<IndexRange>> {
        let f = &self.fields;
        if f.index_expression.is_some() {
            return Err(no_such_index("expression"));
        }
        let Some(field) = f.index_range else {
            return Ok(None);
        };
        let mut cursor = Cursor { rest: field };
        if cursor.u8()? != 1 {
            return Err(bad("a query is for one index range"));
        }
        let bin_len = cursor.u8()?;
        let bin = cursor.take(bin_len.into())?;
        let kind = match ParticleType(cursor.u8()?) {
            ParticleType::INTEGER => Kind::Numeric,
            ParticleType::STRING => Kind::String,
            ParticleType::BLOB => Kind::Blob,
            ParticleType::GEOJSON => return Err(no_such_index("geo2dsphere")),
            other => return Err(bad(format!("no index is of {}s", other.name()))),
        };
        let bounds = self.bounds(kind, &mut cursor)?;
        let index = match (f.index_name, bin) {
            (Some(name), []) => IndexRef::Named(
                std::str::from_utf8(name)
                    .map_err(|_| bad("the index's name is not text"))?
                    .into(),
            ),
            (None, [_, ..]) => IndexRef::Of(self.place(bin, kind)?),
            (Some(_), _) => return Err(bad("a query names an index or a bin, not both")),
            (None, []) => return Err(bad("the query names neither an index nor a bin")),
        };
        Ok(Some(IndexRange { index, bounds }))
    }

    fn bounds(&self, kind: Kind, cursor: &mut Cursor<'_>) -> Result<Bounds> {
        if kind != Kind::Numeric {
            // Clients send the value twice; it is a range of one.
            let len = cursor.u32()?;
            let value = cursor.take(len as usize)?;
            return Ok(Bounds::Bytes(Bytes::copy_from_slice(value)));
        }
        let mut integer = || match cursor.u32()? {
            8 => Ok(i64::from_be_bytes(cursor.array()?)),
            n => Err(bad(format!(
                "an integer of an index range has 8 bytes, not {n}"
            ))),
        };
        match (integer()?, integer()?) {
            (from, to) if from <= to => Ok(Bounds::Integers(from, to)),
            (from, to) => Err(bad(format!(
                "the range {from} to {to} begins after its end"
            ))),
        }
    }

    fn place(&self, bin: &[u8], kind: Kind) -> Result<Place> {
        let collection = match self.fields.index_type {
            None | Some([0]) => Collection::Default,
            Some([1]) => Collection::List,
            Some([2]) => Collection::MapKeys,
            Some([3]) => Collection::MapValues,
            Some(_) => return Err(bad("unknown index type")),
        };
        let context = match self.fields.index_context {
            Some(packed) => Context::unpack(packed)?,
            None => Context::default(),
        };
        Ok(Place::of_bin(bin, kind)?.over(collection).within(context))
    }
}

/// The range of an index of a bin, as [`Message::index_range`] reads it. `bin` has 255 bytes at most.
pub fn pack_index_range(bin: &str, kind: Kind, bounds: &Bounds) -> Vec<u8> {
    let particle = match kind {
        Kind::Numeric => ParticleType::INTEGER,
        Kind::String => ParticleType::STRING,
        Kind::Blob => ParticleType::BLOB,
    };
    let mut out = vec![1, bin.len() as u8];
    out.extend_from_slice(bin.as_bytes());
    out.push(particle.0);
    let mut push = |value: &[u8]| {
        out.extend_from_slice(&(value.len() as u32).to_be_bytes());
        out.extend_from_slice(value);
    };
    match bounds {
        Bounds::Integers(from, to) => {
            push(&from.to_be_bytes());
            push(&to.to_be_bytes());
        }
        Bounds::Bytes(value) => {
            push(value);
            push(value);
        }
    }
    out
}

/// There can be none of what cannot be created.
fn no_such_index(kind: &str) -> Error {
    Error::new(
        ResultCode::IndexNotFound,
        format!("{kind} indexes are not supported; query with a filter expression"),
    )
}
