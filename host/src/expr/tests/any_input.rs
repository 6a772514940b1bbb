//! No input makes the room panic.

use proptest::prelude::*;

use super::fixture::value;
use crate::expr::{ael, decode};

/// Bytes that look like expressions more often than chance has it.
fn packed() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        3 => 0x91u8..=0x97,
        3 => 0u8..=82,
        2 => 99u8..=127,
        1 => any::<u8>(),
    ];
    let name = Just(vec![0xA3, b'a', b'g', b'e']);
    let text = Just(vec![0xA3, 3, b'a', b'b']);
    let piece = prop_oneof![4 => byte.prop_map(|b| vec![b]), 1 => name, 1 => text];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// Tokens of the language in any order.
fn tokens() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "$.age",
        "$.",
        "${",
        "}",
        "$.list.[0]",
        "$.map.a",
        ".",
        "[",
        "]",
        "{",
        "}",
        "(",
        ")",
        "==",
        "=",
        ">",
        "in",
        "and",
        "or",
        "not(",
        "exclusive(",
        "let(",
        "then",
        "when(",
        "default",
        "=>",
        ",",
        ":",
        "1",
        "2.5",
        "'x'",
        "'",
        "\"",
        "true",
        "unknown",
        "+",
        "-",
        "~",
        "**",
        "/",
        "%",
        ">>",
        ".asInt()",
        ".get(type: INT)",
        ".exists()",
        ".count()",
        "max(",
        "x",
        "é",
        " ",
        "\n",
        "0x",
        "#",
        "?0",
        "9e999",
    ]);
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_decode_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(expr) = decode(&bytes) {
            value(&expr);
        }
    }

    #[test]
    fn anything_like_an_expression_decodes_or_is_refused(bytes in packed()) {
        match decode(&bytes) {
            Ok(expr) => drop(value(&expr)),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn any_text_parses_or_is_refused(text in ".{0,80}") {
        match ael::parse(&text) {
            Ok(expr) => drop(value(&expr)),
            Err(error) => prop_assert!(error.at <= text.len()),
        }
    }

    #[test]
    fn any_tokens_parse_or_are_refused(text in tokens()) {
        match ael::parse(&text) {
            Ok(expr) => drop(value(&expr)),
            Err(error) => prop_assert!(error.at <= text.len()),
        }
    }
}
