//! What the packed forms do not go beyond.

/// How deep lists and maps nest: a collection in this many others is refused unless it is
/// empty. Readers recurse no deeper, so no input exhausts a stack, be it the host's or a
/// guest's.
///
/// ```
/// use petrel_packed::{MAX_DEPTH, Reader};
///
/// // [[[…0…]]]
/// let nested = |depth| [vec![0x91; depth], vec![0]].concat();
/// assert!(Reader::new(&nested(MAX_DEPTH)).skip().is_ok());
/// assert!(Reader::new(&nested(MAX_DEPTH + 1)).skip().is_err());
/// ```
pub const MAX_DEPTH: usize = 64;

/// The longest name of a bin, in bytes, by the Aerospike protocol.
///
/// ```
/// assert_eq!(petrel_packed::MAX_BIN_NAME, "fifteen-letters".len());
/// ```
pub const MAX_BIN_NAME: usize = 15;
