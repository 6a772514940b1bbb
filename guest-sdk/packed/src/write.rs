//! Writing MessagePack as Aerospike packs lists and maps. Lengths are 32 bits.

use alloc::vec::Vec;

use crate::compare::{Entry, sort};
use crate::{Element, ParticleType};

/// The first pair of a key-ordered map: an extension of type 1 without data, then nil.
///
/// ```
/// use petrel_packed::{Item, KEY_ORDERED, Reader};
///
/// assert_eq!(Reader::new(&KEY_ORDERED).item(), Ok(Item::Ext(1, &[])));
/// ```
pub const KEY_ORDERED: [u8; 4] = [0xC7, 0, 1, 0xC0];

/// Appends an integer in its shortest form.
///
/// ```
/// let mut packed = Vec::new();
/// petrel_packed::pack_int(300, &mut packed);
/// assert_eq!(packed, [0xCD, 1, 44]);
/// ```
#[inline]
pub fn pack_int(i: i64, out: &mut Vec<u8>) {
    match i {
        -32..=0x7F => out.push(i as u8),
        0x80..=0xFF => out.extend_from_slice(&[0xCC, i as u8]),
        0x100..=0xFFFF => with_marker(0xCD, (i as u16).to_be_bytes(), out),
        0x1_0000..=0xFFFF_FFFF => with_marker(0xCE, (i as u32).to_be_bytes(), out),
        0x1_0000_0000.. => with_marker(0xCF, i.to_be_bytes(), out),
        -0x80..=-33 => out.extend_from_slice(&[0xD0, i as u8]),
        -0x8000..=-0x81 => with_marker(0xD1, (i as i16).to_be_bytes(), out),
        -0x8000_0000..=-0x8001 => with_marker(0xD2, (i as i32).to_be_bytes(), out),
        _ => with_marker(0xD3, i.to_be_bytes(), out),
    }
}

/// Appends a float, of 64 bits.
///
/// ```
/// let mut packed = Vec::new();
/// petrel_packed::pack_float(0.0, &mut packed);
/// assert_eq!(packed, [0xCB, 0, 0, 0, 0, 0, 0, 0, 0]);
/// ```
#[inline]
pub fn pack_float(f: f64, out: &mut Vec<u8>) {
    with_marker(0xCB, f.to_be_bytes(), out);
}

/// Appends a boolean.
///
/// ```
/// let mut packed = Vec::new();
/// petrel_packed::pack_bool(true, &mut packed);
/// assert_eq!(packed, [0xC3]);
/// ```
#[inline]
pub fn pack_bool(b: bool, out: &mut Vec<u8>) {
    out.push(if b { 0xC3 } else { 0xC2 });
}

/// Appends nil.
///
/// ```
/// let mut packed = Vec::new();
/// petrel_packed::pack_nil(&mut packed);
/// assert_eq!(packed, [0xC0]);
/// ```
#[inline]
pub fn pack_nil(out: &mut Vec<u8>) {
    out.push(0xC0);
}

#[inline]
fn with_marker<const N: usize>(marker: u8, bytes: [u8; N], out: &mut Vec<u8>) {
    out.push(marker);
    out.extend_from_slice(&bytes);
}

/// Appends a string or blob behind its particle type: strings and GeoJSON with the `str`
/// sizes, everything else with the `bin` sizes, as the official clients write them.
///
/// ```
/// use petrel_packed::{ParticleType, pack_bytes};
///
/// let mut packed = Vec::new();
/// pack_bytes(ParticleType::STRING, b"ab", &mut packed);
/// pack_bytes(ParticleType::BLOB, b"ab", &mut packed);
/// assert_eq!(packed, [0xA3, 3, b'a', b'b', 0xC4, 3, 4, b'a', b'b']);
/// ```
#[inline]
pub fn pack_bytes(kind: ParticleType, bytes: &[u8], out: &mut Vec<u8>) {
    let n = u32::try_from(bytes.len())
        .unwrap_or(u32::MAX)
        .saturating_add(1);
    let text = kind == ParticleType::STRING || kind == ParticleType::GEOJSON;
    match n {
        0..=31 if text => out.push(0xA0 | n as u8),
        0..=0xFF => out.extend_from_slice(&[if text { 0xD9 } else { 0xC4 }, n as u8]),
        0x100..=0xFFFF => {
            let marker = if text { 0xDA } else { 0xC5 };
            with_marker(marker, (n as u16).to_be_bytes(), out);
        }
        _ => with_marker(if text { 0xDB } else { 0xC6 }, n.to_be_bytes(), out),
    }
    out.push(kind.0);
    out.extend_from_slice(bytes);
}

/// Appends the header of a list of `n` elements.
///
/// ```
/// let mut packed = Vec::new();
/// petrel_packed::pack_list_len(16, &mut packed);
/// assert_eq!(packed, [0xDC, 0, 16]);
/// ```
#[inline]
pub fn pack_list_len(n: u32, out: &mut Vec<u8>) {
    match n {
        0..=15 => out.push(0x90 | n as u8),
        16..=0xFFFF => with_marker(0xDC, (n as u16).to_be_bytes(), out),
        _ => with_marker(0xDD, n.to_be_bytes(), out),
    }
}

/// Appends the header of a map of `n` pairs, the pair of its order flag included.
///
/// ```
/// let mut packed = Vec::new();
/// petrel_packed::pack_map_len(2, &mut packed);
/// assert_eq!(packed, [0x82]);
/// ```
#[inline]
pub fn pack_map_len(n: u32, out: &mut Vec<u8>) {
    match n {
        0..=15 => out.push(0x80 | n as u8),
        16..=0xFFFF => with_marker(0xDE, (n as u16).to_be_bytes(), out),
        _ => with_marker(0xDF, n.to_be_bytes(), out),
    }
}

/// Appends the header of a key-ordered map of `n` entries, which follow in that order.
///
/// ```
/// let mut packed = Vec::new();
/// petrel_packed::pack_map_head(1, &mut packed);
/// assert_eq!(packed, [0x82, 0xC7, 0, 1, 0xC0]);
/// ```
#[inline]
pub fn pack_map_head(n: u32, out: &mut Vec<u8>) {
    pack_map_len(n.saturating_add(1), out);
    out.extend_from_slice(&KEY_ORDERED);
}

/// Appends a key-ordered map of `entries`, each a key and a packed value. Sorts them, and of
/// several with one key writes the last.
///
/// ```
/// use petrel_packed::{Element, Reader, pack_sorted_map};
///
/// let mut packed = Vec::new();
/// let mut entries = [(Element::Int(2), &[7][..]), (Element::Int(1), &[8])];
/// pack_sorted_map(&mut entries, &mut packed);
/// assert_eq!(packed[5..], [1, 8, 2, 7]);
/// ```
pub fn pack_sorted_map<'a>(entries: &mut [(Element<'a>, &'a [u8])], out: &mut Vec<u8>) {
    sort(entries);
    let repeats = |a: &Entry<'a>, b: &Entry<'a>| a.0.compare(&b.0).is_eq();
    let repeated = entries
        .windows(2)
        .filter(|pair| repeats(&pair[0], &pair[1]));
    let repeated = repeated.count();
    pack_map_head((entries.len() - repeated) as u32, out);
    let mut rest = entries.iter().peekable();
    while let Some(entry) = rest.next() {
        if repeated > 0 && rest.peek().is_some_and(|next| repeats(entry, next)) {
            continue;
        }
        entry.0.pack(out);
        out.extend_from_slice(entry.1);
    }
}
