//! A few functions of the example modules as Rust closures inside the host, and the records and
//! arguments that they run on.

use std::borrow::Cow;

use petrel::change::RecordContext;
use petrel::model::msgpack::{DecodeError, Element, Reader};
use petrel::model::{ParticleType, Value};
use petrel::udf::{UdfError, UdfResult};
use petrel_packed::pack_sorted_map;

use crate::native::{Function, failed, missing, set};

/// The bins that the functions read: a profile of 2,000 segments, a document of three levels, a
/// board of 100 players.
pub(crate) fn bins() -> Vec<(&'static str, Value)> {
    let text = |s: &str| Value::from(s);
    let map = |entries: Vec<(&str, Value)>| {
        Value::map(entries.into_iter().map(|(key, value)| (text(key), value)))
    };
    let address = map(vec![
        ("street", text("1 Long Lane")),
        ("city", text("London")),
        ("zip", text("EC1A 9HF")),
        (
            "geo",
            map(vec![("lat", 51.52.into()), ("lon", (-0.1).into())]),
        ),
    ]);
    let settings = map(vec![
        ("theme", text("dark")),
        ("mails", true.into()),
        ("size", 12.into()),
    ]);
    let document = map(vec![
        ("name", text("Ann Example")),
        ("email", text("ann@example.org")),
        ("phone", text("+44 20 7946 0000")),
        ("visits", 17.into()),
        ("address", address),
        ("settings", settings),
        ("tags", Value::list([text("a"), text("b"), text("c")])),
    ]);
    let board: Vec<Value> = (0..100)
        .map(|i| Value::list([(1_000 - i).into(), text(&format!("player {i}"))]))
        .collect();
    let segments: Vec<Value> = (1..=2_000).map(|i| Value::Int(i * 2)).collect();
    vec![
        ("segments", Value::list(segments)),
        ("profile", document),
        ("board", Value::list(board)),
    ]
}

/// A campaign that fits only profiles that were walked to their end.
pub(crate) fn campaign() -> Vec<Value> {
    let ids = |ids: &[i64]| Value::list(ids.iter().map(|i| Value::Int(*i)).collect::<Vec<_>>());
    vec![Value::map([
        ("all".into(), ids(&[2, 4_000])),
        ("any".into(), ids(&[7, 1_000, 1_001])),
        ("none".into(), ids(&[5, 4_001])),
    ])]
}

/// A patch that changes, adds and removes on each level.
pub(crate) fn changes() -> Vec<Value> {
    let geo = Value::map([("lat".into(), 51.5.into()), ("alt".into(), 11.into())]);
    let address = Value::map([("zip".into(), "EC1A 1BB".into()), ("geo".into(), geo)]);
    vec![
        "profile".into(),
        Value::map([
            ("phone".into(), Value::Nil),
            ("visits".into(), 18.into()),
            ("address".into(), address),
        ]),
    ]
}

/// A score that has no place on the board, as most have none.
pub(crate) fn score() -> Vec<Value> {
    vec!["newcomer".into(), 900.into(), 100.into()]
}

pub(crate) const SEGMENTS: &[(&str, Function)] = &[("matches", matches)];
pub(crate) const DOCUMENT: &[(&str, Function)] = &[("patch", patch)];
pub(crate) const LEADERBOARD: &[(&str, Function)] = &[("submit", submit)];

fn malformed(_: DecodeError) -> UdfError {
    failed("a list or map is malformed")
}

/// The sorted integers of the list under a string key.
fn few(map: &[u8], key: &str) -> Result<Vec<i64>, UdfError> {
    let key = Element::Bytes(ParticleType::STRING, key.as_bytes());
    let mut entries = Reader::new(map);
    for _ in 0..entries.map().map_err(malformed)? {
        let found = entries.element().map_err(malformed)? == key;
        let value = entries.skip().map_err(malformed)?;
        if found {
            let mut items = Reader::new(value);
            let n = items.list().map_err(malformed)?;
            let ids: Result<Vec<i64>, _> = (0..n).map(|_| items.int()).collect();
            let mut ids = ids.map_err(malformed)?;
            ids.sort_unstable();
            return Ok(ids);
        }
    }
    Ok(Vec::new())
}

