//! The record that a function works on, as it is read.

use std::cell::RefCell;

use bumpalo::Bump;
use petrel_packed::{Bins, Fields, Particle, ParticleType, RecordHead, STUB, flag};

use crate::arguments::Signature;
use crate::error::cut;
use crate::{Error, FromValue, List, Map, Result, ValueRef, kind};

/// What all records of a batch share.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) sets: &'a [&'a str],
    pub(crate) now: u32,
    /// What the function says of itself: of bins that it names, it is handed no others.
    pub(crate) signature: &'static Signature,
    /// Holds what outlives a single look: fetched bins, bins set and read again.
    pub(crate) arena: &'a Bump,
}

/// A bin set by this invocation: where its effect lies in the effects.
pub(crate) struct Change {
    pub(crate) name: (usize, usize),
    pub(crate) kind: u8,
    pub(crate) data: (usize, usize),
    pub(crate) saved: bool,
}

/// The record of an invocation, existing or not.
///
/// Bins are read where they lie; what a read returns (`&str`, [`List`], [`Map`]) stays valid
/// while the record changes. A bin that was set is seen by later reads at once, and stored
/// by the [`create`](Self::create) or [`update`](Self::update) that follows.
///
/// ```
/// use petrel_udf::{Record, Ttl};
///
/// let mut record = Record::testing().set("users").key("ann").bin("name", "Ann").build();
/// assert_eq!((record.set_name(), record.get_str("name").unwrap()), ("users", "Ann"));
///
/// record.set("visits", 1).unwrap();
/// record.remove_bin("name").unwrap();
/// record.set_ttl(Ttl::Seconds(60));
/// record.update().unwrap();
/// assert_eq!(record.bin_names(), ["visits"]);
/// ```
pub struct Record<'a> {
    pub(crate) shared: Shared<'a>,
    index: u32,
    digest: [u8; 20],
    set: &'a str,
    generation: u16,
    void_time: u32,
    last_update: u64,
    key: ValueRef<'a>,
    bins: &'a [u8],
    pub(crate) exists: bool,
    pub(crate) cleared: bool,
    pub(crate) changes: Vec<Change>,
    fetched: RefCell<Vec<(u32, &'a [u8])>>,
    /// The batch's outcomes; the effects of this record grow at its end.
    pub(crate) out: Vec<u8>,
}

impl<'a> Record<'a> {
    pub(crate) fn new(shared: Shared<'a>, out: Vec<u8>, changes: Vec<Change>) -> Self {
        Self {
            shared,
            index: 0,
            digest: [0; 20],
            set: "",
            generation: 0,
            void_time: 0,
            last_update: 0,
            key: ValueRef::Nil,
            bins: &[],
            exists: false,
            cleared: false,
            changes,
            fetched: RefCell::default(),
            out,
        }
    }

    /// The outcomes, and what the next batch's record may use.
    pub(crate) fn into_buffers(self) -> (Vec<u8>, Vec<Change>) {
        (self.out, self.changes)
    }

    /// Takes the place of record number `index` of the batch, the next in `packed`.
    #[inline]
    pub(crate) fn load(&mut self, index: u32, packed: &mut Fields<'a>) -> Result<()> {
        let head = RecordHead::read(packed).map_err(cut)?;
        let rest = (head.len as usize).saturating_sub(RecordHead::SIZE - size_of::<u32>());
        let mut rest = Fields::new(packed.take(rest).map_err(cut)?);
        let key = rest.take(head.key_len as usize).map_err(cut)?;
        self.index = index;
        self.digest = head.digest;
        let set = self.shared.sets.get(usize::from(head.set));
        self.set = set.copied().unwrap_or_default();
        self.generation = head.generation;
        self.void_time = head.void_time;
        self.last_update = head.last_update;
        self.exists = head.flags & flag::EXISTS != 0;
        self.key = match head.key_kind {
            ParticleType::NULL => ValueRef::Nil,
            ParticleType(kind) => ValueRef::from_particle(kind, key)?,
        };
        self.bins = rest.rest();
        self.cleared = false;
        self.changes.clear();
        self.fetched.get_mut().clear();
        Ok(())
    }

    fn change(&self, name: &str) -> Option<&Change> {
        self.changes
            .iter()
            .rfind(|c| self.out.get(c.name.0..c.name.1) == Some(name.as_bytes()))
    }

