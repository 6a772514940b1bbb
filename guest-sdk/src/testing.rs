//! Native tests: records made up, and what a function did to them.
//!
//! ```
//! use petrel_udf::testing::{self, Effect};
//! use petrel_udf::{Level, Record, Result, Ttl};
//!
//! fn login(record: &mut Record, now: i64) -> Result<()> {
//!     record.set("seen", now)?;
//!     record.remove_bin("failures")?;
//!     record.set_ttl(Ttl::Seconds(60));
//!     petrel_udf::info!("login at {now}");
//!     record.save()
//! }
//!
//! let mut record = Record::testing().bin("failures", 3).build();
//! login(&mut record, 77).unwrap();
//! assert_eq!(
//!     record.effects(),
//!     [
//!         Effect::set("seen", 77),
//!         Effect::set("failures", ()),
//!         Effect::Ttl(Ttl::Seconds(60)),
//!         Effect::Update,
//!     ]
//! );
//! assert_eq!(testing::log_lines(), [(Level::Info, "login at 77".to_owned())]);
//! ```

mod effect;

use bumpalo::Bump;
use petrel_packed::{Fields, Particle, ParticleType, RecordHead, flag, pack_bin};

use crate::arguments::Signature;
use crate::log::{self, Level};
use crate::record::Shared;
use crate::{Record, ToValue, kind};

pub use effect::Effect;

/// That of a function which may read and set any bin.
static ANY: Signature = Signature {
    name: "test",
    doc: "",
    arguments: &[],
    returns: "()",
    bins: None,
    writes: None,
};

/// Takes the lines that were logged on this thread since the last call.
pub fn log_lines() -> Vec<(Level, String)> {
    log::take()
}

/// Puts a record together for a test; see [`Record::testing`].
///
/// What it builds lives to the end of the test process.
///
/// ```
/// use petrel_udf::Record;
///
/// let record = Record::testing()
///     .set("users")
///     .key("ann")
///     .bin("age", 40)
///     .generation(7)
///     .ttl(3600)
///     .build();
/// assert_eq!((record.set_name(), record.generation()), ("users", 7));
/// assert_eq!(record.ttl(), Some(3600));
/// ```
#[derive(Clone, Debug)]
pub struct TestRecord {
    set: &'static str,
    generation: u16,
    ttl: Option<u32>,
    now: u32,
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
            ttl: None,
            now: 0,
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

    /// Says how often it was written.
    #[must_use]
    pub fn generation(mut self, generation: u16) -> Self {
        self.generation = generation;
        self
    }

    /// Lets it expire so many seconds after the call; without it, it never does.
    #[must_use]
    pub fn ttl(mut self, seconds: u32) -> Self {
        self.ttl = Some(seconds);
        self
    }

    /// The time of the call, in seconds since 2010-01-01 UTC.
    #[must_use]
    pub fn now(mut self, seconds: u32) -> Self {
        self.now = seconds;
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
            // 0 would be never.
            void_time: self
                .ttl
                .map_or(0, |ttl| self.now.saturating_add(ttl).max(1)),
            last_update: 0,
            flags: if self.exists { flag::EXISTS } else { 0 },
            key_kind: ParticleType(self.key.0),
            key_len: self.key.1.len() as u32,
        };
        let packed = [&head.to_bytes(), &self.key.1[..], &self.bins].concat();
        let shared = Shared {
            namespace: "test",
            sets: Vec::leak(vec![self.set]),
            now: self.now,
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
