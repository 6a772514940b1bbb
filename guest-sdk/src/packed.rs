//! The packed forms that cross the boundary; their layout is told in `wit/petrel-udf.wit`.

use crate::{Error, Result};

/// The version of both forms.
pub(crate) const VERSION: u8 = 1;

/// Bit of a bin's type: the bin is a stub.
pub(crate) const STUB: u8 = 0x80;

/// Status of an outcome.
pub(crate) mod status {
    pub(crate) const OK: u8 = 0;
    pub(crate) const FAILED: u8 = 1;
    pub(crate) const ARGUMENTS: u8 = 2;
}

/// Opcodes of effects.
pub(crate) mod effect {
    pub(crate) const SET: u8 = 1;
    pub(crate) const CREATE: u8 = 2;
    pub(crate) const UPDATE: u8 = 3;
    pub(crate) const REMOVE: u8 = 4;
    pub(crate) const TTL: u8 = 5;
}

/// Takes fixed-size fields off the front of bytes.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    #[inline]
    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or_else(cut)?;
        self.0 = rest;
        Ok(taken)
    }

    #[inline]
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or_else(cut)?;
        self.0 = rest;
        Ok(*taken)
    }

    #[inline]
    pub(crate) fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    #[inline]
    pub(crate) fn u16(&mut self) -> Result<u16> {
        self.array().map(u16::from_le_bytes)
    }

    #[inline]
    pub(crate) fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    #[inline]
    pub(crate) fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str> {
        let n = self.u8()?;
        Ok(std::str::from_utf8(self.take(usize::from(n))?).unwrap_or_default())
    }
}

#[cold]
fn cut() -> Error {
    Error::new("the packed records are cut off")
}

/// A bin where it lies in the packed record.
#[derive(Clone, Copy)]
pub(crate) struct PackedBin<'a> {
    pub(crate) kind: u8,
    pub(crate) name: &'a [u8],
    pub(crate) data: &'a [u8],
}

/// Iterates packed bins.
#[derive(Clone)]
pub(crate) struct PackedBins<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for PackedBins<'a> {
    type Item = PackedBin<'a>;

    #[inline]
    fn next(&mut self) -> Option<PackedBin<'a>> {
        let (head, rest) = self.0.split_first_chunk::<6>()?;
        let (name, rest) = rest.split_at_checked(usize::from(head[0]))?;
        let len = u32::from_le_bytes([head[2], head[3], head[4], head[5]]);
        let (data, rest) = rest.split_at_checked(len as usize)?;
        self.0 = rest;
        Some(PackedBin {
            kind: head[1],
            name,
            data,
        })
    }
}
