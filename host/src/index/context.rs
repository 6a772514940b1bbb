//! The way from a bin to a list or map inside it, or to one of its elements.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::IndexError;
use crate::cdt::{list, map};
use crate::model::Value;
use crate::model::msgpack::{DecodeError, Element, Reader};

/// Steps of a way, as clients number them.
mod step {
    pub const LIST_INDEX: i64 = 0x10;
    pub const LIST_RANK: i64 = 0x11;
    pub const LIST_VALUE: i64 = 0x13;
    pub const MAP_INDEX: i64 = 0x20;
    pub const MAP_RANK: i64 = 0x21;
    pub const MAP_KEY: i64 = 0x22;
    pub const MAP_VALUE: i64 = 0x23;
}

/// The way to an element inside a bin: none for the bin itself. Equal ways are equal bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Context {
    packed: Vec<u8>,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    ListIndex(i64),
    ListRank(i64),
    ListValue(Value),
    MapIndex(i64),
    MapRank(i64),
    MapKey(Value),
    MapValue(Value),
}

impl PartialEq for Context {
    fn eq(&self, other: &Self) -> bool {
        self.packed == other.packed
    }
}

impl Eq for Context {}

impl Context {
    /// Reads a way as clients pack it: a list of step and argument, in turn.
    ///
    /// # Errors
    /// [`IndexError::Definition`] when it is malformed; [`IndexError::Unsupported`] for steps that
    /// make what is missing.
    pub fn unpack(packed: &[u8]) -> Result<Self, IndexError> {
        let malformed =
            |_: DecodeError| IndexError::Definition("'context' invalid cdt context".into());
        let mut reader = Reader::new(packed);
        let n = reader.list().map_err(malformed)?;
        if n == 0 || n % 2 != 0 {
            return Err(IndexError::Definition(
                "'context' invalid cdt context".into(),
            ));
        }
        let mut steps = Vec::with_capacity(n / 2);
        for _ in 0..n / 2 {
            let kind = reader.element().map_err(malformed)?;
            let argument = reader.element().map_err(malformed)?;
            steps.push(Step::new(&kind, &argument)?);
        }
        if !reader.is_empty() {
            return Err(IndexError::Definition(
                "'context' invalid cdt context".into(),
            ));
        }
        Ok(Self {
            packed: packed.into(),
            steps,
        })
    }

    /// Reads a way in the base64 that info commands carry.
    ///
    /// # Errors
    /// As [`Context::unpack`].
    pub fn from_base64(text: &str) -> Result<Self, IndexError> {
        let packed = STANDARD
            .decode(text)
            .map_err(|_| IndexError::Definition("'context' invalid base64".into()))?;
        Self::unpack(&packed)
    }

    /// The base64 of info commands; empty for no way.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.packed)
    }

    /// Whether it leads nowhere, so that the bin itself is meant.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    pub(super) fn follow<'a>(&self, from: Element<'a>) -> Option<Element<'a>> {
        self.steps
            .iter()
            .try_fold(from, |here, step| step.take(here))
    }
}

impl TryFrom<String> for Context {
    type Error = IndexError;

    fn try_from(text: String) -> Result<Self, IndexError> {
        match text.is_empty() {
            true => Ok(Self::default()),
            false => Self::from_base64(&text),
        }
    }
}

impl From<Context> for String {
    fn from(context: Context) -> Self {
        context.to_base64()
    }
}

impl Step {
    fn new(kind: &Element<'_>, argument: &Element<'_>) -> Result<Self, IndexError> {
        let value = || Value::from(*argument);
        Ok(match (kind, argument) {
            (Element::Int(step::LIST_INDEX), Element::Int(i)) => Self::ListIndex(*i),
            (Element::Int(step::LIST_RANK), Element::Int(i)) => Self::ListRank(*i),
            (Element::Int(step::LIST_VALUE), _) => Self::ListValue(value()),
            (Element::Int(step::MAP_INDEX), Element::Int(i)) => Self::MapIndex(*i),
            (Element::Int(step::MAP_RANK), Element::Int(i)) => Self::MapRank(*i),
            (Element::Int(step::MAP_KEY), _) => Self::MapKey(value()),
            (Element::Int(step::MAP_VALUE), _) => Self::MapValue(value()),
            _ => {
                return Err(IndexError::Definition(
                    "'context' invalid cdt context".into(),
                ));
            }
        })
    }

    fn take<'a>(&self, from: Element<'a>) -> Option<Element<'a>> {
        let found = match (self, from) {
            (Self::ListIndex(i), Element::List(list)) => list::at(list, *i),
            (Self::ListRank(i), Element::List(list)) => list::ranked(list, *i),
            (Self::ListValue(value), Element::List(list)) => list_value(list, &value.into()),
            (Self::MapIndex(i), Element::Map(map)) => map::at(map, *i),
            (Self::MapRank(i), Element::Map(map)) => map::ranked(map, *i),
            (Self::MapKey(key), Element::Map(map)) => map::get(map, &key.into()),
            (Self::MapValue(value), Element::Map(map)) => map_value(map, &value.into()),
            _ => return None,
        };
        found.ok().flatten()
    }
}

fn list_value<'a>(list: &'a [u8], value: &Element<'_>) -> Result<Option<Element<'a>>, DecodeError> {
    let mut reader = Reader::new(list);
    for _ in 0..reader.list()? {
        let element = reader.element()?;
        if element.compare(value).is_eq() {
            return Ok(Some(element));
        }
    }
    Ok(None)
}

fn map_value<'a>(map: &'a [u8], value: &Element<'_>) -> Result<Option<Element<'a>>, DecodeError> {
    let mut reader = Reader::new(map);
    for _ in 0..reader.map()? {
        reader.skip()?;
        let element = reader.element()?;
        if element.compare(value).is_eq() {
            return Ok(Some(element));
        }
    }
    Ok(None)
}
