//! Values as the world `portable` has them, flat and typed; told in `wit/portable.wit`.

use bytes::{Buf, Bytes};
use petrel_packed::{Item, pack_list_len, pack_sorted_map};
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::model::msgpack::{DecodeError, Element, MAX_DEPTH, Reader, geo_particle, geo_text};
use crate::model::{Particle, ParticleType, Value};

/// A `node`: a value, or the head of a list or map whose parts follow.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub(super) enum Node {
    #[component(name = "nil")]
    Nil,
    #[component(name = "boolean")]
    Boolean(bool),
    #[component(name = "integer")]
    Integer(i64),
    #[component(name = "float")]
    Float(f64),
    #[component(name = "string")]
    String(Box<str>),
    #[component(name = "blob")]
    Blob(Box<[u8]>),
    #[component(name = "geojson")]
    Geojson(Box<str>),
    #[component(name = "other")]
    Other(Box<[u8]>),
    #[component(name = "list")]
    List(u32),
    #[component(name = "map")]
    Map(u32),
}

/// Bytes of a node in a component's memory.
const NODE_BYTES: usize = 16;

/// Nodes that are not a value, in words for the component's author.
#[derive(Debug, thiserror::Error, PartialEq)]
pub(super) enum Malformed {
    #[error("a list or map announces more values than follow")]
    Cut,
    #[error("more nodes follow than belong to the value")]
    Longer,
    #[error("lists and maps nest deeper than {MAX_DEPTH}")]
    Deep,
    #[error("no particle of type {0} can be given back")]
    Kind(u8),
}

/// The nodes of a particle. What cannot be told apart stays a particle.
///
/// # Errors
/// The bytes that the nodes would need in the component, where these are more than `limit`.
pub(super) fn flat(particle: Particle<'_>, limit: usize) -> Result<Vec<Node>, usize> {
    Ok(vec![match particle.kind {
        ParticleType::LIST | ParticleType::MAP => return collection(particle, limit),
        ParticleType::GEOJSON => text(ParticleType::GEOJSON, geo_text(particle.data)),
        ParticleType::NULL => Node::Nil,
        ParticleType::INTEGER => particle
            .as_int()
            .map_or_else(|| other(particle), Node::Integer),
        ParticleType::FLOAT => particle
            .as_float()
            .map_or_else(|| other(particle), Node::Float),
        ParticleType::BOOL => particle
            .as_bool()
            .map_or_else(|| other(particle), Node::Boolean),
        kind => text(kind, particle.data),
    }])
}

/// The nodes of a value. See [`flat`].
pub(super) fn flat_value(value: &Value, limit: usize) -> Result<Vec<Node>, usize> {
    Ok(vec![match value {
        Value::Nil => Node::Nil,
        Value::Bool(b) => Node::Boolean(*b),
        Value::Int(i) => Node::Integer(*i),
        Value::Float(f) => Node::Float(*f),
        Value::Str(b) | Value::Blob(_, b) | Value::List(b) | Value::Map(b) => {
            return flat(Particle::new(value.kind(), b), limit);
        }
        Value::Geo(b) | Value::Hll(b) => return flat(Particle::new(value.kind(), b), limit),
    }])
}

/// The node of a string, or of bytes of whatever kind.
fn text(kind: ParticleType, data: &[u8]) -> Node {
    match (kind, std::str::from_utf8(data)) {
        (ParticleType::STRING, Ok(text)) => Node::String(text.into()),
        (ParticleType::GEOJSON, Ok(text)) => Node::Geojson(text.into()),
        (ParticleType::BLOB, _) => Node::Blob(data.into()),
        _ => other(Particle::new(kind, data)),
    }
}

fn other(particle: Particle<'_>) -> Node {
    Node::Other([&[particle.kind.0], particle.data].concat().into())
}

fn collection(particle: Particle<'_>, limit: usize) -> Result<Vec<Node>, usize> {
    let mut nodes = Vec::new();
    let mut reader = Reader::new(particle.data);
    let most = limit / NODE_BYTES;
    match unpack(&mut reader, 0, most, &mut nodes) {
        Ok(()) if reader.is_empty() => Ok(nodes),
        _ if nodes.len() >= most => Err((most + 1) * NODE_BYTES),
        // Clients write what they like.
        _ => Ok(vec![other(particle)]),
    }
}

