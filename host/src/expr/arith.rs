//! Arithmetic: integers wrap, floats follow IEEE 754, and the two do not mix.

use super::operand::Operand;
use super::operator::{Binary, Fold, Unary};

/// One step of a left-to-right operation.
pub(super) fn fold<'a>(op: Fold, acc: &Operand<'a>, next: &Operand<'a>) -> Option<Operand<'a>> {
    Some(match (acc, next) {
        (Operand::Int(a), Operand::Int(b)) => {
            let (a, b) = (*a, *b);
            Operand::Int(match op {
                Fold::Add => a.wrapping_add(b),
                Fold::Sub => a.wrapping_sub(b),
                Fold::Mul => a.wrapping_mul(b),
                Fold::Div if b == 0 => return None,
                Fold::Div => a.wrapping_div(b),
                Fold::IntAnd => a & b,
                Fold::IntOr => a | b,
                Fold::IntXor => a ^ b,
                Fold::Min => a.min(b),
                Fold::Max => a.max(b),
            })
        }
        (Operand::Float(a), Operand::Float(b)) => {
            let (a, b) = (*a, *b);
            Operand::Float(match op {
                Fold::Add => a + b,
                Fold::Sub => a - b,
                Fold::Mul => a * b,
                Fold::Div => a / b,
                Fold::IntAnd | Fold::IntOr | Fold::IntXor => return None,
                // Not f64::min: the protocol keeps the first argument where one is NaN.
                Fold::Min => {
                    if a > b {
                        b
                    } else {
                        a
                    }
                }
                Fold::Max => {
                    if a < b {
                        b
                    } else {
                        a
                    }
                }
            })
        }
        _ => return None,
    })
}

/// The result of an operation with one argument only: its negation, its inverse or itself.
pub(super) fn alone(op: Fold, arg: Operand<'_>) -> Option<Operand<'_>> {
    Some(match (op, arg) {
        (Fold::Sub, Operand::Int(a)) => Operand::Int(a.wrapping_neg()),
        (Fold::Sub, Operand::Float(a)) => Operand::Float(0.0 - a),
        (Fold::Div, Operand::Int(0)) => return None,
        (Fold::Div, Operand::Int(a)) => Operand::Int(1 / a),
        (Fold::Div, Operand::Float(a)) => Operand::Float(1.0 / a),
        (_, arg @ Operand::Int(_)) => arg,
        (Fold::IntAnd | Fold::IntOr | Fold::IntXor, _) => return None,
        (_, arg @ Operand::Float(_)) => arg,
        _ => return None,
    })
}

/// An operation over two arguments.
pub(super) fn binary(
    op: Binary,
    left: &Operand<'_>,
    right: &Operand<'_>,
) -> Option<Operand<'static>> {
    // Shifts take the low six bits of their distance, as the peer's processor does.
    let shift = |int: fn(i64, u32) -> i64| match (left, right) {
        (Operand::Int(a), Operand::Int(n)) => Some(Operand::Int(int(*a, (*n & 63) as u32))),
        _ => None,
    };
    match op {
        Binary::Pow => Some(Operand::Float(float(left)?.powf(float(right)?))),
        Binary::Log => Some(Operand::Float(float(left)?.ln() / float(right)?.ln())),
        Binary::Mod => match (left, right) {
            (Operand::Int(_), Operand::Int(0)) => None,
            (Operand::Int(a), Operand::Int(b)) => Some(Operand::Int(a.wrapping_rem(*b))),
            _ => None,
        },
        Binary::ShiftLeft => shift(|a, n| a << n),
        Binary::ShiftRight => shift(|a, n| ((a as u64) >> n) as i64),
        Binary::ArithmeticShiftRight => shift(|a, n| a >> n),
        Binary::ScanLeft => scan(left, right, |bits| i64::from(bits.leading_zeros())),
        Binary::ScanRight => scan(left, right, |bits| 63 - i64::from(bits.trailing_zeros())),
    }
}

/// The position, from the most significant bit, of the first bit of the wanted value; -1 for none.
fn scan(value: &Operand<'_>, want: &Operand<'_>, find: fn(u64) -> i64) -> Option<Operand<'static>> {
    let (Operand::Int(value), Operand::Bool(want)) = (value, want) else {
        return None;
    };
    let bits = (if *want { *value } else { !*value }) as u64;
    Some(Operand::Int(if bits == 0 { -1 } else { find(bits) }))
}

/// An operation over one number.
pub(super) fn unary(op: Unary, arg: &Operand<'_>) -> Option<Operand<'static>> {
    Some(match (op, arg) {
        (Unary::Abs, Operand::Int(a)) => Operand::Int(a.wrapping_abs()),
        (Unary::Abs, Operand::Float(a)) => Operand::Float(a.abs()),
        (Unary::Floor, _) => Operand::Float(float(arg)?.floor()),
        (Unary::Ceil, _) => Operand::Float(float(arg)?.ceil()),
        (Unary::ToInt, Operand::Float(a)) => Operand::Int(*a as i64),
        (Unary::ToInt, Operand::Int(a)) => Operand::Int(*a),
        (Unary::ToFloat, _) => Operand::Float(float(arg)?),
        (Unary::IntNot, Operand::Int(a)) => Operand::Int(!a),
        (Unary::BitCount, Operand::Int(a)) => Operand::Int(a.count_ones().into()),
        _ => return None,
    })
}

/// A number as a float: the text form's functions of floats take integers too.
fn float(operand: &Operand<'_>) -> Option<f64> {
    match operand {
        Operand::Float(a) => Some(*a),
        Operand::Int(a) => Some(*a as f64),
        _ => None,
    }
}