    #[inline]
    fn stored(&self) -> Bins<'a> {
        Bins::new(if self.cleared { &[] } else { self.bins })
    }

    /// The value of a bin; nil when the record has no such bin.
    ///
    /// ```
    /// use petrel_udf::{Record, ValueRef};
    ///
    /// let record = Record::testing().bin("age", 40).build();
    /// assert_eq!(record.value("age").unwrap(), ValueRef::Int(40));
    /// assert_eq!(record.value("name").unwrap(), ValueRef::Nil);
    /// ```
    ///
    /// # Errors
    /// When the bin's bytes do not fit its type, and when the function names the bins that it
    /// reads and this is none of them.
    #[inline]
    pub fn value(&self, name: &str) -> Result<ValueRef<'a>> {
        if !self.changes.is_empty()
            && let Some(change) = self.change(name)
        {
            let data = self.out.get(change.data.0..change.data.1);
            let data = self.shared.arena.alloc_slice_copy(data.unwrap_or_default());
            return ValueRef::from_particle(change.kind, data);
        }
        for (at, (stored, particle)) in self.stored().enumerate() {
            if stored == name.as_bytes() {
                return self.particle(at as u32, particle);
            }
        }
        match self.shared.signature.bins {
            // It may well be there: nil would be wrong.
            Some(named) if !named.contains(&name) => Err(unnamed(name, "reads (`bins(..)`)")),
            _ => Ok(ValueRef::Nil),
        }
    }

    #[inline]
    fn particle(&self, at: u32, particle: Particle<'a>) -> Result<ValueRef<'a>> {
        let kind = particle.kind.0;
        if kind & STUB == 0 {
            return ValueRef::from_particle(kind, particle.data);
        }
        ValueRef::from_particle(kind & !STUB, self.fetch(at))
    }

    #[cold]
    fn fetch(&self, at: u32) -> &'a [u8] {
        let mut fetched = self.fetched.borrow_mut();
        if let Some((_, data)) = fetched.iter().find(|(n, _)| *n == at) {
            return data;
        }
        #[cfg(target_family = "wasm")]
        let data = crate::bindings::petrel::udf::host::fetch(self.index, at);
        // Only a host leaves particles out.
        #[cfg(not(target_family = "wasm"))]
        let data = Vec::new();
        let data = self.shared.arena.alloc_slice_copy(&data);
        fetched.push((at, data));
        data
    }

    /// A bin as a `T`: `i64`, `&str`, [`List`], `Option<…>`, … (see [`FromValue`]).
    ///
    /// ```
    /// use petrel_udf::{List, Record};
    ///
    /// let record = Record::testing().bin("age", 40).bin("tags", ["a", "b"]).build();
    /// assert_eq!(record.get::<i64>("age").unwrap(), 40);
    /// assert_eq!(record.get::<Option<f64>>("mean").unwrap(), None);
    /// assert_eq!(record.get::<List>("tags").unwrap().len(), 2);
    /// assert!(record.get::<&str>("age").unwrap_err().message().starts_with("bin age"));
    /// ```
    ///
    /// # Errors
    /// When the bin is missing and `T` is not an `Option`, or when it is of another type.
    #[inline]
    pub fn get<T: FromValue<'a>>(&self, name: &str) -> Result<T> {
        T::from_value(self.value(name)?).map_err(|e| e.within(format_args!("bin {name}")))
    }

    /// A bin as a `T`, or `default` when the record has no such bin.
    ///
    /// ```
    /// let record = petrel_udf::Record::testing().bin("visits", 2).build();
    /// assert_eq!(record.get_or("visits", 0i64).unwrap(), 2);
    /// assert_eq!(record.get_or("errors", 0i64).unwrap(), 0);
    /// ```
    ///
    /// # Errors
    /// When the bin is of another type.
    #[inline]
    pub fn get_or<T: FromValue<'a>>(&self, name: &str, default: T) -> Result<T> {
        Ok(self.get::<Option<T>>(name)?.unwrap_or(default))
    }

    /// An integer bin. See [`get`](Self::get).
    ///
    /// ```
    /// let record = petrel_udf::Record::testing().bin("age", 40).build();
    /// assert_eq!(record.get_int("age").unwrap(), 40);
    /// ```
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[inline]
    pub fn get_int(&self, name: &str) -> Result<i64> {
        self.get(name)
    }

    /// A string bin. See [`get`](Self::get).
    ///
    /// ```
    /// let record = petrel_udf::Record::testing().bin("name", "Ann").build();
    /// assert_eq!(record.get_str("name").unwrap(), "Ann");
    /// ```
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn get_str(&self, name: &str) -> Result<&'a str> {
        self.get(name)
    }

    /// A list bin, read in place.
    ///
    /// ```
    /// let record = petrel_udf::Record::testing().bin("scores", [3, 4]).build();
    /// assert_eq!(record.list("scores").unwrap().len(), 2);
    /// ```
    ///
    /// # Errors
    /// As [`get`](Self::get).
    #[inline]
    pub fn list(&self, name: &str) -> Result<List<'a>> {
        self.get(name)
    }

    /// A map bin, read in place.
    ///
    /// ```
    /// let stock = std::collections::HashMap::from([("tea", 30)]);
    /// let record = petrel_udf::Record::testing().bin("stock", &stock).build();
    /// assert_eq!(record.map("stock").unwrap().get("tea").unwrap(), Some(30));
    /// ```
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn map(&self, name: &str) -> Result<Map<'a>> {
        self.get(name)
    }

    /// Whether the record has the bin.
    ///
    /// ```
    /// let record = petrel_udf::Record::testing().bin("age", 40).build();
    /// assert!(record.has("age") && !record.has("name"));
    /// ```
    pub fn has(&self, name: &str) -> bool {
        match self.change(name) {
            Some(change) => change.kind != kind::NIL,
            None => self.stored().any(|(stored, _)| stored == name.as_bytes()),
        }
    }

    /// The names of the bins: stored ones in order, then new ones.
    ///
    /// ```
    /// let mut record = petrel_udf::Record::testing().bin("b", 1).build();
    /// record.set("a", 2).unwrap();
    /// assert_eq!(record.bin_names(), ["b", "a"]);
    /// ```
    pub fn bin_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .stored()
            .map(|(stored, _)| std::str::from_utf8(stored).unwrap_or_default())
            .collect();
        for change in &self.changes {
            let name = self.out.get(change.name.0..change.name.1);
            let name = std::str::from_utf8(name.unwrap_or_default()).unwrap_or_default();
            match (change.kind, names.iter().position(|n| *n == name)) {
                (kind::NIL, Some(at)) => {
                    names.remove(at);
                }
                (kind::NIL, None) | (_, Some(_)) => {}
                (_, None) => names.push(name),
            }
        }
        names
    }

    /// Whether the record exists, as the invocation sees it now.
    ///
    /// ```
    /// let mut record = petrel_udf::Record::testing().missing().build();
    /// assert!(!record.exists());
    /// record.create().unwrap();
    /// assert!(record.exists());
    /// ```
    pub fn exists(&self) -> bool {
        self.exists
    }

    /// Seconds until the record expires, as it was read; `None` when it never does.
    ///
    /// ```
    /// let record = petrel_udf::Record::testing().ttl(60).build();
    /// assert_eq!(record.ttl(), Some(60));
    /// ```
    pub fn ttl(&self) -> Option<u32> {
        (self.void_time > 0).then(|| self.void_time.saturating_sub(self.shared.now))
    }

    /// How often the record was written, as it was read; 0 when it does not exist.
    pub fn generation(&self) -> u16 {
        self.generation
    }

    /// The record's last write, in milliseconds since 2010-01-01 UTC.
    pub fn last_update(&self) -> u64 {
        self.last_update
    }

    /// The time of the call, in seconds since 2010-01-01 UTC.
    pub fn now(&self) -> u32 {
        self.shared.now
    }

    /// The user key: the stored one, else the one the caller gave, else nil.
    ///
    /// ```
    /// use petrel_udf::{Record, ValueRef};
    ///
    /// let record = Record::testing().key("ann").build();
    /// assert_eq!(record.key(), ValueRef::Str("ann"));
    /// ```
    pub fn key(&self) -> ValueRef<'a> {
        self.key
    }

    /// The record's digest.
    pub fn digest(&self) -> [u8; 20] {
        self.digest
    }

    /// The name of the record's set; empty for the null set.
    pub fn set_name(&self) -> &'a str {
        self.set
    }

    /// The name of the record's namespace.
    pub fn namespace(&self) -> &'a str {
        self.shared.namespace
    }
}

#[cold]
pub(crate) fn unnamed(bin: &str, does: &str) -> Error {
    Error::new(format!(
        "bin {bin} is not among those that the function says it {does}"
    ))
}
