//! Nodes from operands and operators, refusing types that cannot fit.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::Fail;
use super::input::{Parsed, too_deep};
use crate::expr::bounds::MAX_DEPTH;
use crate::expr::kind::Kind;
use crate::expr::node::Node;
use crate::expr::operator::{Binary, Cmp, Fold};
use crate::model::{ParticleType, Value};

/// An operator between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Infix {
    Or,
    And,
    Compare(Cmp),
    In,
    Fold(Fold),
    Binary(Binary),
}

/// A node on its way into the tree.
pub(super) struct Term {
    pub(super) node: Node,
    /// Where its text starts, in bytes.
    pub(super) at: usize,
    /// The node's type, kept because asking a long chain for it takes its length.
    pub(super) kind: Option<Kind>,
    /// How many levels it has below itself.
    depth: usize,
}

impl Term {
    /// A node without levels below it.
    pub(super) fn leaf(at: usize, node: Node) -> Self {
        Self {
            at,
            kind: node.kind(),
            depth: 0,
            node,
        }
    }

    /// The node that `wrap` makes of this one.
    pub(super) fn wrap(self, at: usize, wrap: impl FnOnce(Node) -> Node) -> Parsed<Self> {
        Self::over(at, self.depth, wrap(self.node))
    }

    /// A node over others, the deepest of which has `depth` levels.
    pub(super) fn over(at: usize, depth: usize, node: Node) -> Parsed<Self> {
        let kind = node.kind();
        Self::typed(at, depth, node, kind)
    }

    /// As [`Term::over`], of a type that is known already.
    fn typed(at: usize, depth: usize, node: Node, kind: Option<Kind>) -> Parsed<Self> {
        if depth >= MAX_DEPTH {
            return Err(too_deep(at));
        }
        Ok(Self {
            node,
            at,
            kind,
            depth: depth + 1,
        })
    }

    /// A node over `terms`, made by `make` of their nodes.
    pub(super) fn join(
        at: usize,
        terms: Vec<Self>,
        make: impl FnOnce(Vec<Node>) -> Node,
    ) -> Parsed<Self> {
        let depth = terms.iter().map(|t| t.depth).max().unwrap_or_default();
        Self::over(at, depth, make(terms.into_iter().map(|t| t.node).collect()))
    }

    /// A node over two others.
    fn pair(
        at: usize,
        left: Self,
        right: Self,
        make: impl FnOnce(Box<[Node; 2]>) -> Node,
    ) -> Parsed<Self> {
        Self::over(
            at,
            left.depth.max(right.depth),
            make(Box::new([left.node, right.node])),
        )
    }

    /// This term, if it may have one of `kinds`.
    fn of(self, at: usize, kinds: &[Kind], expected: &'static str) -> Parsed<Self> {
        match self.kind {
            Some(kind) if !kinds.contains(&kind) => Err(Fail::new(at, expected).found(a(kind))),
            _ => Ok(self),
        }
    }

    /// This term, if it may be a number.
    pub(super) fn number(self, at: usize) -> Parsed<Self> {
        self.of(at, &[Kind::Int, Kind::Float], "a number")
    }

    /// This term, if it may be an integer.
    pub(super) fn int(self, at: usize) -> Parsed<Self> {
        self.of(at, &[Kind::Int], "an integer")
    }

    /// This term, if it may be true or false.
    pub(super) fn condition(self) -> Parsed<Self> {
        let at = self.at;
        self.of(at, &[Kind::Bool], "a condition")
    }
}

/// A type with its article.
fn a(kind: Kind) -> String {
    let article = if kind == Kind::Int { "an" } else { "a" };
    format!("{article} {kind}")
}

