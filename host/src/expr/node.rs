//! The tree that both wire forms become.

use super::kind::Kind;
use super::meta::Meta;
use super::operator::{Binary, Cmp, Fold, Unary};
use super::path::Path;
use super::pattern::Pattern;
use crate::model::Value;

/// An expression. Sub-trees of unknown type (untyped bins of the text form) are typed by
/// the record when they are evaluated.
#[derive(Debug)]
pub(super) enum Node {
    /// The value that is never known.
    Unknown,
    Literal(Value),
    Compare(Cmp, Box<[Node; 2]>),
    Matches(Pattern, Box<Node>),
    InList(Box<[Node; 2]>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    /// True when exactly one is.
    Exclusive(Vec<Node>),
    Fold(Fold, Vec<Node>),
    Binary(Binary, Box<[Node; 2]>),
    Unary(Unary, Box<Node>),
    Meta(Meta),
    /// The stored user key, of one type.
    Key(Kind),
    /// A bin, or an element inside it.
    Read(Path),
    /// Whether a bin, or an element inside it, is there.
    Exists(Path),
    /// How many elements a list or map has.
    Count(Path),
    /// The number of the bin's particle type; 0 when the record has no such bin.
    BinType(Box<[u8]>),
    /// Conditions and their values, then the value when none holds.
    Cond(Vec<(Node, Node)>, Box<Node>),
    /// Variable definitions, each in the next slot, and the scope that reads them.
    Let(Vec<Node>, Box<Node>),
    /// A variable's slot, counted from the outermost `let`, and its type.
    Var(usize, Option<Kind>),
}

impl Node {
    /// The type, where it does not depend on the record.
    pub(super) fn kind(&self) -> Option<Kind> {
        match self {
            Self::Unknown => None,
            Self::Literal(value) => Some(Kind::of(value)),
            Self::Compare(..)
            | Self::Matches(..)
            | Self::InList(_)
            | Self::And(_)
            | Self::Or(_)
            | Self::Not(_)
            | Self::Exclusive(_)
            | Self::Exists(_) => Some(Kind::Bool),
            Self::Fold(Fold::IntAnd | Fold::IntOr | Fold::IntXor, _) => Some(Kind::Int),
            Self::Fold(_, args) => args.iter().find_map(Self::kind),
            Self::Binary(Binary::Pow | Binary::Log, _) => Some(Kind::Float),
            Self::Binary(..) => Some(Kind::Int),
            Self::Unary(op, arg) => match op {
                Unary::Abs => arg.kind(),
                Unary::Floor | Unary::Ceil | Unary::ToFloat => Some(Kind::Float),
                Unary::ToInt | Unary::IntNot | Unary::BitCount => Some(Kind::Int),
                Unary::MapKeys | Unary::MapValues => Some(Kind::List),
            },
            Self::Meta(meta) => Some(meta.kind()),
            Self::Key(kind) => Some(*kind),
            Self::Read(path) => path.kind,
            Self::Count(_) | Self::BinType(_) => Some(Kind::Int),
            Self::Cond(cases, default) => cases
                .iter()
                .find_map(|(_, value)| value.kind())
                .or_else(|| default.kind()),
            Self::Let(_, scope) => scope.kind(),
            Self::Var(_, kind) => *kind,
        }
    }

    /// Whether the answer depends on the record's body: its bins, its stored key or its size.
    pub(super) fn needs_bins(&self) -> bool {
        match self {
            Self::Unknown | Self::Literal(_) | Self::Var(..) => false,
            Self::Key(_) | Self::Read(_) | Self::Exists(_) | Self::Count(_) | Self::BinType(_) => {
                true
            }
            Self::Meta(meta) => meta.needs_body(),
            Self::Compare(_, args) | Self::InList(args) | Self::Binary(_, args) => {
                args.iter().any(Self::needs_bins)
            }
            Self::Matches(_, arg) | Self::Not(arg) | Self::Unary(_, arg) => arg.needs_bins(),
            Self::And(args) | Self::Or(args) | Self::Exclusive(args) | Self::Fold(_, args) => {
                args.iter().any(Self::needs_bins)
            }
            Self::Cond(cases, default) => {
                default.needs_bins() || cases.iter().any(|(c, v)| c.needs_bins() || v.needs_bins())
            }
            Self::Let(defs, scope) => scope.needs_bins() || defs.iter().any(Self::needs_bins),
        }
    }
}
