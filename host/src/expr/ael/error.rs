//! Where and why a text does not parse.

use std::borrow::Cow;

/// A text that is no expression: where, what stands there, and what should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at line {line}, column {column}: found {found}, expected {expected}")]
pub struct ParseError {
    /// Where, in bytes from the start.
    pub at: usize,
    /// The line, from 1.
    pub line: u32,
    /// The column, in characters from 1.
    pub column: u32,
    /// What stands there.
    pub found: String,
    /// What should.
    pub expected: String,
}

/// A failure inside the parser, before line and column are worked out.
#[derive(Debug)]
pub(super) struct Fail {
    at: usize,
    found: Option<String>,
    expected: Cow<'static, str>,
}

impl Fail {
    /// `expected` was expected at byte `at`.
    pub(super) fn new(at: usize, expected: impl Into<Cow<'static, str>>) -> Self {
        Self {
            at,
            found: None,
            expected: expected.into(),
        }
    }

    /// Says what was found in words of its own, rather than by the text that stands there.
    pub(super) fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }

    pub(super) fn in_text(self, text: &str) -> ParseError {
        let at = self.at.min(text.len());
        let before = text.get(..at).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        ParseError {
            at,
            line: 1 + before.matches('\n').count() as u32,
            column: 1 + before.get(line_start..).unwrap_or_default().chars().count() as u32,
            found: self
                .found
                .unwrap_or_else(|| quote(text.get(at..).unwrap_or_default())),
            expected: self.expected.into_owned(),
        }
    }
}

/// The token at the start of `rest`, for a person.
fn quote(rest: &str) -> String {
    let Some(first) = rest.chars().next() else {
        return "the end of the text".into();
    };
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let token: String = if is_word(first) {
        rest.chars().take_while(|c| is_word(*c)).take(32).collect()
    } else {
        first.into()
    };
    format!("'{token}'")
}
