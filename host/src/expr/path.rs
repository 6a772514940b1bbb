//! Reading a bin, and elements inside it, in place.

use super::compare::same;
use super::kind::Kind;
use super::operand::Operand;
use super::view::View;
use crate::model::msgpack::{Item, Reader};
use crate::model::{Particle, Value};
use std::cmp::Ordering;

/// A bin and the way to an element inside it.
#[derive(Debug)]
pub(super) struct Path {
    pub(super) bin: Box<[u8]>,
    pub(super) steps: Vec<Step>,
    /// The type that the value must have; `None` for any.
    pub(super) kind: Option<Kind>,
}

/// One step into a list or map. Indexes and ranks count from the end when negative.
#[derive(Debug)]
pub(super) enum Step {
    ListIndex(i64),
    ListRank(i64),
    MapKey(Value),
    MapIndex(i64),
    MapRank(i64),
    /// Stays where it is, if that is a list.
    IsList,
    /// Stays where it is, if that is a map.
    IsMap,
}

impl Path {
    /// A whole bin.
    pub(super) fn bin(name: &[u8], kind: Option<Kind>) -> Self {
        Self {
            bin: name.into(),
            steps: Vec::new(),
            kind,
        }
    }

    /// The value; `None` when it is absent or of another type.
    pub(super) fn read<'a>(&'a self, view: &View<'a>) -> Option<Operand<'a>> {
        let particle = self.particle(view)?;
        if self.steps.is_empty() {
            if self.kind.is_some_and(|kind| !kind.holds(particle.kind)) {
                return None;
            }
            return Operand::from_particle(particle);
        }
        let mut here = Operand::from_particle(particle)?;
        for step in &self.steps {
            here = step.take(&here)?;
        }
        self.kind
            .is_none_or(|kind| kind == here.kind())
            .then_some(here)
    }

    /// Whether the value is there; `None` when the way to it is not.
    pub(super) fn exists(&self, view: &View<'_>) -> Option<bool> {
        let Some((last, steps)) = self.steps.split_last() else {
            return Some(view.record?.body.bin(&self.bin).is_some());
        };
        let mut here = Operand::from_particle(self.particle(view)?)?;
        for step in steps {
            here = step.take(&here)?;
        }
        Some(last.take(&here).is_some())
    }

    /// How many elements the list or map at the path has.
    pub(super) fn count(&self, view: &View<'_>) -> Option<i64> {
        let n = match self.read(view)? {
            Operand::List(b) => Reader::new(&b).list().ok()?,
            Operand::Map(b) => Reader::new(b).map().ok()?,
            _ => return None,
        };
        Some(n as i64)
    }

    fn particle<'a>(&self, view: &View<'a>) -> Option<Particle<'a>> {
        view.record?.body.bin(&self.bin)
    }
}

impl Step {
    fn take<'a>(&'a self, from: &Operand<'a>) -> Option<Operand<'a>> {
        use std::borrow::Cow;
        match (self, from) {
            (Self::IsList, Operand::List(_)) | (Self::IsMap, Operand::Map(_)) => Some(from.clone()),
            // Paths start at a bin, so a list on the way is never one that an operation built.
            (Self::ListIndex(i), Operand::List(Cow::Borrowed(b))) => list_at(b, *i),
            (Self::ListRank(i), Operand::List(Cow::Borrowed(b))) => list_ranked(b, *i),
            (Self::MapKey(key), Operand::Map(b)) => map_get(b, &Operand::from_value(key)),
            (Self::MapIndex(i), Operand::Map(b)) => map_at(b, *i),
            (Self::MapRank(i), Operand::Map(b)) => map_ranked(b, *i),
            _ => None,
        }
    }
}

/// The position of `index` among `n` elements.
fn position(index: i64, n: usize) -> Option<usize> {
    let index = if index < 0 {
        index.checked_add(i64::try_from(n).ok()?)?
    } else {
        index
    };
    usize::try_from(index).ok().filter(|i| *i < n)
}

fn list_at(list: &[u8], index: i64) -> Option<Operand<'_>> {
    let mut reader = Reader::new(list);
    for _ in 0..position(index, reader.list().ok()?)? {
        reader.skip().ok()?;
    }
    Operand::read(&mut reader)
}

fn list_ranked(list: &[u8], rank: i64) -> Option<Operand<'_>> {
    let mut reader = Reader::new(list);
    let n = reader.list().ok()?;
    let mut items = (0..n)
        .map(|_| Operand::read(&mut reader))
        .collect::<Option<Vec<_>>>()?;
    items.sort_by(in_order);
    items.into_iter().nth(position(rank, n)?)
}

fn map_get<'a>(map: &'a [u8], key: &Operand<'_>) -> Option<Operand<'a>> {
    let mut reader = Reader::new(map);
    for _ in 0..reader.map().ok()? {
        if same(&Operand::read(&mut reader)?, key) {
            return Operand::read(&mut reader);
        }
        reader.skip().ok()?;
    }
    None
}

fn map_at(map: &[u8], index: i64) -> Option<Operand<'_>> {
    let mut reader = Reader::new(map);
    let n = reader.map().ok()?;
    let at = position(index, n)?;
    if is_key_ordered(map) {
        for _ in 0..2 * at + 1 {
            reader.skip().ok()?;
        }
        return Operand::read(&mut reader);
    }
    let mut pairs = pairs(&mut reader, n)?;
    pairs.sort_by(|a, b| in_order(&a.0, &b.0));
    pairs.into_iter().nth(at).map(|(_, value)| value)
}

fn map_ranked(map: &[u8], rank: i64) -> Option<Operand<'_>> {
    let mut reader = Reader::new(map);
    let n = reader.map().ok()?;
    let mut pairs = pairs(&mut reader, n)?;
    pairs.sort_by(|a, b| in_order(&a.1, &b.1).then_with(|| in_order(&a.0, &b.0)));
    pairs
        .into_iter()
        .nth(position(rank, n)?)
        .map(|(_, value)| value)
}

/// The keys or the values of a packed map, packed as a list, in key order.
pub(super) fn map_part(map: &[u8], values: bool) -> Option<Vec<u8>> {
    let mut reader = Reader::new(map);
    let n = reader.map().ok()?;
    let mut pairs = pairs(&mut reader, n)?;
    pairs.sort_by(|a, b| in_order(&a.0, &b.0));
    let part: Vec<Value> = pairs
        .iter()
        .map(|(key, value)| if values { value } else { key }.to_value())
        .collect();
    Some(crate::model::msgpack::pack_list(part))
}

fn pairs<'a>(reader: &mut Reader<'a>, n: usize) -> Option<Vec<(Operand<'a>, Operand<'a>)>> {
    (0..n)
        .map(|_| Some((Operand::read(reader)?, Operand::read(reader)?)))
        .collect()
}

/// Whether the map's order flag says that its keys are sorted.
fn is_key_ordered(map: &[u8]) -> bool {
    let mut reader = Reader::new(map);
    matches!(reader.item(), Ok(Item::Map(_)))
        && matches!(reader.item(), Ok(Item::Ext(kind, _)) if kind & 1 == 1)
}

/// The protocol's order over values of every type.
fn in_order(a: &Operand<'_>, b: &Operand<'_>) -> Ordering {
    a.as_element().compare(&b.as_element())
}
