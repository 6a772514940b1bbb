//! What a node does with its arguments.

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cmp {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
}

/// Operations over one or more arguments, from left to right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fold {
    Add,
    Sub,
    Mul,
    Div,
    IntAnd,
    IntOr,
    IntXor,
    Min,
    Max,
}

/// Operations over two arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Pow,
    Log,
    Mod,
    ShiftLeft,
    ShiftRight,
    ArithmeticShiftRight,
    ScanLeft,
    ScanRight,
}

/// Operations over one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unary {
    Abs,
    Floor,
    Ceil,
    ToInt,
    ToFloat,
    IntNot,
    BitCount,
    MapKeys,
    MapValues,
}