/// Appends the nodes of the next value, until there are `most`.
fn unpack(
    reader: &mut Reader<'_>,
    depth: usize,
    most: usize,
    nodes: &mut Vec<Node>,
) -> Result<(), DecodeError> {
    if depth > MAX_DEPTH || nodes.len() >= most {
        return Err(reader.error("too much"));
    }
    let mut head = reader.clone();
    let (node, follow) = match head.item()? {
        // These two skip the flags of an order, too.
        Item::List(_) => {
            let n = reader.list()?;
            (Node::List(n as u32), n)
        }
        Item::Map(_) => {
            let n = reader.map()?;
            (Node::Map(n as u32), n * 2)
        }
        scalar => {
            *reader = head;
            let node = match scalar {
                Item::Bool(b) => Node::Boolean(b),
                Item::Int(i) => Node::Integer(i),
                Item::UInt(u) => Node::Integer(u.cast_signed()),
                Item::Float(f) => Node::Float(f),
                Item::Bytes(kind, data) => text(kind, data),
                _ => Node::Nil,
            };
            (node, 0)
        }
    };
    nodes.push(node);
    for _ in 0..follow {
        unpack(reader, depth + 1, most, nodes)?;
    }
    Ok(())
}

/// The value of nodes.
///
/// # Errors
/// [`Malformed`], when they are not one whole value.
pub(super) fn value(mut nodes: Vec<Node>) -> Result<Value, Malformed> {
    if let [Node::List(_) | Node::Map(_), ..] = nodes[..] {
        let kind = match nodes[0] {
            Node::List(_) => Value::List,
            _ => Value::Map,
        };
        let mut packed = Vec::with_capacity(nodes.len());
        let rest = pack(&nodes, 0, &mut packed)?;
        return match rest {
            [] => Ok(kind(packed.into())),
            _ => Err(Malformed::Longer),
        };
    }
    let node = nodes.pop().ok_or(Malformed::Cut)?;
    if nodes.is_empty() {
        scalar(node)
    } else {
        Err(Malformed::Longer)
    }
}

fn scalar(node: Node) -> Result<Value, Malformed> {
    Ok(match node {
        Node::Nil => Value::Nil,
        Node::Boolean(b) => Value::Bool(b),
        Node::Integer(i) => Value::Int(i),
        Node::Float(f) => Value::Float(f),
        Node::String(s) => Value::Str(Bytes::from(s.into_boxed_bytes())),
        Node::Blob(b) => Value::Blob(ParticleType::BLOB, b.into()),
        Node::Geojson(text) => {
            let mut particle = Vec::new();
            geo_particle(text.as_bytes(), &mut particle);
            Value::Geo(particle.into())
        }
        Node::Other(stored) => {
            let mut data = Bytes::from(stored);
            let kind = data.try_get_u8().map_err(|_| Malformed::Cut)?;
            match ParticleType(kind) {
                ParticleType::LIST | ParticleType::MAP | ParticleType::GEOJSON => {
                    return Err(Malformed::Kind(kind));
                }
                particle => {
                    Value::from_particle(particle, data).map_err(|_| Malformed::Kind(kind))?
                }
            }
        }
        Node::List(_) | Node::Map(_) => return Err(Malformed::Cut),
    })
}

/// Packs the first value of `nodes`, which lies in `depth` others; returns what follows it.
fn pack<'a>(nodes: &'a [Node], depth: usize, out: &mut Vec<u8>) -> Result<&'a [Node], Malformed> {
    let (node, mut rest) = nodes.split_first().ok_or(Malformed::Cut)?;
    if depth > MAX_DEPTH {
        return Err(Malformed::Deep);
    }
    match node {
        Node::Integer(i) => Element::Int(*i).pack(out),
        Node::String(s) => Element::Bytes(ParticleType::STRING, s.as_bytes()).pack(out),
        Node::List(n) => {
            if *n as usize > rest.len() {
                return Err(Malformed::Cut);
            }
            pack_list_len(*n, out);
            for _ in 0..*n {
                rest = pack(rest, depth + 1, out)?;
            }
        }
        Node::Map(n) => {
            if *n as usize > rest.len() / 2 {
                return Err(Malformed::Cut);
            }
            rest = pack_map(rest, *n, depth, out)?;
        }
        scalar_node => Element::from(&scalar(scalar_node.clone())?).pack(out),
    }
    Ok(rest)
}

