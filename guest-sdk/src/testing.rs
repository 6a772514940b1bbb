//! Records made up by a native test.

use bumpalo::Bump;
use petrel_packed::{Fields, Particle, ParticleType, RecordHead, flag, pack_bin};

use crate::arguments::Signature;
use crate::record::Shared;
use crate::{Record, ToValue, kind};

/// That of a function which may read and set any bin.
static ANY: Signature = Signature {
    name: "test",
    doc: "",
    arguments: &[],
    returns: "()",
    bins: None,
    writes: None,
};

/// Puts a record together for a test; see [`Record::testing`].
///
/// What it builds lives to the end of the test process.
#[derive(Clone, Debug)]
pub struct TestRecord {
    set: &'static str,
    generation: u16,
    exists: bool,
    key: (u8, Vec<u8>),
    bins: Vec<u8>,
}

impl Record<'_> {
    /// Starts a record for a test: existing, of generation 1, without bins.
    ///
    /// ```
    /// let record = petrel_udf::Record::testing().set("users").bin("age", 40).build();
    /// assert_eq!(record.get_int("age").unwrap(), 40);
    /// ```
    pub fn testing() -> TestRecord {
        TestRecord {
            set: "",
            generation: 1,
            exists: true,
            key: (kind::NIL, Vec::new()),
            bins: Vec::new(),
        }
    }
}

impl TestRecord {
    /// Gives it a bin.
    #[must_use]
    pub fn bin(mut self, name: &str, value: impl ToValue) -> Self {
        let mut data = Vec::new();
        value.write_particle(&mut data);
        let particle = Particle::new(ParticleType(value.kind()), &data);
        pack_bin(name.as_bytes(), particle, &mut self.bins);
        self
    }

    /// Names its set.
    #[must_use]
    pub fn set(mut self, name: &'static str) -> Self {
        self.set = name;
        self
    }

    /// Gives it a user key.
    #[must_use]
    pub fn key(mut self, key: impl ToValue) -> Self {
        self.key.0 = key.kind();
        key.write_particle(&mut self.key.1);
        self
    }

    /// Makes it a record that does not exist.
    #[must_use]
    pub fn missing(mut self) -> Self {
        self.exists = false;
        self.generation = 0;
        self
    }

    /// The record.
    pub fn build(self) -> Record<'static> {
        let len = RecordHead::SIZE - size_of::<u32>() + self.key.1.len() + self.bins.len();
        let head = RecordHead {
            len: len as u32,
            digest: [0; 20],
            set: 0,
            generation: self.generation,
            void_time: 0,
            last_update: 0,
            flags: if self.exists { flag::EXISTS } else { 0 },
            key_kind: ParticleType(self.key.0),
            key_len: self.key.1.len() as u32,
        };
        let packed = [&head.to_bytes(), &self.key.1[..], &self.bins].concat();
        let shared = Shared {
            namespace: "test",
            sets: Vec::leak(vec![self.set]),
            now: 0,
            signature: &ANY,
            arena: Box::leak(Box::new(Bump::new())),
        };
        let mut record = Record::new(shared, Vec::new(), Vec::new());
        if let Err(e) = record.load(0, &mut Fields::new(Vec::leak(packed))) {
            unreachable!("a record packed here is well-formed: {e:?}");
        }
        record
    }
}
