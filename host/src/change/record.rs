//! A record being changed, by a function or by operations: the one meaning of record effects.

use std::mem;

use smallvec::SmallVec;

use super::{Effects, Scope};
use crate::model::{
    BinName, Body, BodyBuilder, Digest, Error, MAX_TTL, Meta, Particle, Record, Result, ResultCode,
    Ttl, Value,
};

/// The most bins that an invocation should be let change: twice as many as a record of the protocol
/// was ever seen to have. Finding one among them costs a look at each.
pub const MAX_CHANGES: usize = 1024;

type Changes = SmallVec<[(BinName, Value); 2]>;

/// One record in one invocation: what was read, and what the function did to it so far.
///
/// Setting a bin is seen by the same invocation at once, and stored only when `create` or
/// `update` follows, and only when the invocation succeeds as a whole. A record that is removed
/// is there without bins for the rest of the invocation, as the protocol's functions know it: what is set
/// then and stored by an `update` is all that it has.
#[derive(Clone, Debug)]
pub struct RecordContext {
    digest: Digest,
    set: u16,
    user_key: Option<Value>,
    base: Option<Record>,
    exists: bool,
    /// The bins of `base` no longer count: the record was removed, or is replaced.
    cleared: bool,
    dirty: bool,
    saved: Changes,
    pending: Changes,
    ttl: Option<Ttl>,
    call_ttl: Ttl,
    drops_key: bool,
    failed: Option<ResultCode>,
}

impl RecordContext {
    /// A context over what was read. `user_key` is the key of the call, stored when the
    /// record is created.
    pub fn new(digest: Digest, set: u16, user_key: Option<Value>, base: Option<Record>) -> Self {
        Self {
            digest,
            set,
            user_key,
            exists: base.is_some(),
            base,
            cleared: false,
            dirty: false,
            saved: Changes::new(),
            pending: Changes::new(),
            ttl: None,
            call_ttl: Ttl::Default,
            drops_key: false,
            failed: None,
        }
    }

    /// The expiry that a write gives the record unless the invocation sets its own.
    pub fn expiring(self, ttl: Ttl) -> Self {
        Self {
            call_ttl: ttl,
            ..self
        }
    }

    /// Makes it the context of another stored record, in place: a context is large to move.
    pub fn replace(&mut self, digest: Digest, set: u16, record: Record) {
        (self.digest, self.set, self.base) = (digest, set, Some(record));
        self.user_key = None;
        self.reset();
    }

    /// Lets go of the record that was read.
    pub fn release(&mut self) {
        self.base = None;
        self.reset();
    }

    /// Forgets what the function did, so that it can be run again.
    pub fn reset(&mut self) {
        self.exists = self.base.is_some();
        self.cleared = false;
        self.dirty = false;
        self.saved.clear();
        self.pending.clear();
        self.ttl = None;
        self.drops_key = false;
        self.failed = None;
    }

    /// The digest.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The set id; the scope knows its name.
    pub fn set(&self) -> u16 {
        self.set
    }

