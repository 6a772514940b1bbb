//! The packed forms that petrel's host and its guests share.
//!
//! - Lists and maps are MessagePack as Aerospike packs it: [`Reader`] reads them in place,
//!   [`Element`] is one value of theirs, and the `pack_*` functions write them.
//! - Bins are one layout in a stored record and in one that crosses into Wasm: [`Bins`].
//! - Records on their way into a component and outcomes on their way out begin with the heads
//!   of [`RecordsHead`], [`RecordHead`], [`OutcomesHead`] and [`OutcomeHead`]. Their layout is
//!   told in `wit/petrel-udf.wit`.
//!
//! Nothing here panics, whatever the bytes are, and nothing nests deeper than [`MAX_DEPTH`].
//!
//! ```
//! use petrel_packed::{Element, Reader, pack_int, pack_list_len};
//!
//! let mut packed = Vec::new();
//! pack_list_len(2, &mut packed);
//! pack_int(7, &mut packed);
//! pack_int(-300, &mut packed);
//!
//! let mut reader = Reader::new(&packed);
//! assert_eq!(reader.list(), Ok(2));
//! assert_eq!(reader.int(), Ok(7));
//! assert_eq!(reader.element(), Ok(Element::Int(-300)));
//! assert!(reader.is_empty());
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod bins;
mod compare;
mod element;
mod fields;
mod heads;
mod limits;
mod particle;
mod reader;
mod write;

pub use bins::{BinHead, Bins, pack_bin};
pub use element::Element;
pub use fields::{Cut, Fields, pack_name};
pub use heads::{
    OutcomeHead, OutcomesHead, RecordHead, RecordsHead, STUB, VERSION, effect, flag, status,
};
pub use limits::{MAX_BIN_NAME, MAX_DEPTH};
pub use particle::{Particle, ParticleType, geo_particle, geo_text};
pub use reader::{DecodeError, Item, Reader};
pub use write::{
    KEY_ORDERED, pack_bool, pack_bytes, pack_float, pack_int, pack_list_len, pack_map_head,
    pack_map_len, pack_nil, pack_sorted_map,
};
