//! The parser's input, and the tokens of the language.

use winnow::Parser;
use winnow::combinator::opt;
use winnow::error::ParserError;
use winnow::stream::{LocatingSlice, Location, Stateful, Stream};
use winnow::token::take_while;

use super::error::Fail;
use crate::expr::bounds::MAX_DEPTH;
use crate::expr::kind::Kind;

/// The text that is left, with what the parser knows of where it is.
pub(super) type Input<'i> = Stateful<LocatingSlice<&'i str>, State<'i>>;

/// What the parser keeps beside the text.
#[derive(Debug, Default)]
pub(super) struct State<'i> {
    depth: usize,
    /// The variables in scope, outermost first; a variable's place is its slot.
    pub(super) scope: Vec<(&'i str, Option<Kind>)>,
}

pub(super) type Parsed<T> = Result<T, Fail>;

/// The text that is left.
pub(super) fn rest<'i>(input: &Input<'i>) -> &'i str {
    input.input.peek_finish()
}

/// Where the text that is left starts, in bytes.
pub(super) fn at(input: &Input<'_>) -> usize {
    input.current_token_start()
}

/// Skips white space.
pub(super) fn space(input: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., [' ', '\t', '\r', '\n'])
        .void()
        .parse_next(input)
}

/// Takes `token` if it is next.
pub(super) fn eat(input: &mut Input<'_>, token: &'static str) -> Parsed<bool> {
    opt(token)
        .map(|t: Option<&str>| t.is_some())
        .parse_next(input)
}

/// Skips white space, then takes `token` if it is next.
pub(super) fn eat_spaced(input: &mut Input<'_>, token: &'static str) -> Parsed<bool> {
    space(input)?;
    eat(input, token)
}

/// Skips white space, then takes `token`, or fails as `expected` says.
pub(super) fn need(
    input: &mut Input<'_>,
    token: &'static str,
    expected: &'static str,
) -> Parsed<()> {
    if eat_spaced(input, token)? {
        Ok(())
    } else {
        Err(Fail::new(at(input), expected))
    }
}

/// Whether a name may hold `c`.
pub(super) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Takes a name, which may be empty.
pub(super) fn name<'i>(input: &mut Input<'i>) -> Parsed<&'i str> {
    take_while(0.., is_name_char).parse_next(input)
}

/// The word at the start of `text`.
pub(super) fn word(text: &str) -> &str {
    text.split(|c| !is_name_char(c)).next().unwrap_or_default()
}

/// Runs `parse` one level deeper; too deep a text fails before it exhausts the stack.
pub(super) fn nested<'i, T>(
    input: &mut Input<'i>,
    parse: impl FnOnce(&mut Input<'i>) -> Parsed<T>,
) -> Parsed<T> {
    // Operators and operands both count, so a level of parentheses is two.
    if input.state.depth >= 2 * MAX_DEPTH {
        return Err(too_deep(at(input)));
    }
    input.state.depth += 1;
    let result = parse(input);
    input.state.depth -= 1;
    result
}

pub(super) fn too_deep(at: usize) -> Fail {
    Fail::new(at, format!("at most {MAX_DEPTH} levels of nesting")).found("more")
}

impl ParserError<Input<'_>> for Fail {
    type Inner = Self;

    fn from_input(input: &Input<'_>) -> Self {
        Self::new(input.current_token_start(), "something else")
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}
