//! Bins and heads: what was written reads back, and no bytes make a reader panic.

use petrel_packed::{
    BinHead, Bins, Cut, Fields, OutcomeHead, OutcomesHead, Particle, ParticleType, RecordHead,
    RecordsHead, geo_particle, geo_text, pack_bin, pack_name,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Whether a head could be read.
type Read = fn(&mut Fields<'_>) -> bool;

proptest! {
    #[test]
    fn bins_read_back_in_their_order(
        bins in vec((vec(any::<u8>(), 1..15), any::<u8>(), vec(any::<u8>(), 0..300)), 0..8),
    ) {
        let mut packed = Vec::new();
        for (name, kind, data) in &bins {
            pack_bin(name, Particle::new(ParticleType(*kind), data), &mut packed);
        }
        let mut read = Bins::new(&packed);
        for (name, kind, data) in &bins {
            let particle = Particle::new(ParticleType(*kind), data);
            prop_assert_eq!(read.next(), Some((&name[..], particle)));
        }
        prop_assert_eq!(read.next(), None);
        prop_assert!(read.rest().is_empty());
    }

    #[test]
    fn bins_that_are_cut_off_end_before_the_cut(data in vec(any::<u8>(), 0..40), cut in 1..48usize) {
        let mut packed = Vec::new();
        pack_bin(b"a", Particle::new(ParticleType::BLOB, &data), &mut packed);
        let whole = packed.len();
        pack_bin(b"b", Particle::new(ParticleType::BLOB, &data), &mut packed);
        let mut bins = Bins::new(&packed[..packed.len() - cut.min(whole)]);
        let rest = bins.rest().len();
        let read = bins.by_ref().count();
        prop_assert_eq!((read, rest - bins.rest().len()), (1, whole));
    }

    #[test]
    fn no_bytes_make_the_layout_panic(bytes in vec(any::<u8>(), 0..100)) {
        let read: usize = Bins::new(&bytes).map(|(n, p)| BinHead::SIZE + n.len() + p.data.len()).sum();
        prop_assert!(read <= bytes.len());
        let ends: [(usize, Read); 5] = [
            (BinHead::SIZE, |f| BinHead::read(f).is_ok()),
            (RecordsHead::SIZE, |f| RecordsHead::read(f).is_ok()),
            (RecordHead::SIZE, |f| RecordHead::read(f).is_ok()),
            (OutcomesHead::SIZE, |f| OutcomesHead::read(f).is_ok()),
            (OutcomeHead::SIZE, |f| OutcomeHead::read(f).is_ok()),
        ];
        for (size, end) in ends {
            let mut fields = Fields::new(&bytes);
            let fits = bytes.len() >= size;
            prop_assert_eq!(end(&mut fields), fits);
            prop_assert_eq!(bytes.len() - fields.rest().len(), if fits { size } else { 0 });
        }
        let cells = bytes.get(1..3).map_or(0, |n| usize::from(n[0]) << 8 | usize::from(n[1]));
        prop_assert_eq!(geo_text(&bytes).len(), bytes.len().saturating_sub(3 + cells * 8));
    }

    #[test]
    fn a_records_head_reads_back(
        digest in any::<[u8; 20]>(),
        numbers in any::<(u32, u16, u16, u32, u64, u8, u8, u32)>(),
    ) {
        let (len, set, generation, void_time, last_update, flags, kind, key_len) = numbers;
        let key_kind = ParticleType(kind);
        let head = RecordHead {
            len, digest, set, generation, void_time, last_update, flags, key_kind, key_len,
        };
        prop_assert_eq!(RecordHead::read(&mut Fields::new(&head.to_bytes())), Ok(head));
    }

    #[test]
    fn the_other_heads_read_back(numbers in any::<(u8, u16, u32, u32)>()) {
        let (version, sets, count, now) = numbers;
        let records = RecordsHead { version, sets, count, now };
        prop_assert_eq!(RecordsHead::read(&mut Fields::new(&records.to_bytes())), Ok(records));
        let outcomes = OutcomesHead { version, count };
        prop_assert_eq!(OutcomesHead::read(&mut Fields::new(&outcomes.to_bytes())), Ok(outcomes));
        let kind = ParticleType(sets as u8);
        let outcome = OutcomeHead { status: version, kind, effects: count, result: now };
        prop_assert_eq!(OutcomeHead::read(&mut Fields::new(&outcome.to_bytes())), Ok(outcome));
    }

    #[test]
    fn a_name_reads_back_up_to_255_bytes(name in vec(any::<u8>(), 0..300)) {
        let mut packed = Vec::new();
        pack_name(&name, &mut packed);
        let mut fields = Fields::new(&packed);
        prop_assert_eq!(fields.name(), Ok(&name[..name.len().min(255)]));
        prop_assert_eq!(fields.u8(), Err(Cut));
    }

    #[test]
    fn short_integers_are_big_endian(i in 0..=i64::MAX, n in 1..8usize) {
        let i = i & ((1 << (8 * n)) - 1);
        let bytes = i.to_be_bytes();
        let particle = Particle::new(ParticleType::INTEGER, &bytes[8 - n..]);
        prop_assert_eq!(particle.as_int(), Some(i));
    }

    #[test]
    fn geojson_text_reads_back(text in vec(any::<u8>(), 0..40)) {
        let mut particle = Vec::new();
        geo_particle(&text, &mut particle);
        prop_assert_eq!(geo_text(&particle), &text[..]);
    }
}

#[test]
fn the_layout_is_the_contracts() {
    let head = RecordHead {
        len: 0x0403_0201,
        digest: [0xDD; 20],
        set: 0x0605,
        generation: 0x0807,
        void_time: 0x0C0B_0A09,
        last_update: 0x1413_1211_100F_0E0D,
        flags: 0x15,
        key_kind: ParticleType(0x16),
        key_len: 0x1A19_1817,
    };
    let expected: Vec<u8> = (1..=4).chain([0xDD; 20]).chain(5..=0x1A).collect();
    assert_eq!(head.to_bytes(), expected[..]);

    let records = RecordsHead {
        version: 1,
        sets: 0x0403,
        count: 0x0807_0605,
        now: 0x0C0B_0A09,
    };
    assert_eq!(records.to_bytes(), [1, 0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);

    let outcomes = OutcomesHead {
        version: 1,
        count: 0x0807_0605,
    };
    assert_eq!(outcomes.to_bytes(), [1, 0, 0, 0, 5, 6, 7, 8]);

    let kind = ParticleType(2);
    let outcome = OutcomeHead {
        status: 1,
        kind,
        effects: 0x0807_0605,
        result: 0x0C0B_0A09,
    };
    assert_eq!(outcome.to_bytes(), [1, 2, 0, 0, 5, 6, 7, 8, 9, 10, 11, 12]);

    let bin = BinHead {
        name: 1,
        kind,
        data: 0x0605_0403,
    };
    assert_eq!(bin.to_bytes(), [1, 2, 3, 4, 5, 6]);
}
