//! Names, patterns and texts: strings that the form packs without a particle type byte.

use super::opcode::TEXT;
use crate::model::msgpack::{DecodeError, Item, Reader};

/// The text of the text form; `None` for the MessagePack form.
pub(super) fn text_form(field: &[u8]) -> Option<Result<&[u8], DecodeError>> {
    let mut reader = Reader::new(field);
    if reader.item() != Ok(Item::List(2)) || reader.item() != Ok(Item::Int(TEXT)) {
        return None;
    }
    let text = raw_bytes(field, &mut reader);
    Some(text.and_then(|t| {
        if reader.is_empty() {
            Ok(t)
        } else {
            Err(reader.error("more bytes follow the text"))
        }
    }))
}

/// Reads a string or blob that has no particle type byte, as names and patterns are packed.
pub(super) fn raw_bytes<'a>(
    data: &'a [u8],
    reader: &mut Reader<'a>,
) -> Result<&'a [u8], DecodeError> {
    let start = reader.position();
    if !matches!(reader.item()?, Item::Bytes(..)) {
        return Err(DecodeError {
            offset: start,
            what: "expected a name or a text",
        });
    }
    let header = match data.get(start) {
        Some(0xD9 | 0xC4) => 2,
        Some(0xDA | 0xC5) => 3,
        Some(0xDB | 0xC6) => 5,
        _ => 1,
    };
    data.get(start + header..reader.position())
        .ok_or(DecodeError {
            offset: start,
            what: "the value is cut off",
        })
}

/// Whether a variable may be called so: a letter or underscore, then letters, digits, underscores.
pub(super) fn is_variable_name(name: &[u8]) -> bool {
    name.first()
        .is_some_and(|b| *b == b'_' || b.is_ascii_alphabetic())
        && name.iter().all(|b| *b == b'_' || b.is_ascii_alphanumeric())
}
