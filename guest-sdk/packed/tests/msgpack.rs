//! Lists and maps: what was written reads back, and no bytes make a reader panic.

use std::cmp::Ordering;

use petrel_packed::{
    Element, KEY_ORDERED, ParticleType, Reader, pack_list_len, pack_map_len, pack_sorted_map,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// A value of its own, to compare what was read with.
#[derive(Clone, Debug)]
enum Tree {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Bytes(ParticleType, Vec<u8>),
    List(Vec<Tree>),
    /// Unordered.
    Map(Vec<(Tree, Tree)>),
}

impl Tree {
    fn pack(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nil => Element::Nil.pack(out),
            Self::Bool(b) => Element::Bool(*b).pack(out),
            Self::Int(i) => Element::Int(*i).pack(out),
            Self::Float(f) => Element::Float(*f).pack(out),
            Self::Bytes(kind, b) => Element::Bytes(*kind, b).pack(out),
            Self::List(items) => {
                pack_list_len(items.len() as u32, out);
                items.iter().for_each(|item| item.pack(out));
            }
            Self::Map(entries) => {
                pack_map_len(entries.len() as u32, out);
                for (key, value) in entries {
                    key.pack(out);
                    value.pack(out);
                }
            }
        }
    }

    fn packed(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.pack(&mut out);
        out
    }

    fn of(element: Element<'_>) -> Self {
        match element {
            Element::Nil => Self::Nil,
            Element::Bool(b) => Self::Bool(b),
            Element::Int(i) => Self::Int(i),
            Element::Float(f) => Self::Float(f),
            Element::Bytes(kind, b) => Self::Bytes(kind, b.to_vec()),
            Element::List(packed) => {
                let mut reader = Reader::new(packed);
                let n = reader.list().unwrap();
                Self::List((0..n).map(|_| Self::next(&mut reader)).collect())
            }
            Element::Map(packed) => {
                let mut reader = Reader::new(packed);
                let n = reader.map().unwrap();
                let mut next = || Self::next(&mut reader);
                Self::Map((0..n).map(|_| (next(), next())).collect())
            }
        }
    }

    fn next(reader: &mut Reader<'_>) -> Self {
        Self::of(reader.element().unwrap())
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Nil => 1,
            Self::Bool(_) => 2,
            Self::Int(_) => 3,
            Self::Bytes(ParticleType::STRING, _) => 4,
            Self::List(_) => 5,
            Self::Map(_) => 6,
            Self::Bytes(ParticleType::GEOJSON, _) => 9,
            Self::Bytes(..) => 7,
            Self::Float(_) => 8,
        }
    }

    /// The protocol's order, as plainly as it can be said.
    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            (Self::Bytes(_, a), Self::Bytes(_, b)) if self.rank() == other.rank() => a.cmp(b),
            (Self::List(a), Self::List(b)) => {
                let orders = a.iter().zip(b).map(|(a, b)| a.order(b));
                orders
                    .fold(Ordering::Equal, Ordering::then)
                    .then(a.len().cmp(&b.len()))
            }
            (Self::Map(a), Self::Map(b)) => {
                let sorted = |entries: &[(Self, Self)]| {
                    let mut entries = entries.to_vec();
                    entries.sort_by(|a, b| a.0.order(&b.0));
                    entries
                };
                let (a, b) = (sorted(a), sorted(b));
                let orders = a
                    .iter()
                    .zip(&b)
                    .map(|(a, b)| a.0.order(&b.0).then(a.1.order(&b.1)));
                let by_entry = orders.fold(Ordering::Equal, Ordering::then);
                a.len().cmp(&b.len()).then(by_entry)
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

fn scalar() -> impl Strategy<Value = Tree> {
    let kind = prop_oneof![
        Just(ParticleType::STRING),
        Just(ParticleType::BLOB),
        Just(ParticleType::HLL),
        Just(ParticleType::GEOJSON),
    ];
    prop_oneof![
        Just(Tree::Nil),
        any::<bool>().prop_map(Tree::Bool),
        prop_oneof![-3..3i64, any::<i64>(), (0..64u32).prop_map(|n| 1 << n)].prop_map(Tree::Int),
        any::<f64>().prop_map(Tree::Float),
        (
            kind,
            prop_oneof![vec(0..3u8, 0..4), vec(any::<u8>(), 0..300)]
        )
            .prop_map(|(kind, b)| Tree::Bytes(kind, b)),
    ]
}

fn tree() -> impl Strategy<Value = Tree> {
    scalar().prop_recursive(4, 64, 20, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..20).prop_map(Tree::List),
            vec((inner.clone(), inner), 0..20).prop_map(Tree::Map),
        ]
    })
}