fn pack_map<'a>(
    mut nodes: &'a [Node],
    n: u32,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<&'a [Node], Malformed> {
    let mut packed = Vec::new();
    let mut ends = Vec::with_capacity(n as usize);
    for _ in 0..n {
        nodes = pack(nodes, depth + 1, &mut packed)?;
        let key = packed.len();
        nodes = pack(nodes, depth + 1, &mut packed)?;
        ends.push((key, packed.len()));
    }
    let mut start = 0;
    let mut entries = Vec::with_capacity(ends.len());
    for (key, end) in ends {
        let element = Reader::new(&packed[start..key])
            .element()
            .map_err(|_| Malformed::Deep)?;
        entries.push((element, &packed[key..end]));
        start = end;
    }
    pack_sorted_map(&mut entries, out);
    Ok(nodes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::msgpack;

    const ROOM: usize = 1 << 20;

    fn particle(value: &Value) -> Vec<u8> {
        let mut data = Vec::new();
        value.write_particle(&mut data);
        data
    }

    #[test]
    fn values_come_back_as_they_went() {
        let nested = Value::map([
            ("a".into(), Value::list([1.into(), vec![2u8].into()])),
            (7.into(), Value::list([Value::Nil, true.into(), 0.5.into()])),
        ]);
        let values = [
            Value::Nil,
            true.into(),
            (-3).into(),
            0.25.into(),
            "text".into(),
            vec![1u8, 2].into(),
            Value::Str(b"\xff"[..].into()),
            Value::Blob(ParticleType::PYTHON_BLOB, b"p"[..].into()),
            Value::Hll(b"sketch"[..].into()),
            nested,
        ];
        for value in values.iter().chain([&Value::list(values.to_vec())]) {
            let data = particle(value);
            let nodes = flat(Particle::new(value.kind(), &data), ROOM).expect("there is room");
            assert_eq!(flat_value(value, ROOM).as_ref(), Ok(&nodes));
            assert_eq!(super::value(nodes).as_ref(), Ok(value));
        }
    }

    #[test]
    fn geojson_is_its_text() {
        let mut data = Vec::new();
        geo_particle(b"{}", &mut data);
        let nodes = flat(Particle::new(ParticleType::GEOJSON, &data), ROOM);
        assert_eq!(nodes, Ok(vec![Node::Geojson("{}".into())]));
        assert_eq!(
            value(nodes.unwrap_or_default()),
            Ok(Value::Geo(data.into()))
        );
    }

    #[test]
    fn entries_are_sorted_and_the_last_of_a_key_holds() {
        let nodes = [2, 20, 1, 10, 2, 21].map(Node::Integer);
        let map = value([&[Node::Map(3)], &nodes[..]].concat()).expect("a map");
        let Value::Map(packed) = &map else {
            panic!("{map:?}")
        };
        let entries = msgpack::map_entries(packed).expect("a map");
        assert_eq!(entries, [(1.into(), 10.into()), (2.into(), 21.into())]);
    }

    #[test]
    fn what_is_no_value_is_told() {
        let deep = |n| [vec![Node::List(1); n], vec![Node::Nil]].concat();
        assert!(value(deep(MAX_DEPTH)).is_ok());
        let stored = |kind| vec![Node::Other([kind, 0xC1].into())];
        let cases = [
            (vec![], Malformed::Cut),
            (vec![Node::List(1)], Malformed::Cut),
            (vec![Node::List(u32::MAX)], Malformed::Cut),
            (vec![Node::Map(u32::MAX), Node::Nil], Malformed::Cut),
            (vec![Node::Map(1), Node::Nil, Node::List(1)], Malformed::Cut),
            (vec![Node::Nil, Node::Nil], Malformed::Longer),
            (vec![Node::List(0), Node::Nil], Malformed::Longer),
            (deep(MAX_DEPTH + 1), Malformed::Deep),
            (deep(1 << 20), Malformed::Deep),
            (vec![Node::Other([].into())], Malformed::Cut),
            (stored(2), Malformed::Kind(2)),
            (stored(20), Malformed::Kind(20)),
            (stored(99), Malformed::Kind(99)),
        ];
        for (nodes, why) in cases {
            let head: Vec<_> = nodes.iter().take(3).cloned().collect();
            assert_eq!(value(nodes), Err(why), "{head:?}");
        }
    }

    #[test]
    fn a_damaged_collection_stays_as_it_is_and_a_large_one_is_refused() {
        let damaged = Particle::new(ParticleType::LIST, &[0x92, 1]);
        assert_eq!(flat(damaged, ROOM), Ok(vec![other(damaged)]));
        let large = particle(&Value::list(vec![Value::Nil; 100]));
        let large = Particle::new(ParticleType::LIST, &large);
        assert_eq!(flat(large, 100 * NODE_BYTES), Err(101 * NODE_BYTES));
        assert!(flat(large, 101 * NODE_BYTES).is_ok());
    }
}
