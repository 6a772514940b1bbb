//! Comparing values as the protocol's filters do: only values of one type compare.

use std::cmp::Ordering;

use super::operand::Operand;
use super::operator::Cmp;
use crate::model::msgpack::Reader;

/// Whether `left` and `right` stand in the relation; `None` when they do not compare.
pub(super) fn compare(cmp: Cmp, left: &Operand<'_>, right: &Operand<'_>) -> Option<bool> {
    if let (Operand::Float(a), Operand::Float(b)) = (left, right) {
        return Some(holds(cmp, a.partial_cmp(b)));
    }
    Some(holds(cmp, Some(order(left, right)?)))
}

/// The order of two values of one type. GeoJSON and sketches have none.
pub(super) fn order(left: &Operand<'_>, right: &Operand<'_>) -> Option<Ordering> {
    Some(match (left, right) {
        // The common ones without a detour.
        (Operand::Int(a), Operand::Int(b)) => a.cmp(b),
        (Operand::Str(a), Operand::Str(b)) => a.cmp(b),
        (Operand::Geo(_) | Operand::Hll(_), _) => return None,
        _ if left.kind() == right.kind() => left.as_element().compare(&right.as_element()),
        _ => return None,
    })
}

/// Whether two values are of one type and equal.
pub(super) fn same(left: &Operand<'_>, right: &Operand<'_>) -> bool {
    order(left, right).is_some_and(Ordering::is_eq)
}

/// Whether the packed list has an element equal to `value`; `None` when it is malformed.
pub(super) fn contains(list: &[u8], value: &Operand<'_>) -> Option<bool> {
    let mut reader = Reader::new(list);
    for _ in 0..reader.list().ok()? {
        if same(&Operand::read(&mut reader)?, value) {
            return Some(true);
        }
    }
    Some(false)
}

/// NaN stands in no relation but `!=`, as IEEE 754 has it.
fn holds(cmp: Cmp, order: Option<Ordering>) -> bool {
    match cmp {
        Cmp::Eq => order.is_some_and(Ordering::is_eq),
        Cmp::Ne => order.is_none_or(Ordering::is_ne),
        Cmp::Gt => order.is_some_and(Ordering::is_gt),
        Cmp::Ge => order.is_some_and(Ordering::is_ge),
        Cmp::Lt => order.is_some_and(Ordering::is_lt),
        Cmp::Le => order.is_some_and(Ordering::is_le),
    }
}