    /// The user key that the record stores, unless the invocation dropped it.
    pub fn user_key(&self) -> Option<Particle<'_>> {
        let base = self.base.as_ref().filter(|_| !self.drops_key);
        base.and_then(|r| r.body.user_key())
    }

    /// The user key that the caller gave, unless the invocation dropped it.
    pub fn caller_key(&self) -> Option<&Value> {
        self.user_key.as_ref().filter(|_| !self.drops_key)
    }

    /// Has the record stored without its user key; nothing when there is no record.
    pub fn drop_key(&mut self) {
        self.drops_key |= self.exists;
    }

    /// The record as it was read, untouched by the invocation.
    pub fn base(&self) -> Option<&Record> {
        self.base.as_ref()
    }

    /// Whether the record exists, as the invocation sees it now.
    pub fn exists(&self) -> bool {
        self.exists
    }

    /// Whether the invocation has done nothing to the record that a success would store.
    #[inline]
    pub fn is_untouched(&self) -> bool {
        !self.dirty && self.failed.is_none()
    }

    /// The metadata as read; zeros for a missing record.
    pub fn meta(&self) -> Meta {
        self.base.as_ref().map(|r| r.meta).unwrap_or_default()
    }

    /// Seconds until expiry as read: 0 when the record never expires, is missing, or ends in this second.
    pub fn ttl(&self, scope: &Scope) -> u32 {
        self.meta().void_time.saturating_sub(scope.now)
    }

    /// A bin that the invocation set (`Some(Nil)` when it removed it), or `None` when it is
    /// as read; see [`RecordContext::stored_bin`].
    pub fn changed_bin(&self, name: &[u8]) -> Option<&Value> {
        let find = |changes: &'_ Changes| changes.iter().position(|(n, _)| n.as_bytes() == name);
        if let Some(i) = find(&self.pending) {
            return Some(&self.pending[i].1);
        }
        find(&self.saved).map(|i| &self.saved[i].1)
    }

    /// A bin as the invocation sees it; `None` when it is not there.
    pub fn bin(&self, name: &[u8]) -> Option<Value> {
        match self.changed_bin(name) {
            Some(Value::Nil) => None,
            Some(value) => Some(value.clone()),
            None => Value::try_from(self.stored_bin(name)?).ok(),
        }
    }

    /// A bin as it was read, not yet looked into.
    pub fn stored_bin(&self, name: &[u8]) -> Option<Particle<'_>> {
        if self.cleared {
            return None;
        }
        self.base.as_ref().and_then(|r| r.body.bin(name))
    }

    /// The names of the bins as the invocation sees them: stored ones in order, then new ones.
    pub fn bin_names(&self) -> Vec<&[u8]> {
        self.names(self.saved.iter().chain(&self.pending))
    }

    /// The names of the bins that a success would leave: those that were stored and those that
    /// `create` and `update` have stored.
    pub fn saved_names(&self) -> Vec<&[u8]> {
        self.names(self.saved.iter())
    }

    fn names<'a>(&'a self, changes: impl Iterator<Item = &'a (BinName, Value)>) -> Vec<&'a [u8]> {
        let mut names: Vec<&[u8]> = Vec::new();
        if let (Some(base), false) = (&self.base, self.cleared) {
            names.extend(base.body.bins().map(|(n, _)| n));
        }
        for (name, value) in changes {
            let name = name.as_bytes();
            match (value, names.iter().position(|n| *n == name)) {
                (Value::Nil, Some(at)) => {
                    names.remove(at);
                }
                (Value::Nil, None) | (_, Some(_)) => {}
                (_, None) => names.push(name),
            }
        }
        names
    }

    /// Sets a bin for the rest of the invocation; [`Value::Nil`] removes it.
    #[inline]
    pub fn set_bin(&mut self, name: BinName, value: Value) {
        match self.pending.iter_mut().find(|(n, _)| *n == name) {
            Some((_, slot)) => *slot = value,
            None => self.pending.push((name, value)),
        }
    }

    /// How many bins were set or removed so far.
    pub fn changes(&self) -> usize {
        self.saved.len() + self.pending.len()
    }

    /// Sets the expiry that a write gives the record, in place of the call's.
    pub fn set_ttl(&mut self, ttl: Ttl) {
        self.ttl = Some(ttl);
    }

    /// Whether [`RecordContext::create`] would: there is no record, or one without bins.
    pub fn can_create(&self) -> bool {
        !self.exists || self.saved_names().is_empty()
    }

    /// Creates the record with the bins set so far. Returns 0, or 1 when it exists already, with bins.
    pub fn create(&mut self) -> i64 {
        if !self.can_create() {
            return 1;
        }
        self.exists = true;
        self.save();
        0
    }

    /// Stores the bins set so far. Returns 0, or -2 when there is no record.
    pub fn update(&mut self) -> i64 {
        if !self.exists {
            return -2;
        }
        self.save();
        0
    }

    /// Takes the bins away, and what was set but not stored. Returns 0, or 1 when there is no record.
    pub fn remove(&mut self) -> i64 {
        if !self.exists {
            return 1;
        }
        self.clear_bins();
        self.save();
        0
    }

    /// Undoes all changes: a success fails with `code` unless something is stored after this.
    pub fn fail(&mut self, code: ResultCode) {
        self.clear_bins();
        self.cleared = false;
        self.dirty = false;
        self.failed = Some(code);
    }

    /// Drops every bin, as a replacing write does before it sets its own.
    pub fn clear_bins(&mut self) {
        self.cleared = true;
        self.saved.clear();
        self.pending.clear();
    }

    fn save(&mut self) {
        self.dirty = true;
        self.failed = None;
        if self.saved.is_empty() {
            return mem::swap(&mut self.saved, &mut self.pending);
        }
        for (name, value) in self.pending.drain(..) {
            match self.saved.iter_mut().find(|(n, _)| *n == name) {
                Some((_, slot)) => *slot = value,
                None => self.saved.push((name, value)),
            }
        }
    }

    /// What a success does to the record. `now_millis` becomes its last update; a record left without
    /// bins is removed, as the protocol has it.
    ///
    /// # Errors
    /// [`ResultCode::NotFound`] for a new record without bins, [`ResultCode::ParameterError`] for an expiry
    /// further away than [`MAX_TTL`], and what [`RecordContext::fail`] was given.
    pub fn effects(
        &self,
        scope: &Scope,
        now_millis: u64,
        builder: &mut BodyBuilder,
        scratch: &mut Vec<u8>,
    ) -> Result<Effects> {
        if let Some(code) = self.failed {
            return Err(code.into());
        }
        if !self.dirty {
            return Ok(Effects::None);
        }
        let ttl = match self.ttl.unwrap_or(self.call_ttl) {
            Ttl::Keep if self.base.is_none() => Ttl::Default,
            Ttl::Seconds(secs) if secs > MAX_TTL => {
                return Err(Error::new(
                    ResultCode::ParameterError,
                    format!("a TTL of {secs} s is more than the limit of {MAX_TTL} s, ten years"),
                ));
            }
            ttl => ttl,
        };
        let kept = self.base.as_ref().filter(|_| !self.cleared);
        let body = self.build(kept.map(|r| &r.body), builder, scratch);
        let before = self.meta();
        let generation = match (&self.base, body.bin_bytes().is_empty()) {
            (None, true) => return Err(ResultCode::NotFound.into()),
            (Some(_), true) => return Ok(Effects::Remove),
            (Some(_), false) => before.generation.wrapping_add(1).max(1),
            (None, false) => 1,
        };
        Ok(Effects::Put(Record {
            meta: Meta {
                generation,
                set: self.set,
                void_time: ttl.void_time(scope.now, before.void_time, scope.default_ttl),
                last_update: now_millis,
            },
            body,
        }))
    }

    fn build(&self, kept: Option<&Body>, builder: &mut BodyBuilder, scratch: &mut Vec<u8>) -> Body {
        match (self.user_key(), self.caller_key()) {
            (Some(key), _) => builder.start(Some(key)),
            (None, Some(key)) => {
                scratch.clear();
                key.write_particle(scratch);
                builder.start(Some(Particle::new(key.kind(), scratch)));
            }
            (None, None) => builder.start(None),
        }
        let mut put = |builder: &mut BodyBuilder, name: &[u8], value: &Value| {
            if *value != Value::Nil {
                scratch.clear();
                value.write_particle(scratch);
                builder.bin(name, Particle::new(value.kind(), scratch));
            }
        };
        let mut done: SmallVec<[bool; 8]> = SmallVec::from_elem(false, self.saved.len());
        for (name, particle) in kept.into_iter().flat_map(Body::bins) {
            match self.saved.iter().position(|(n, _)| n.as_bytes() == name) {
                Some(i) => {
                    done[i] = true;
                    put(builder, name, &self.saved[i].1);
                }
                None => builder.bin(name, particle),
            }
        }
        for (i, (name, value)) in self.saved.iter().enumerate() {
            if !done[i] {
                put(builder, name.as_bytes(), value);
            }
        }
        builder.finish()
    }
}
