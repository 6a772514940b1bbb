//! Audience segments: which campaigns a profile of up to 2,000 segments fits.
//! `udfs/lua/segments.lua` is its twin.
//!
//! Bins: `segments` (list of integers, sorted, each once).

use petrel_udf::{Error, FromValue, List, Map, Record, Result, ValueRef};

const LIMIT: usize = 2000;

/// A few segments, sorted: shorter to search than a hash table.
struct Few(Vec<i64>);

impl Few {
    fn read(list: Option<List>) -> Result<Self> {
        let mut ids: Vec<i64> = list.iter().flat_map(List::ints).collect::<Result<_>>()?;
        ids.sort_unstable();
        ids.dedup();
        Ok(Self(ids))
    }

    fn has(&self, id: i64) -> bool {
        self.0.binary_search(&id).is_ok()
    }
}

/// What a campaign asks of a profile; a map, of which each entry may be left out.
pub struct Campaign {
    all: Few,
    any: Few,
    none: Few,
}

impl<'a> FromValue<'a> for Campaign {
    fn from_value(value: ValueRef<'a>) -> Result<Self> {
        let map = Map::from_value(value)?;
        let few = |name: &str| Few::read(map.get(name)?);
        Ok(Self {
            all: few("all")?,
            any: few("any")?,
            none: few("none")?,
        })
    }
}

/// The profile's segments, read in place; a profile without any has none.
fn profile<'a>(record: &Record<'a>) -> Result<impl Iterator<Item = Result<i64>> + use<'a>> {
    let list: Option<List> = record.get("segments")?;
    Ok(list.into_iter().flat_map(|list| list.ints()))
}

/// Whether the profile has all of `campaign.all`, one of `campaign.any` and none of
/// `campaign.none`.
#[petrel_udf::udf(bins("segments"))]
pub fn matches(record: &Record, campaign: Campaign) -> Result<bool> {
    let Campaign { all, any, none } = campaign;
    let mut missing = all.0.len();
    let mut chosen = any.0.is_empty();
    for id in profile(record)? {
        let id = id?;
        if none.has(id) {
            return Ok(false);
        }
        if all.has(id) {
            missing -= 1;
        }
        chosen |= any.has(id);
    }
    Ok(chosen && missing == 0)
}

/// How many of the wanted segments the profile has.
#[petrel_udf::udf(bins("segments"))]
pub fn overlap(record: &Record, wanted: List) -> Result<i64> {
    let wanted = Few::read(Some(wanted))?;
    let mut count = 0;
    for id in profile(record)? {
        count += i64::from(wanted.has(id?));
    }
    Ok(count)
}

/// Adds segments to the profile; returns how many it has. More than 2,000 are an error.
#[petrel_udf::udf(bins("segments"))]
pub fn add(record: &mut Record, ids: List) -> Result<usize> {
    let mut all: Vec<i64> = profile(record)?.chain(ids.ints()).collect::<Result<_>>()?;
    all.sort_unstable();
    all.dedup();
    if all.len() > LIMIT {
        let message = format!("a profile has at most {LIMIT} segments");
        return Err(Error::new(message));
    }
    record.set("segments", &all)?;
    record.save()?;
    Ok(all.len())
}
