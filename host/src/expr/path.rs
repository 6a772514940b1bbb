//! Reading a bin, and elements inside it, in place.

use std::borrow::Cow;

use super::kind::Kind;
use super::operand::Operand;
use super::view::View;
use crate::cdt::{list, map};
use crate::model::{Particle, Value};

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
            Operand::List(b) => list::len(&b).ok()?,
            Operand::Map(b) => map::len(b).ok()?,
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
        let found = match (self, from) {
            (Self::IsList, Operand::List(_)) | (Self::IsMap, Operand::Map(_)) => {
                return Some(from.clone());
            }
            // Paths start at a bin, so a list on the way is never one that an operation built.
            (Self::ListIndex(i), Operand::List(Cow::Borrowed(b))) => list::at(b, *i),
            (Self::ListRank(i), Operand::List(Cow::Borrowed(b))) => list::ranked(b, *i),
            (Self::MapKey(key), Operand::Map(b)) => map::get(b, &key.into()),
            (Self::MapIndex(i), Operand::Map(b)) => map::at(b, *i),
            (Self::MapRank(i), Operand::Map(b)) => map::ranked(b, *i),
            _ => return None,
        };
        match found {
            Ok(Some(element)) => Some(element.into()),
            _ => None,
        }
    }
}
