//! Functions of values: `abs(…)`, `max(…, …)` and the like.

use super::build::Term;
use super::error::Fail;
use super::input::Parsed;
use crate::expr::node::Node;
use crate::expr::operator::{Binary, Fold, Unary};

const FUNCTIONS: &str =
    "one of abs, ceil, floor, log, pow, max, min, countOneBits, findBitLeft, findBitRight";

/// The call of function `name`, which stands at byte `at`.
pub(super) fn function(name: &str, args: Vec<Term>, at: usize) -> Parsed<Term> {
    match name {
        "abs" => one(args, at, Unary::Abs),
        "ceil" => one(args, at, Unary::Ceil),
        "floor" => one(args, at, Unary::Floor),
        "countOneBits" => {
            let args = args.into_iter().map(|t| t.int(at)).collect::<Parsed<_>>()?;
            one(args, at, Unary::BitCount)
        }
        "log" => two(numbers(args, at)?, at, Binary::Log),
        "pow" => two(numbers(args, at)?, at, Binary::Pow),
        "findBitLeft" => two(args, at, Binary::ScanLeft),
        "findBitRight" => two(args, at, Binary::ScanRight),
        "max" => many(args, at, Fold::Max),
        "min" => many(args, at, Fold::Min),
        "geoJson" | "geoCompare" => Err(Fail::new(
            at,
            "an expression without geography, which this host does not evaluate",
        )),
        _ => Err(Fail::new(at, FUNCTIONS).found(format!("the function '{name}'"))),
    }
}

fn numbers(args: Vec<Term>, at: usize) -> Parsed<Vec<Term>> {
    args.into_iter().map(|term| term.number(at)).collect()
}

fn one(args: Vec<Term>, at: usize, op: Unary) -> Parsed<Term> {
    let [arg] = <[Term; 1]>::try_from(args).map_err(|_| Fail::new(at, "one argument to it"))?;
    arg.number(at)?
        .wrap(at, |node| Node::Unary(op, Box::new(node)))
}

fn two(args: Vec<Term>, at: usize, op: Binary) -> Parsed<Term> {
    if args.len() != 2 {
        return Err(Fail::new(at, "two arguments to it"));
    }
    Term::join(at, args, |nodes| match <[Node; 2]>::try_from(nodes) {
        Ok(pair) => Node::Binary(op, Box::new(pair)),
        Err(_) => Node::Unknown,
    })
}

fn many(args: Vec<Term>, at: usize, op: Fold) -> Parsed<Term> {
    if args.len() < 2 {
        return Err(Fail::new(at, "two arguments to it or more"));
    }
    Term::join(at, numbers(args, at)?, |nodes| Node::Fold(op, nodes))
}
