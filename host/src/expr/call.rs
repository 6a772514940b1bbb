//! Reads inside a list or map bin, as the MessagePack form's operation "call" packs them.

use super::kind::Kind;
use super::node::Node;
use super::path::{Path, Step};
use crate::model::Value;
use crate::model::msgpack::Reader;

/// Precedes the context of an operation on a nested collection.
const CONTEXT: i64 = 0xff;
/// Return types: the element itself, and whether it is there.
const RETURN_VALUE: i64 = 7;
const RETURN_EXISTS: i64 = 13;

/// The read of `bin` that a packed operation asks for, giving a value of type `kind`.
///
/// `None` for operations that are not a size or a single element: ranges, values, changes, and
/// arguments that are themselves computed.
pub(super) fn read(kind: Kind, operation: &[u8], mut bin: Path) -> Option<Node> {
    let mut reader = Reader::new(operation);
    let mut args = reader.list().ok()?.checked_sub(1)?;
    let mut code = int(&mut reader)?;
    if code == CONTEXT {
        for _ in 0..reader.list().ok()? / 2 {
            let id = int(&mut reader)?;
            let step = context_step(id, reader.value().ok()?)?;
            bin.steps.push(step);
        }
        args = reader.list().ok()?.checked_sub(1)?;
        code = int(&mut reader)?;
    }
    let size_of = match code {
        16 => Some(Kind::List),
        96 => Some(Kind::Map),
        _ => None,
    };
    if let Some(collection) = size_of {
        bin.kind = Some(collection);
        return (args == 0).then_some(Node::Count(bin));
    }
    if args != 2 {
        return None;
    }
    let return_type = int(&mut reader)?;
    let at = reader.value().ok()?;
    bin.steps.push(match (code, at) {
        (19, Value::Int(index)) => Step::ListIndex(index),
        (21, Value::Int(rank)) => Step::ListRank(rank),
        (97, key) => Step::MapKey(map_key(key)?),
        (98, Value::Int(index)) => Step::MapIndex(index),
        (100, Value::Int(rank)) => Step::MapRank(rank),
        _ => return None,
    });
    bin.kind = Some(kind);
    match return_type {
        RETURN_VALUE => Some(Node::Read(bin)),
        RETURN_EXISTS => Some(Node::Exists(bin)),
        _ => None,
    }
}

fn context_step(id: i64, at: Value) -> Option<Step> {
    Some(match (id, at) {
        (0x10, Value::Int(index)) => Step::ListIndex(index),
        (0x11, Value::Int(rank)) => Step::ListRank(rank),
        (0x20, Value::Int(index)) => Step::MapIndex(index),
        (0x21, Value::Int(rank)) => Step::MapRank(rank),
        (0x22, key) => Step::MapKey(map_key(key)?),
        _ => return None,
    })
}

/// A key that stands for itself; a list may be an expression that computes one.
fn map_key(key: Value) -> Option<Value> {
    matches!(key, Value::Int(_) | Value::Str(_) | Value::Blob(..)).then_some(key)
}

fn int(reader: &mut Reader<'_>) -> Option<i64> {
    match reader.value().ok()? {
        Value::Int(i) => Some(i),
        _ => None,
    }
}
