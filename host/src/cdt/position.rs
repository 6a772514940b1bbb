//! Indexes and ranks.

/// The position of `index` among `n` elements; a negative one counts from the end.
pub(super) fn position(index: i64, n: usize) -> Option<usize> {
    let index = if index < 0 {
        index.checked_add(i64::try_from(n).ok()?)?
    } else {
        index
    };
    usize::try_from(index).ok().filter(|i| *i < n)
}
