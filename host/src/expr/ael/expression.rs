//! Operators and their precedence.

use winnow::stream::{LocatingSlice, Stateful};

use super::build::{Infix, Term, combine, negate};
use super::error::{Fail, ParseError};
use super::input::{Input, Parsed, State, at, eat, nested, rest, space, word};
use super::literal::{is_number, number};
use super::operand::operand;
use crate::expr::Expr;
use crate::expr::node::Node;
use crate::expr::operator::{Binary, Cmp, Fold, Unary};

/// Parses a text into an expression.
///
/// ```
/// assert!(petrel::expr::ael::parse("$.age >= 18 and $.status == 'active'").is_ok());
/// let error = petrel::expr::ael::parse("$.age >= ").unwrap_err();
/// assert_eq!((error.line, error.column), (1, 10));
/// ```
///
/// # Errors
/// [`ParseError`] says where the text stops making sense, and what could stand there.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    let mut input = Stateful {
        input: LocatingSlice::new(text),
        state: State::default(),
    };
    whole(&mut input)
        .map(Expr::new)
        .map_err(|fail| fail.in_text(text))
}

fn whole(input: &mut Input<'_>) -> Parsed<Node> {
    let term = expression(input)?;
    space(input)?;
    if rest(input).is_empty() {
        return Ok(term.node);
    }
    let hint = if rest(input).starts_with('=') {
        "; equality is '=='"
    } else {
        ""
    };
    Err(Fail::new(
        at(input),
        format!("an operator such as '==' or 'and', or the end of the text{hint}"),
    ))
}

/// A whole expression.
pub(super) fn expression(input: &mut Input<'_>) -> Parsed<Term> {
    operators(input, 0)
}

/// An operand, and the operators that bind at least as tightly as `level` with theirs.
fn operators(input: &mut Input<'_>, level: u8) -> Parsed<Term> {
    nested(input, |input| {
        let mut left = unary(input)?;
        let mut limit = u8::MAX;
        loop {
            space(input)?;
            let Some((infix, token, binds)) = infix(rest(input)) else {
                return Ok(left);
            };
            if binds < level {
                return Ok(left);
            }
            let place = at(input);
            if binds > limit {
                return Err(Fail::new(place, "'and', 'or' or the end of the comparison"));
            }
            eat(input, token)?;
            // Powers group from the right, everything else from the left; a comparison is
            // no operand of another.
            let right = operators(input, if binds == POWER { binds } else { binds + 1 })?;
            left = combine(infix, left, right, place)?;
            limit = if binds == COMPARISON {
                COMPARISON - 1
            } else {
                u8::MAX
            };
        }
    })
}

const COMPARISON: u8 = 3;
const POWER: u8 = 8;

/// The operator at the start of `text`, as it is written there, and how tightly it binds.
fn infix(text: &str) -> Option<(Infix, &'static str, u8)> {
    // Longer operators come before those that they start with.
    const SIGNS: [(&str, Infix, u8); 18] = [
        ("**", Infix::Binary(Binary::Pow), POWER),
        (">>>", Infix::Binary(Binary::ShiftRight), 5),
        (">>", Infix::Binary(Binary::ArithmeticShiftRight), 5),
        ("<<", Infix::Binary(Binary::ShiftLeft), 5),
        ("==", Infix::Compare(Cmp::Eq), COMPARISON),
        ("!=", Infix::Compare(Cmp::Ne), COMPARISON),
        (">=", Infix::Compare(Cmp::Ge), COMPARISON),
        ("<=", Infix::Compare(Cmp::Le), COMPARISON),
        (">", Infix::Compare(Cmp::Gt), COMPARISON),
        ("<", Infix::Compare(Cmp::Lt), COMPARISON),
        ("&", Infix::Fold(Fold::IntAnd), 4),
        ("|", Infix::Fold(Fold::IntOr), 4),
        ("^", Infix::Fold(Fold::IntXor), 4),
        ("+", Infix::Fold(Fold::Add), 6),
        ("-", Infix::Fold(Fold::Sub), 6),
        ("*", Infix::Fold(Fold::Mul), 7),
        ("/", Infix::Fold(Fold::Div), 7),
        ("%", Infix::Binary(Binary::Mod), 7),
    ];
    const IN: [&str; 4] = ["in", "IN", "In", "iN"];
    match word(text) {
        "or" => Some((Infix::Or, "or", 1)),
        "and" => Some((Infix::And, "and", 2)),
        w if w.eq_ignore_ascii_case("in") => IN
            .into_iter()
            .find(|t| *t == w)
            .map(|t| (Infix::In, t, COMPARISON)),
        "" => SIGNS
            .into_iter()
            .find(|(t, ..)| text.starts_with(t))
            .map(|(t, i, l)| (i, t, l)),
        _ => None,
    }
}

/// An operand with the signs before it.
pub(super) fn unary(input: &mut Input<'_>) -> Parsed<Term> {
    nested(input, |input| {
        space(input)?;
        let start = at(input);
        if eat(input, "-")? {
            space(input)?;
            if is_number(rest(input)) {
                return Ok(Term::leaf(start, Node::Literal(number(input, true)?)));
            }
            return negate(unary(input)?, start);
        }
        if eat(input, "+")? {
            return unary(input)?.number(start);
        }
        if eat(input, "~")? {
            return unary(input)?
                .int(start)?
                .wrap(start, |node| Node::Unary(Unary::IntNot, Box::new(node)));
        }
        operand(input)
    })
}
