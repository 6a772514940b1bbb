//! Numbers, strings, and lists and maps of them.

use winnow::Parser;
use winnow::token::take_while;

use super::error::Fail;
use super::expression::unary;
use super::input::{Input, Parsed, at, eat, eat_spaced, is_name_char, need, rest, space};
use crate::expr::node::Node;
use crate::model::Value;

/// Whether a number is next.
pub(super) fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('.').unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit())
}

/// A number, with its sign already taken, and its cast if one follows: `28.asFloat()`.
pub(super) fn number(input: &mut Input<'_>, negative: bool) -> Parsed<Value> {
    let start = at(input);
    let value = plain_number(input, negative)?;
    let value = match value {
        Value::Int(i) if eat(input, ".asFloat()")? => Value::Float(i as f64),
        Value::Float(f) if eat(input, ".asInt()")? => Value::Int(f as i64),
        Value::Int(i) if eat(input, ".asInt()")? => Value::Int(i),
        Value::Float(f) if eat(input, ".asFloat()")? => Value::Float(f),
        value => value,
    };
    if rest(input).starts_with(is_name_char) {
        return Err(Fail::new(start, "a number, or a name in quotes"));
    }
    Ok(value)
}

fn plain_number(input: &mut Input<'_>, negative: bool) -> Parsed<Value> {
    let start = at(input);
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0b", 2), ("0B", 2)] {
        if eat(input, prefix)? {
            let digits = take_while(0.., |c: char| c.is_digit(radix)).parse_next(input)?;
            let bits = u64::from_str_radix(digits, radix)
                .map_err(|_| Fail::new(start, "an integer of at most 64 bits"))?;
            return Ok(Value::Int(signed(bits as i64, negative)));
        }
    }
    let text = rest(input);
    let whole = digits(input)?;
    let fraction = rest(input)
        .strip_prefix('.')
        .is_some_and(|t| t.starts_with(|c: char| c.is_ascii_digit()));
    if fraction {
        eat(input, ".")?;
        let len = whole.len() + 1 + digits(input)?.len();
        let float: f64 = text
            .get(..len)
            .and_then(|t| t.parse().ok())
            .ok_or_else(|| Fail::new(start, "a number"))?;
        return Ok(Value::Float(if negative { -float } else { float }));
    }
    let int = whole
        .parse::<i128>()
        .ok()
        .map(|i| if negative { -i } else { i });
    let int = int.and_then(|i| i64::try_from(i).ok());
    int.map(Value::Int)
        .ok_or_else(|| Fail::new(start, "an integer of at most 64 bits"))
}

fn digits<'i>(input: &mut Input<'i>) -> Parsed<&'i str> {
    take_while(0.., |c: char| c.is_ascii_digit()).parse_next(input)
}

fn signed(value: i64, negative: bool) -> i64 {
    if negative {
        value.wrapping_neg()
    } else {
        value
    }
}

/// An integer, which may have a sign: an index, a rank or a key.
pub(super) fn signed_int(input: &mut Input<'_>, expected: &'static str) -> Parsed<i64> {
    let start = at(input);
    let negative = eat(input, "-")?;
    if !negative {
        eat(input, "+")?;
    }
    if !rest(input).starts_with(|c: char| c.is_ascii_digit()) {
        return Err(Fail::new(start, expected));
    }
    // Not a float: the dot of `55.key` leads to the next step.
    let text = rest(input);
    if text.starts_with(['0']) && text.get(1..2).is_some_and(|c| "xXbB".contains(c)) {
        return match plain_number(input, negative)? {
            Value::Int(i) => Ok(i),
            _ => Err(Fail::new(start, expected)),
        };
    }
    let int = digits(input)?
        .parse::<i128>()
        .ok()
        .map(|i| if negative { -i } else { i });
    int.and_then(|i| i64::try_from(i).ok())
        .ok_or_else(|| Fail::new(start, "an integer of at most 64 bits"))
}

/// A string in single or double quotes; there are no escapes.
pub(super) fn string<'i>(input: &mut Input<'i>) -> Parsed<&'i str> {
    let start = at(input);
    let quote = match rest(input).chars().next() {
        Some('\'') => "'",
        Some('"') => "\"",
        _ => return Err(Fail::new(start, "a string in quotes")),
    };
    eat(input, quote)?;
    let text = take_while(0.., |c: char| !quote.starts_with(c)).parse_next(input)?;
    if eat(input, quote)? {
        Ok(text)
    } else {
        Err(Fail::new(start, format!("a closing {quote}")).found("a string without end"))
    }
}

/// A list of constants, behind its bracket.
pub(super) fn list(input: &mut Input<'_>) -> Parsed<Value> {
    let mut items = Vec::new();
    while !eat_spaced(input, "]")? {
        if !items.is_empty() {
            need(input, ",", "',' or ']'")?;
        }
        items.push(constant(input)?);
    }
    Ok(Value::list(items))
}

/// A map of constants, behind its brace. Keys are integers or strings.
pub(super) fn map(input: &mut Input<'_>) -> Parsed<Value> {
    let mut entries = Vec::new();
    while !eat_spaced(input, "}")? {
        if !entries.is_empty() {
            need(input, ",", "',' or '}'")?;
        }
        space(input)?;
        let start = at(input);
        let key = constant(input)?;
        if !matches!(key, Value::Int(_) | Value::Str(_)) {
            return Err(Fail::new(start, "an integer or a string as the key"));
        }
        need(input, ":", "':' and the key's value")?;
        entries.push((key, constant(input)?));
    }
    Ok(Value::map(entries))
}

fn constant(input: &mut Input<'_>) -> Parsed<Value> {
    space(input)?;
    let start = at(input);
    match unary(input)?.node {
        Node::Literal(value) => Ok(value),
        _ => Err(Fail::new(start, "a constant, such as 1, 'text' or [1, 2]")),
    }
}
