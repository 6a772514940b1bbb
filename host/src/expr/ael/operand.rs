//! Operands: what stands between operators.

use super::build::Term;
use super::error::Fail;
use super::expression::expression;
use super::function::function;
use super::input::{Input, Parsed, at, eat, eat_spaced, name, need, rest, space};
use super::literal::{is_number, list, map, number, string};
use super::path::path;

use crate::expr::bounds::MAX_VARIABLES;
use crate::expr::node::Node;
use crate::expr::raw::is_variable_name;
use crate::model::Value;

const OPERAND: &str = "an operand: a bin like $.name, a number, a 'string', true, false or ( … )";

/// One operand.
pub(super) fn operand(input: &mut Input<'_>) -> Parsed<Term> {
    let start = at(input);
    let text = rest(input);
    let leaf = |value| Ok(Term::leaf(start, Node::Literal(value)));
    match text.chars().next() {
        Some('(') => parenthesised(input, "'('"),
        Some('[') => {
            eat(input, "[")?;
            leaf(list(input)?)
        }
        Some('{') => {
            eat(input, "{")?;
            leaf(map(input)?)
        }
        Some('\'' | '"') => leaf(Value::from(string(input)?)),
        Some('$') if eat(input, "$.")? => path(input, start),
        Some('$') if eat(input, "${")? => variable(input, start),
        Some('$') => Err(Fail::new(start, "'$.' and a bin, or '${' and a variable")),
        Some('?') => Err(Fail::new(
            start,
            "a value; the client fills placeholders in before it sends the text",
        )),
        _ if is_number(text) => leaf(number(input, false)?),
        _ => keyword(input, start),
    }
}

fn keyword(input: &mut Input<'_>, start: usize) -> Parsed<Term> {
    match name(input)? {
        "true" => Ok(Term::leaf(start, Node::Literal(Value::Bool(true)))),
        "false" => Ok(Term::leaf(start, Node::Literal(Value::Bool(false)))),
        "unknown" | "error" => Ok(Term::leaf(start, Node::Unknown)),
        "not" => parenthesised(input, "'(' and a condition")?
            .condition()?
            .wrap(start, |node| Node::Not(Box::new(node))),
        "exclusive" => {
            let args = arguments(input)?;
            if args.len() < 2 {
                return Err(Fail::new(start, "two conditions or more in exclusive( … )"));
            }
            let args = args
                .into_iter()
                .map(Term::condition)
                .collect::<Parsed<_>>()?;
            Term::join(start, args, Node::Exclusive)
        }
        "let" => scope(input, start, "then"),
        "with" => scope(input, start, "do"),
        "when" => when(input, start),
        name if !name.is_empty() && rest(input).trim_start().starts_with('(') => {
            function(name, arguments(input)?, start)
        }
        _ => Err(Fail::new(start, OPERAND)),
    }
}

fn parenthesised(input: &mut Input<'_>, expected: &'static str) -> Parsed<Term> {
    need(input, "(", expected)?;
    let term = expression(input)?;
    need(input, ")", "an operator or ')'")?;
    Ok(term)
}

/// Expressions in parentheses, with commas between them.
fn arguments(input: &mut Input<'_>) -> Parsed<Vec<Term>> {
    need(input, "(", "'('")?;
    let mut args = vec![expression(input)?];
    while eat_spaced(input, ",")? {
        args.push(expression(input)?);
    }
    need(input, ")", "',' or ')'")?;
    Ok(args)
}

/// `${name}`, behind its brace.
fn variable(input: &mut Input<'_>, start: usize) -> Parsed<Term> {
    let name = name(input)?;
    need(input, "}", "'}' after the variable's name")?;
    let slot = input.state.scope.iter().position(|(n, _)| *n == name);
    let Some((slot, (_, kind))) = slot.and_then(|i| Some((i, input.state.scope.get(i)?))) else {
        return Err(Fail::new(
            start,
            "a variable that an enclosing 'let' defines",
        ));
    };
    Ok(Term::leaf(start, Node::Var(slot, *kind)))
}

/// `let (name = value, …) then (expression)`, behind its first word. Older texts say
/// `with (…) do (…)`.
fn scope(input: &mut Input<'_>, start: usize, then: &'static str) -> Parsed<Term> {
    let outer = input.state.scope.len();
    need(input, "(", "'(' and the definition of a variable")?;
    let mut terms = Vec::new();
    loop {
        space(input)?;
        let place = at(input);
        let name = name(input)?;
        let taken = input.state.scope.iter().any(|(n, _)| *n == name);
        if input.state.scope.len() >= MAX_VARIABLES {
            return Err(Fail::new(
                place,
                format!("at most {MAX_VARIABLES} variables in scope"),
            ));
        }
        if taken || !is_variable_name(name.as_bytes()) {
            return Err(Fail::new(place, "the name of a new variable"));
        }
        need(input, "=", "'=' and the variable's value")?;
        let value = expression(input)?;
        input.state.scope.push((name, value.kind));
        terms.push(value);
        if !eat_spaced(input, ",")? {
            break;
        }
    }
    need(input, ")", "',' or ')'")?;
    need(input, then, if then == "do" { "'do'" } else { "'then'" })?;
    terms.push(parenthesised(input, "'(' and an expression")?);
    input.state.scope.truncate(outer);
    Term::join(start, terms, |mut nodes| match nodes.pop() {
        Some(scope) => Node::Let(nodes, Box::new(scope)),
        None => Node::Unknown,
    })
}

/// `when (condition => value, …, default => value)`, behind its first word.
fn when(input: &mut Input<'_>, start: usize) -> Parsed<Term> {
    need(input, "(", "'(' and a condition")?;
    let mut terms = Vec::new();
    loop {
        space(input)?;
        let place = at(input);
        if rest(input).starts_with("default") && eat(input, "default")? {
            if terms.is_empty() {
                return Err(Fail::new(place, "a condition before the default"));
            }
            need(input, "=>", "'=>' and the default value")?;
            terms.push(expression(input)?);
            need(input, ")", "')': the default comes last")?;
            return Term::join(start, terms, cond);
        }
        terms.push(expression(input)?.condition()?);
        need(input, "=>", "'=>' and the condition's value")?;
        terms.push(expression(input)?);
        need(input, ",", "',' and another case, at last 'default => …'")?;
    }
}

fn cond(mut nodes: Vec<Node>) -> Node {
    let Some(default) = nodes.pop() else {
        return Node::Unknown;
    };
    let mut nodes = nodes.into_iter();
    let mut cases = Vec::new();
    while let (Some(condition), Some(value)) = (nodes.next(), nodes.next()) {
        cases.push((condition, value));
    }
    Node::Cond(cases, Box::new(default))
}
