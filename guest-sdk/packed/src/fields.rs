//! Fields of fixed size, little-endian and unaligned.

use alloc::vec::Vec;
use core::fmt;

/// The bytes end before what they should hold.
///
/// ```
/// use petrel_packed::{Cut, Fields};
///
/// assert_eq!(Fields::new(&[1, 2]).u32(), Err(Cut));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the packed bytes are cut off")
    }
}

impl core::error::Error for Cut {}

/// Takes fields off the front of bytes. A field that is cut off takes nothing.
///
/// ```
/// use petrel_packed::Fields;
///
/// let mut fields = Fields::new(&[1, 0, 0, 0, 2, b'a', b'b']);
/// assert_eq!(fields.u32(), Ok(1));
/// assert_eq!(fields.name(), Ok(&b"ab"[..]));
/// assert!(fields.rest().is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// Fields from the start of `bytes`.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What was not taken yet.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next `n` bytes.
    ///
    /// # Errors
    /// [`Cut`], as of all the others.
    #[inline]
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], Cut> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(Cut)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`Cut`].
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Cut> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Cut)?;
        self.0 = rest;
        Ok(taken)
    }

    /// A byte.
    ///
    /// # Errors
    /// [`Cut`].
    #[inline]
    pub fn u8(&mut self) -> Result<u8, Cut> {
        self.array().map(|b| u8::from_le_bytes(*b))
    }

    /// An integer of 16 bits.
    ///
    /// # Errors
    /// [`Cut`].
    #[inline]
    pub fn u16(&mut self) -> Result<u16, Cut> {
        self.array().map(|b| u16::from_le_bytes(*b))
    }

    /// An integer of 32 bits.
    ///
    /// # Errors
    /// [`Cut`].
    #[inline]
    pub fn u32(&mut self) -> Result<u32, Cut> {
        self.array().map(|b| u32::from_le_bytes(*b))
    }

    /// An integer of 64 bits.
    ///
    /// # Errors
    /// [`Cut`].
    #[inline]
    pub fn u64(&mut self) -> Result<u64, Cut> {
        self.array().map(|b| u64::from_le_bytes(*b))
    }

    /// A name behind its length of one byte, as [`pack_name`] writes it.
    ///
    /// # Errors
    /// [`Cut`].
    #[inline]
    pub fn name(&mut self) -> Result<&'a [u8], Cut> {
        let n = self.u8()?;
        self.take(n.into())
    }
}

/// Appends the name of a namespace or set behind its length; 255 bytes of it at most.
///
/// ```
/// let mut packed = Vec::new();
/// petrel_packed::pack_name(b"test", &mut packed);
/// assert_eq!(packed, [4, b't', b'e', b's', b't']);
/// ```
pub fn pack_name(name: &[u8], out: &mut Vec<u8>) {
    let name = name.get(..255).unwrap_or(name);
    out.push(name.len() as u8);
    out.extend_from_slice(name);
}
