//! Names, patterns and texts: strings that the form packs without a particle type byte.

use crate::model::msgpack::{DecodeError, Item, Reader};

/// The first element of an expression that is text ([`super::ael`]).
pub(super) const TEXT: i64 = 128;

/// The text of the text form; `None` for the MessagePack form.
pub(super) fn text_form(field: &[u8]) -> Option<Result<&[u8], DecodeError>> {
    let mut reader = Reader::new(field);
    if reader.item() != Ok(Item::List(2)) || reader.item() != Ok(Item::Int(TEXT)) {
        return None;
    }
    let text = reader.raw_bytes();
    Some(text.and_then(|t| {
        if reader.is_empty() {
            Ok(t)
        } else {
            Err(reader.error("more bytes follow the text"))
        }
    }))
}

/// Whether a variable may be called so: a letter or underscore, then letters, digits, underscores.
pub(super) fn is_variable_name(name: &[u8]) -> bool {
    name.first()
        .is_some_and(|b| *b == b'_' || b.is_ascii_alphabetic())
        && name.iter().all(|b| *b == b'_' || b.is_ascii_alphanumeric())
}