/// Bytes that are often almost well-formed.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let near = (tree(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(tree, at, byte)| {
        let mut packed = tree.packed();
        let at = at.index(packed.len());
        packed[at] = byte;
        packed
    });
    let cut = (tree(), any::<prop::sample::Index>()).prop_map(|(tree, at)| {
        let mut packed = tree.packed();
        packed.truncate(at.index(packed.len()));
        packed
    });
    prop_oneof![vec(any::<u8>(), 0..64), near, cut]
}

proptest! {
    #[test]
    fn what_was_packed_reads_back(tree in tree()) {
        let packed = tree.packed();
        let mut reader = Reader::new(&packed);
        // Debug tells NaNs and zeros apart as little as anybody needs.
        prop_assert_eq!(format!("{:?}", Tree::next(&mut reader)), format!("{tree:?}"));
        prop_assert!(reader.is_empty());
        prop_assert_eq!(Reader::new(&packed).skip(), Ok(&packed[..]));
    }

    #[test]
    fn an_integer_takes_the_shortest_form_and_reads_back(i in any::<i64>(), shift in 0..64u32) {
        let i = i >> shift;
        let packed = Tree::Int(i).packed();
        prop_assert_eq!(Reader::new(&packed).int(), Ok(i));
        let longest = match i {
            -0x20..=0x7F => 1,
            -0x80..=0xFF => 2,
            -0x8000..=0xFFFF => 3,
            -0x8000_0000..=0xFFFF_FFFF => 5,
            _ => 9,
        };
        prop_assert_eq!(packed.len(), longest);
    }

    #[test]
    fn the_order_is_the_protocols(a in tree(), b in tree()) {
        let (a_packed, b_packed) = (a.packed(), b.packed());
        let element = |packed| Reader::new(packed).element().unwrap();
        let order = element(&a_packed).compare(&element(&b_packed));
        prop_assert_eq!(order, a.order(&b));
    }

    #[test]
    fn the_order_is_total_whatever_the_bytes(bytes in vec(bytes(), 3), map in any::<bool>()) {
        let element = |b| if map { Element::Map(b) } else { Element::List(b) };
        let mut elements: Vec<_> = bytes.iter().map(|b| element(b)).collect();
        elements.sort_by(Element::compare);
        for (i, a) in elements.iter().enumerate() {
            for b in &elements[i..] {
                prop_assert!(a.compare(b).is_le(), "{:?} {:?}", a, b);
                prop_assert!(b.compare(a).is_ge(), "{:?} {:?}", b, a);
            }
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in bytes()) {
        let reader = Reader::new(&bytes);
        let ends: [fn(&mut Reader<'_>) -> bool; 7] = [
            |r| r.item().is_ok(),
            |r| r.skip().is_ok(),
            |r| r.element().is_ok(),
            |r| r.int().is_ok(),
            |r| r.list().is_ok(),
            |r| r.map().is_ok(),
            |r| r.raw_bytes().is_ok(),
        ];
        for end in ends {
            let mut reader = reader.clone();
            // Each success takes a byte or more.
            let steps = (0..=bytes.len()).take_while(|_| end(&mut reader)).count();
            prop_assert!(steps <= bytes.len());
            prop_assert!(reader.position() <= bytes.len());
        }
    }

    #[test]
    fn what_is_skipped_is_what_is_read(bytes in bytes()) {
        let (mut skipped, mut read) = (Reader::new(&bytes), Reader::new(&bytes));
        let element = read.element();
        prop_assert_eq!(skipped.skip().is_ok(), element.is_ok());
        if let Ok(element) = element {
            prop_assert_eq!(skipped.position(), read.position());
            // And all of it, whatever the depth.
            Tree::of(element);
        }
    }

    #[test]
    fn a_value_is_known_where_it_is(bytes in bytes(), wanted in scalar(), own in any::<bool>()) {
        let wanted = wanted.packed();
        let mut wanted = Reader::new(&wanted).element().unwrap();
        if let (true, Ok(element)) = (own, Reader::new(&bytes).element()) {
            wanted = element;
        }
        let (mut asked, mut read) = (Reader::new(&bytes), Reader::new(&bytes));
        let is = asked.next_is(&wanted);
        let element = read.element();
        prop_assert_eq!(is.is_ok(), element.is_ok());
        if let Ok(element) = element {
            prop_assert_eq!(is, Ok(element.compare(&wanted).is_eq()));
            prop_assert_eq!(asked.position(), read.position());
        }
    }

    #[test]
    fn a_sorted_map_has_each_key_once_in_order(entries in vec((scalar(), any::<i64>()), 0..40)) {
        let packed: Vec<_> = entries
            .iter()
            .map(|(key, value)| (key.packed(), Tree::Int(*value).packed()))
            .collect();
        let mut elements: Vec<_> = packed
            .iter()
            .map(|(key, value)| (Reader::new(key).element().unwrap(), &value[..]))
            .collect();
        let mut out = Vec::new();
        pack_sorted_map(&mut elements, &mut out);
        let mut reader = Reader::new(&out);
        let n = reader.map().unwrap();
        prop_assert!(out[..reader.position()].ends_with(&KEY_ORDERED));
        let mut last: Option<Element<'_>> = None;
        for _ in 0..n {
            let (key, value) = (reader.element().unwrap(), reader.int().unwrap());
            prop_assert!(last.is_none_or(|last| last.compare(&key).is_lt()));
            let given = entries.iter().rfind(|(k, _)| k.order(&Tree::of(key)).is_eq());
            prop_assert_eq!(given.map(|(_, v)| *v), Some(value));
            last = Some(key);
        }
        prop_assert!(reader.is_empty());
        let missing = |key: &Tree| {
            let mut reader = Reader::new(&out);
            let n = reader.map().unwrap();
            (0..n).all(|_| {
                let same = Tree::next(&mut reader).order(key).is_eq();
                reader.skip().unwrap();
                !same
            })
        };
        prop_assert!(!entries.iter().any(|(key, _)| missing(key)));
    }
}

#[test]
fn order_flags_are_passed() {
    // A list of flags and two elements; a map of flags and one pair.
    let list = [0x93, 0xC7, 0, 1, 1, 2];
    let map = [0x82, 0xC7, 0, 1, 0xC0, 1, 2];
    assert_eq!(Reader::new(&list).list(), Ok(2));
    assert_eq!(Reader::new(&map).map(), Ok(1));
}

#[test]
fn an_announced_length_beyond_the_input_is_refused() {
    for head in [
        [0xDD, 0xFF, 0xFF, 0xFF, 0xFF],
        [0xDF, 0xFF, 0xFF, 0xFF, 0xFF],
    ] {
        assert!(Reader::new(&head).item().is_err());
    }
}

#[test]
fn what_is_no_integer_is_left_unread() {
    let mut reader = Reader::new(&[0xC3, 7]);
    assert_eq!(reader.next_int(), None);
    assert_eq!(reader.int().map_err(|e| e.what), Err("expected an integer"));
    assert_eq!(reader.element(), Ok(Element::Bool(true)));
    assert_eq!(reader.next_int(), Some(7));
}

#[test]
fn an_integer_beyond_the_signed_range_wraps() {
    let packed = [0xCF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
    assert_eq!(Reader::new(&packed).int(), Ok(-1));
    assert_eq!(Reader::new(&packed).element(), Ok(Element::Int(-1)));
}
