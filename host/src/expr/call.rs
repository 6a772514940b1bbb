//! Reads inside a list or map bin, as the MessagePack form's operation "call" packs them.

use super::kind::Kind;
use super::node::Node;
use super::path::{Path, Step};
use crate::model::Value;
use crate::model::msgpack::{Element, Reader};

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
    let mut code = reader.next_int()?;
    if code == CONTEXT {
        for _ in 0..reader.list().ok()? / 2 {
            let id = reader.next_int()?;
            let step = context_step(id, reader.element().ok()?)?;
            bin.steps.push(step);
        }
        args = reader.list().ok()?.checked_sub(1)?;
        code = reader.next_int()?;
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
    let return_type = reader.next_int()?;
    let at = reader.element().ok()?;
    bin.steps.push(match (code, at) {
        (19, Element::Int(index)) => Step::ListIndex(index),
        (21, Element::Int(rank)) => Step::ListRank(rank),
        (97, key) => Step::MapKey(map_key(key)?),
        (98, Element::Int(index)) => Step::MapIndex(index),
        (100, Element::Int(rank)) => Step::MapRank(rank),
        _ => return None,
    });
    bin.kind = Some(kind);
    match return_type {
        RETURN_VALUE => Some(Node::Read(bin)),
        RETURN_EXISTS => Some(Node::Exists(bin)),
        _ => None,
    }
}

fn context_step(id: i64, at: Element<'_>) -> Option<Step> {
    Some(match (id, at) {
        (0x10, Element::Int(index)) => Step::ListIndex(index),
        (0x11, Element::Int(rank)) => Step::ListRank(rank),
        (0x20, Element::Int(index)) => Step::MapIndex(index),
        (0x21, Element::Int(rank)) => Step::MapRank(rank),
        (0x22, key) => Step::MapKey(map_key(key)?),
        _ => return None,
    })
}

/// A key that stands for itself; a list may be an expression that computes one.
fn map_key(key: Element<'_>) -> Option<Value> {
    let key = Value::from(key);
    matches!(key, Value::Int(_) | Value::Str(_) | Value::Blob(..)).then_some(key)
}