fn matches(record: &mut RecordContext, args: &[Value]) -> UdfResult {
    let (Some(Value::Map(campaign)), Some(profile)) =
        (args.first(), record.stored_bin(b"segments"))
    else {
        return Err(missing());
    };
    let has = |few: &[i64], id| few.binary_search(&id).is_ok();
    let all = few(campaign, "all")?;
    let any = few(campaign, "any")?;
    let none = few(campaign, "none")?;
    let (mut missing, mut chosen) = (all.len(), any.is_empty());
    let mut ids = Reader::new(profile.data);
    for _ in 0..ids.list().map_err(malformed)? {
        let id = ids.int().map_err(malformed)?;
        if has(&none, id) {
            return Ok(Value::Bool(false));
        }
        missing -= usize::from(has(&all, id));
        chosen |= has(&any, id);
    }
    Ok(Value::Bool(chosen && missing == 0))
}

/// A key, and its value still packed.
type Entry<'a> = (Element<'a>, Cow<'a, [u8]>);

fn entries(map: &[u8]) -> Result<Vec<Entry<'_>>, DecodeError> {
    let mut reader = Reader::new(map);
    let n = reader.map()?;
    (0..n)
        .map(|_| Ok((reader.element()?, reader.skip()?.into())))
        .collect()
}

fn merge(target: Option<&[u8]>, patch: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut merged = target.map_or(Ok(Vec::new()), entries)?;
    for (key, value) in entries(patch)? {
        let at = merged.iter().position(|entry| entry.0 == key);
        let value = match Reader::new(&value).element()? {
            Element::Nil => {
                at.map(|at| merged.remove(at));
                continue;
            }
            Element::Map(changes) => {
                let old = at.map(|at| merged[at].1.as_ref());
                let old =
                    old.filter(|old| matches!(Reader::new(old).element(), Ok(Element::Map(_))));
                merge(old, changes)?.into()
            }
            _ => value,
        };
        match at {
            Some(at) => merged[at].1 = value,
            None => merged.push((key, value)),
        }
    }
    let mut entries: Vec<_> = merged.iter().map(|(k, v)| (*k, v.as_ref())).collect();
    let mut packed = Vec::new();
    pack_sorted_map(&mut entries, &mut packed);
    Ok(packed)
}

fn patch(record: &mut RecordContext, args: &[Value]) -> UdfResult {
    let [Value::Str(bin), Value::Map(changes)] = args else {
        return Err(missing());
    };
    let old = record.stored_bin(bin);
    let old = old.filter(|p| p.kind == ParticleType::MAP);
    let merged = merge(old.map(|p| p.data), changes).map_err(malformed)?;
    let document = Value::Map(merged.into());
    set(record, bin, document.clone())?;
    Ok(document)
}

fn submit(record: &mut RecordContext, args: &[Value]) -> UdfResult {
    let [Value::Str(player), Value::Int(score), Value::Int(size)] = args else {
        return Err(missing());
    };
    let Some(packed) = record.stored_bin(b"board") else {
        return Err(missing());
    };
    let mut items = Reader::new(packed.data);
    let mut board: Vec<(i64, &[u8])> = Vec::new();
    for _ in 0..items.list().map_err(malformed)? {
        items.list().map_err(malformed)?;
        let score = items.int().map_err(malformed)?;
        let Element::Bytes(_, name) = items.element().map_err(malformed)? else {
            return Err(missing());
        };
        board.push((score, name));
    }
    if let Some(former) = board.iter().position(|entry| entry.1 == player) {
        if board[former].0 >= *score {
            return Ok(Value::Int(former as i64 + 1));
        }
        board.remove(former);
    }
    let place = board.partition_point(|entry| entry.0 >= *score);
    if place as i64 >= *size {
        return Ok(Value::Int(0));
    }
    board.insert(place, (*score, player));
    board.truncate(*size as usize);
    let entry =
        |(score, name): (i64, &[u8])| Value::list([score.into(), Value::Str(name.to_vec().into())]);
    let board: Vec<Value> = board.into_iter().map(entry).collect();
    set(record, b"board", Value::list(board))?;
    Ok(Value::Int(place as i64 + 1))
}