/// Both sides of the operator at byte `place`.
pub(super) fn combine(infix: Infix, left: Term, right: Term, place: usize) -> Parsed<Term> {
    match infix {
        Infix::And => logical(left, right, Node::And, |node| match node {
            Node::And(args) => Ok(args),
            node => Err(node),
        }),
        Infix::Or => logical(left, right, Node::Or, |node| match node {
            Node::Or(args) => Ok(args),
            node => Err(node),
        }),
        Infix::Compare(cmp) => {
            let (left, right) = comparable(left, right, place)?;
            Term::pair(left.at, left, right, |args| Node::Compare(cmp, args))
        }
        Infix::In => {
            let at = right.at;
            let right = right.of(at, &[Kind::List], "a list")?;
            Term::pair(left.at, left, right, Node::InList)
        }
        Infix::Fold(fold) => arithmetic(fold, left, right, place),
        Infix::Binary(op @ (Binary::Pow | Binary::Log)) => {
            let (left, right) = (left.number(place)?, right.number(place)?);
            Term::pair(left.at, left, right, |args| Node::Binary(op, args))
        }
        Infix::Binary(op) => {
            let (left, right) = (left.int(place)?, right.int(place)?);
            Term::pair(left.at, left, right, |args| Node::Binary(op, args))
        }
    }
}

/// Long chains of one operator become one node, so that they do not nest.
fn logical(
    left: Term,
    right: Term,
    make: fn(Vec<Node>) -> Node,
    take: fn(Node) -> Result<Vec<Node>, Node>,
) -> Parsed<Term> {
    let (left, right) = (left.condition()?, right.condition()?);
    let depth = right.depth.max(left.depth);
    let (mut args, depth) = match take(left.node) {
        Ok(args) => (args, depth.saturating_sub(1).max(right.depth)),
        Err(node) => (vec![node], depth),
    };
    args.push(right.node);
    Term::over(left.at, depth, make(args))
}

fn arithmetic(fold: Fold, left: Term, right: Term, place: usize) -> Parsed<Term> {
    let (left, right) = match fold {
        Fold::IntAnd | Fold::IntOr | Fold::IntXor => (left.int(place)?, right.int(place)?),
        _ => (left.number(place)?, right.number(place)?),
    };
    one_type(&left, &right, place)?;
    let kind = match fold {
        Fold::IntAnd | Fold::IntOr | Fold::IntXor => Some(Kind::Int),
        _ => left.kind.or(right.kind),
    };
    let depth = left.depth.max(right.depth);
    let (mut args, depth) = match left.node {
        // One argument is a negation, and division does not chain: it would multiply the
        // divisors first.
        Node::Fold(chain, args) if chain == fold && fold != Fold::Div && args.len() > 1 => {
            (args, depth.saturating_sub(1).max(right.depth))
        }
        node => (vec![node], depth),
    };
    args.push(right.node);
    Term::typed(left.at, depth, Node::Fold(fold, args), kind)
}

/// The negative of a number.
pub(super) fn negate(term: Term, at: usize) -> Parsed<Term> {
    match term.node {
        Node::Literal(Value::Int(i)) => {
            Ok(Term::leaf(at, Node::Literal(Value::Int(i.wrapping_neg()))))
        }
        Node::Literal(Value::Float(f)) => Ok(Term::leaf(at, Node::Literal(Value::Float(-f)))),
        _ => term
            .number(at)?
            .wrap(at, |node| Node::Fold(Fold::Sub, vec![node])),
    }
}

/// Blobs have no literals of their own: a string beside one is its base64.
fn comparable(left: Term, right: Term, place: usize) -> Parsed<(Term, Term)> {
    let kinds = (left.kind, right.kind);
    let (left, right) = match kinds {
        (Some(Kind::Blob), Some(Kind::Str)) => (left, blob(right)?),
        (Some(Kind::Str), Some(Kind::Blob)) => (blob(left)?, right),
        _ => (left, right),
    };
    one_type(&left, &right, place)?;
    Ok((left, right))
}

fn blob(term: Term) -> Parsed<Term> {
    let Node::Literal(Value::Str(text)) = &term.node else {
        return Ok(term);
    };
    let bytes = STANDARD
        .decode(text)
        .map_err(|_| Fail::new(term.at, "a blob in base64").found("a string that is not base64"))?;
    Ok(Term::leaf(
        term.at,
        Node::Literal(Value::Blob(ParticleType::BLOB, bytes.into())),
    ))
}

/// Refuses two operands whose types are known and differ.
fn one_type(left: &Term, right: &Term, place: usize) -> Parsed<()> {
    match (left.kind, right.kind) {
        (Some(l), Some(r)) if l != r => Err(Fail::new(
            place,
            "two operands of one type; asInt() and asFloat() convert numbers",
        )
        .found(format!("{} and {}", a(l), a(r)))),
        _ => Ok(()),
    }
}
