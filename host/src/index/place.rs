//! Where in a record the values of an index are, and what they are.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::{Context, IndexError};
use crate::model::msgpack::{DecodeError, Element, Reader};
use crate::model::{BinName, Particle, ParticleType, Record};

/// The type of the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Integers.
    Numeric,
    /// Strings.
    String,
    /// Blobs.
    Blob,
}

impl Kind {
    /// Its name in the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Self::Numeric => "numeric",
            Self::String => "string",
            Self::Blob => "blob",
        }
    }

    fn particle(self) -> ParticleType {
        match self {
            Self::Numeric => ParticleType::INTEGER,
            Self::String => ParticleType::STRING,
            Self::Blob => ParticleType::BLOB,
        }
    }
}

/// What of a bin the values are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Collection {
    /// The bin's value itself.
    #[default]
    Default,
    /// The elements of a list.
    List,
    /// The keys of a map.
    MapKeys,
    /// The values of a map.
    MapValues,
}

impl Collection {
    /// Its name in the protocol.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::List => "list",
            Self::MapKeys => "mapkeys",
            Self::MapValues => "mapvalues",
        }
    }
}

/// Where in a record the values of an index are, and what they are: values of another type are not
/// in the index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    bin: String,
    /// What of the bin, or of the element that the context names.
    pub collection: Collection,
    /// The type of the values.
    pub kind: Kind,
    /// The way to an element inside the bin; empty for the bin itself.
    pub context: Context,
}

/// Values as an index has them: of each once, in order.
pub(super) type Values = SmallVec<[i64; 4]>;

impl Place {
    /// The value of a bin.
    ///
    /// # Errors
    /// [`IndexError::Definition`] for a name that no bin can have, or that is not text.
    pub fn of_bin(bin: &[u8], kind: Kind) -> Result<Self, IndexError> {
        let refuse = |what: &str| IndexError::Definition(what.into());
        if bin.is_empty() {
            return Err(refuse("missing 'bin' value"));
        }
        BinName::new(bin).ok_or_else(|| refuse("'bin' value too long"))?;
        let bin = std::str::from_utf8(bin).map_err(|_| refuse("'bin' value is not text"))?;
        Ok(Self {
            bin: bin.into(),
            collection: Collection::Default,
            kind,
            context: Context::default(),
        })
    }

    /// What of the bin's value is meant, instead of itself.
    pub fn over(self, collection: Collection) -> Self {
        Self { collection, ..self }
    }

    /// The element of the bin that is meant, instead of the bin.
    pub fn within(self, context: Context) -> Self {
        Self { context, ..self }
    }

    /// The bin's name.
    pub fn bin(&self) -> &str {
        &self.bin
    }

    pub(super) fn is_numeric(&self) -> bool {
        self.kind == Kind::Numeric
    }

    /// The values of a record, each once, in order.
    pub(super) fn values(&self, record: &Record) -> Values {
        let mut values = Values::new();
        self.each(record, |element| {
            values.extend(self.value(&element));
            false
        });
        values.sort_unstable();
        values.dedup();
        values
    }

    /// Whether the bin is the same in both, so that the values are too.
    pub(super) fn is_same_in(&self, a: &Record, b: &Record) -> bool {
        let bin = self.bin.as_bytes();
        let (a, b) = (a.body.bin(bin), b.body.bin(bin));
        a.map(|p| (p.kind, p.data)) == b.map(|p| (p.kind, p.data))
    }

    /// The value that stands for an element: an integer itself, bytes by their hash; `None` for an
    /// element of another type.
    pub(super) fn value(&self, element: &Element<'_>) -> Option<i64> {
        match (self.kind, element) {
            (Kind::Numeric, Element::Int(i)) => Some(*i),
            (Kind::String | Kind::Blob, Element::Bytes(kind, bytes))
                if *kind == self.kind.particle() =>
            {
                Some(hash(bytes))
            }
            _ => None,
        }
    }

    /// Hands each element at the place to `visit` until it returns `true`; says whether it did.
    pub(super) fn each(&self, record: &Record, mut visit: impl FnMut(Element<'_>) -> bool) -> bool {
        let Some(particle) = record.body.bin(self.bin.as_bytes()) else {
            return false;
        };
        let Some(element) = element(particle).and_then(|e| self.context.follow(e)) else {
            return false;
        };
        let visited = match (self.collection, &element) {
            (Collection::Default, _) => return visit(element),
            (Collection::List, Element::List(list)) => in_list(list, visit),
            (Collection::MapKeys, Element::Map(map)) => in_map(map, |key, _| visit(key)),
            (Collection::MapValues, Element::Map(map)) => in_map(map, |_, value| visit(value)),
            _ => return false,
        };
        // What a malformed collection has before its flaw is there as often as it is looked at.
        visited.unwrap_or(false)
    }
}

/// What a bin's value is as an element; of what no index is of, nothing.
fn element<'a>(p: Particle<'a>) -> Option<Element<'a>> {
    Some(match p.kind {
        ParticleType::INTEGER => Element::Int(p.as_int()?),
        ParticleType::LIST => Element::List(p.data),
        ParticleType::MAP => Element::Map(p.data),
        ParticleType::STRING | ParticleType::BLOB => Element::Bytes(p.kind, p.data),
        _ => return None,
    })
}

fn in_list(list: &[u8], mut visit: impl FnMut(Element<'_>) -> bool) -> Result<bool, DecodeError> {
    let mut reader = Reader::new(list);
    for _ in 0..reader.list()? {
        if visit(reader.element()?) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn in_map(
    map: &[u8],
    mut visit: impl FnMut(Element<'_>, Element<'_>) -> bool,
) -> Result<bool, DecodeError> {
    let mut reader = Reader::new(map);
    for _ in 0..reader.map()? {
        if visit(reader.element()?, reader.element()?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Different bytes may have one hash: a look at the record tells them apart.
pub(super) fn hash(bytes: &[u8]) -> i64 {
    static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    STATE.hash_one(bytes).cast_signed()
}
