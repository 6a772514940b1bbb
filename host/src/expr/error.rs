//! Why an expression is refused.

use super::ael::ParseError;
use super::kind::Kind;
use super::pattern::PatternError;
use crate::model::msgpack::DecodeError;

/// Why the payload of field 43 is not an expression that the host can evaluate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExprError {
    /// The MessagePack itself is broken.
    #[error("the expression is {0}; send it as the client library packs it")]
    Malformed(#[from] DecodeError),
    /// The text form does not parse.
    #[error("the expression does not parse {0}")]
    Text(#[from] ParseError),
    /// An operation that the host does not evaluate.
    #[error(
        "expression operation {name} ({op}) at byte {at} is not supported by this host; filter without it"
    )]
    Unsupported {
        /// The operation's number on the wire.
        op: i64,
        /// Its name in the client libraries.
        name: &'static str,
        /// Where the operation's list starts.
        at: usize,
    },
    /// A number that names no operation.
    #[error("{op} at byte {at} names no expression operation; update the host or the client")]
    UnknownOp {
        /// The number found.
        op: i64,
        /// Where the operation's list starts.
        at: usize,
    },
    /// An operation with the wrong number of arguments, or with one of the wrong form.
    #[error("expression operation {name} at byte {at} needs {needs}")]
    Arguments {
        /// The operation's name in the client libraries.
        name: &'static str,
        /// What it takes.
        needs: &'static str,
        /// Where the operation's list starts.
        at: usize,
    },
    /// Types that do not fit.
    #[error(
        "expression operation {name} at byte {at} cannot take a {found} where it needs {needs}"
    )]
    Type {
        /// The operation's name in the client libraries.
        name: &'static str,
        /// The type found.
        found: Kind,
        /// What it takes.
        needs: &'static str,
        /// Where the operation's list starts.
        at: usize,
    },
    /// A pattern that is no POSIX regular expression.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// A variable that no enclosing `let` defines.
    #[error("the variable '{0}' is not defined here; define it in a let around its use")]
    UndefinedVariable(String),
    /// A variable name that is taken or has other characters than letters, digits and underscores.
    #[error(
        "'{0}' cannot be a variable's name: it is in use, or is not a letter or underscore and then letters, digits or underscores"
    )]
    VariableName(String),
    /// Deeper than the host evaluates.
    #[error(
        "the expression nests deeper than {} levels; flatten it",
        super::bounds::MAX_DEPTH
    )]
    TooDeep,
}
