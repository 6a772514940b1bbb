//! The one function that applies a request to a batch of records.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::operate::{self, Outcome};
use super::turns::Turns;
use super::{BinSelection, Namespace, Reply, ReplyBins, Request, UdfCall, Work};
use crate::expr::View;
use crate::model::{BodyBuilder, Digest, Error, Record, Result, ResultCode, Value, now_millis};
use crate::store::{Change, Expected, StoreError, Version, Versioned};
use crate::udf::{
    Call, Effects, Instance, RecordContext, Registered, Registry, Scope, UdfError, UdfErrorKind,
    UdfResult,
};

/// After so many lost commits a function takes the record's turn.
const LOSSES_BEFORE_TURN: usize = 8;
/// The largest record, in bytes of its packed body.
const MAX_RECORD: usize = 8 << 20;

/// One record of a batch.
pub struct Item {
    /// The record's digest.
    pub digest: Digest,
    /// Its set id.
    pub set: u16,
    /// The user key, where the caller sent it.
    pub user_key: Option<Value>,
    /// What a scan read already.
    pub known: Option<Versioned>,
}

/// What one worker keeps between batches: buffers, and an instance of each module it ran.
#[derive(Default)]
pub struct Worker {
    builder: BodyBuilder,
    scratch: Vec<u8>,
    contexts: Vec<RecordContext>,
    /// Of each context: its place in the batch, and the version it was read at.
    origins: Vec<(usize, Option<Version>)>,
    results: Vec<UdfResult>,
    instances: HashMap<usize, (Arc<Registered>, Box<dyn Instance>)>,
}

/// How many modules one worker keeps instances of.
const MAX_INSTANCES: usize = 32;

/// What a batch works against.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    /// Where the records live.
    pub namespace: &'a Namespace,
    /// Names and clock, one for the whole batch.
    pub scope: &'a Scope,
    /// The modules.
    pub registry: &'a Registry,
    /// Who has a record's turn.
    pub turns: &'a Arc<Turns>,
    /// Set when the task is aborted.
    pub cancelled: &'a AtomicBool,
}

/// The state of a record as a request finds it: expired ones count as missing, yet have a version.
struct Present {
    record: Option<Record>,
    version: Option<Version>,
}

impl Present {
    fn expected(&self) -> Expected {
        self.version.map_or(Expected::Absent, Expected::Version)
    }
}

impl Environment<'_> {
    fn read(&self, item: &mut Item) -> Result<Present> {
        let found = match item.known.take() {
            Some(known) => Some(known),
            None => self.namespace.store.read(&item.digest)?,
        };
        Ok(self.present(found))
    }

    fn present(&self, found: Option<Versioned>) -> Present {
        let version = found.as_ref().map(|f| f.version);
        let live = |r: &Record| r.meta.void_time == 0 || r.meta.void_time > self.scope.now;
        Present {
            record: found.map(|f| f.record).filter(live),
            version,
        }
    }

    /// Whether the filter lets the request at the record. A missing record has nothing to filter.
    fn passes(&self, request: &Request, item: &Item, record: Option<&Record>) -> bool {
        let Some(filter) = request.filter.as_ref().filter(|_| record.is_some()) else {
            return true;
        };
        let set = self.scope.set_name(item.set);
        filter.matches(&View {
            digest: &item.digest,
            set,
            record,
            now: self.scope.now,
        })
    }
}

impl Worker {
    /// A worker with nothing kept yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Applies `request` to each record of the batch and appends one reply per record, in order.
    pub fn apply(
        &mut self,
        env: &Environment<'_>,
        request: &Request,
        items: &mut [Item],
        replies: &mut Vec<Reply>,
    ) {
        match &request.work {
            Work::Udf(call) => self.apply_udf(env, request, call, items, replies),
            _ => {
                for item in items {
                    replies.push(
                        self.apply_plain(env, request, item)
                            .unwrap_or_else(Reply::from),
                    );
                }
            }
        }
    }

    fn apply_plain(
        &mut self,
        env: &Environment<'_>,
        request: &Request,
        item: &mut Item,
    ) -> Result<Reply> {
        loop {
            let present = env.read(item)?;
            let record = present.record.as_ref();
            if !env.passes(request, item, record) {
                return Ok(ResultCode::FilteredOut.into());
            }
            let (change, reply) = match &request.work {
                Work::Read(selection) => return read(record, selection, item),
                Work::Delete => {
                    operate::check_generation(request.policy.generation, record)?;
                    let Some(record) = record else {
                        return Err(ResultCode::NotFound.into());
                    };
                    operate::check_key(record, item.user_key.as_ref())?;
                    (Some(Change::Remove), Reply::ok(record.meta.generation, 0))
                }
                Work::Operate { ops, reply_all } => {
                    let mut context = RecordContext::new(
                        item.digest,
                        item.set,
                        item.user_key.clone(),
                        present.record.clone(),
                    );
                    let Outcome { mut bins, wrote } =
                        operate::run(&mut context, request, ops, *reply_all, env.scope)?;
                    let meta = context.meta();
                    if !wrote {
                        let mut reply = Reply::ok(meta.generation, meta.void_time);
                        reply.bins = bins;
                        return Ok(reply);
                    }
                    let change = self.change(&context, env.scope)?;
                    let mut reply = match &change {
                        Some(Change::Put(record)) => {
                            Reply::ok(record.meta.generation, record.meta.void_time)
                        }
                        Some(Change::Remove) => Reply::ok(meta.generation, 0),
                        None if operate::deletes(ops) => Reply::ok(0, 0),
                        None => return Err(ResultCode::NotFound.into()),
                    };
                    std::mem::swap(&mut reply.bins, &mut bins);
                    (change, reply)
                }
                Work::Udf(_) => return Err(ResultCode::ServerError.into()),
            };
            let Some(change) = change else {
                return Ok(reply);
            };
            match env
                .namespace
                .store
                .commit(&item.digest, present.expected(), change)
            {
                Ok(_) => return Ok(reply),
                Err(StoreError::Conflict) => {}
                Err(e) => return Err(e.into()),
            }
        }
    }

    /// The change that a context's effects ask of the store.
    fn change(&mut self, context: &RecordContext, scope: &Scope) -> Result<Option<Change>> {
        match context.effects(scope, now_millis(), &mut self.builder, &mut self.scratch) {
            Effects::None => Ok(None),
            Effects::Remove => Ok(Some(Change::Remove)),
            Effects::Put(record) if record.body.as_bytes().len() > MAX_RECORD => Err(Error::new(
                ResultCode::RecordTooBig,
                format!(
                    "the record would have {} bytes; the limit is {MAX_RECORD}",
                    record.body.as_bytes().len()
                ),
            )),
            Effects::Put(record) => Ok(Some(Change::Put(record))),
        }
    }

    fn apply_udf(
        &mut self,
        env: &Environment<'_>,
        request: &Request,
        call: &UdfCall,
        items: &mut [Item],
        replies: &mut Vec<Reply>,
    ) {
        let first = replies.len();
        let (mut instance, registered) = match self.instance(env.registry, &call.package) {
            Ok(ready) => ready,
            Err(e) => {
                replies.extend(items.iter().map(|_| failed(&e, 0)));
                return;
            }
        };
        let (mut contexts, mut origins) = (
            std::mem::take(&mut self.contexts),
            std::mem::take(&mut self.origins),
        );
        let mut results = std::mem::take(&mut self.results);
        for (at, item) in items.iter_mut().enumerate() {
            let present = match env.read(item) {
                Ok(present) => present,
                Err(e) => {
                    replies.push(e.into());
                    continue;
                }
            };
            replies.push(ResultCode::Ok.into());
            if !env.passes(request, item, present.record.as_ref()) {
                replies[first + at] = ResultCode::FilteredOut.into();
                continue;
            }
            contexts.push(RecordContext::new(
                item.digest,
                item.set,
                item.user_key.take(),
                present.record,
            ));
            origins.push((at, present.version));
        }
        let call = Call {
            function: &call.function,
            args: &call.args,
            scope: env.scope,
            limits: &registered.limits,
            cancelled: env.cancelled,
        };
        run(&mut *instance, &call, &mut contexts, &mut results);
        for ((context, (at, version)), result) in
            contexts.iter_mut().zip(&origins).zip(results.drain(..))
        {
            replies[first + at] = self.commit_udf(
                env,
                request,
                &call,
                &mut *instance,
                context,
                *version,
                result,
            );
        }
        contexts.clear();
        origins.clear();
        (self.contexts, self.origins, self.results) = (contexts, origins, results);
        self.keep(registered, instance);
    }

    /// Commits what a function did to one record; runs it again, alone, while the record
    /// changes under it.
    #[expect(
        clippy::too_many_arguments,
        reason = "the state of one record of a batch"
    )]
    fn commit_udf(
        &mut self,
        env: &Environment<'_>,
        request: &Request,
        call: &Call<'_>,
        instance: &mut dyn Instance,
        context: &mut RecordContext,
        mut version: Option<Version>,
        mut result: UdfResult,
    ) -> Reply {
        let mut turn = None;
        for losses in 1.. {
            let value = match result {
                Ok(value) => value,
                Err(e) => return failed(&e, context.meta().generation),
            };
            let change = match self.change(context, env.scope) {
                Ok(change) => change,
                Err(e) => return e.into(),
            };
            let Some(change) = change else {
                let meta = context.meta();
                return udf_reply(meta.generation, meta.void_time, value);
            };
            let (generation, void_time) = match &change {
                Change::Put(record) => (record.meta.generation, record.meta.void_time),
                Change::Remove => (context.meta().generation, 0),
            };
            let expected = version.map_or(Expected::Absent, Expected::Version);
            if turn.is_none() {
                env.turns.wait(context.digest());
            }
            match env
                .namespace
                .store
                .commit(context.digest(), expected, change)
            {
                Ok(_) => return udf_reply(generation, void_time, value),
                Err(StoreError::Conflict) => {}
                Err(e) => return Error::from(e).into(),
            }
            if turn.is_none() && losses >= LOSSES_BEFORE_TURN {
                turn = Some(env.turns.take(*context.digest()));
            }
            let present = match env.namespace.store.read(context.digest()) {
                Ok(found) => env.present(found),
                Err(e) => return Error::from(e).into(),
            };
            version = present.version;
            let item = Item {
                digest: *context.digest(),
                set: context.set(),
                user_key: None,
                known: None,
            };
            if !env.passes(request, &item, present.record.as_ref()) {
                return ResultCode::FilteredOut.into();
            }
            *context = RecordContext::new(
                item.digest,
                item.set,
                context.caller_key().cloned(),
                present.record,
            );
            let mut results = Vec::with_capacity(1);
            run(instance, call, std::slice::from_mut(context), &mut results);
            result = results.pop().unwrap_or_else(|| Err(no_result()));
        }
        ResultCode::KeyBusy.into()
    }

    fn instance(
        &mut self,
        registry: &Registry,
        package: &str,
    ) -> std::result::Result<(Box<dyn Instance>, Arc<Registered>), UdfError> {
        let registered = registry.find(package).ok_or_else(|| {
            UdfError::new(
                UdfErrorKind::FunctionNotFound,
                format!("module {package} is not registered; register it, or see the list of modules for its name"),
            )
        })?;
        match self.instances.remove(&(Arc::as_ptr(&registered) as usize)) {
            Some((registered, instance)) => Ok((instance, registered)),
            None => Ok((registered.module.instantiate()?, registered)),
        }
    }

    /// Keeps an instance for the next batch, and drops those of modules that were replaced.
    fn keep(&mut self, registered: Arc<Registered>, instance: Box<dyn Instance>) {
        if self.instances.len() >= MAX_INSTANCES {
            self.instances.clear();
        }
        self.instances
            .insert(Arc::as_ptr(&registered) as usize, (registered, instance));
    }

    /// Drops the instances of modules that the registry no longer runs.
    pub fn drop_replaced(&mut self, registry: &Registry) {
        self.instances.retain(|_, (m, _)| {
            registry
                .find(&m.source.package)
                .is_some_and(|now| Arc::ptr_eq(&now, m))
        });
    }
}

/// Runs a batch and makes sure that each record has a result.
fn run(
    instance: &mut dyn Instance,
    call: &Call<'_>,
    batch: &mut [RecordContext],
    results: &mut Vec<UdfResult>,
) {
    results.clear();
    if batch.is_empty() {
        return;
    }
    instance.run(call, batch, results);
    while results.len() < batch.len() {
        results.push(Err(no_result()));
    }
}

fn no_result() -> UdfError {
    UdfError::new(
        UdfErrorKind::Host,
        "the runtime gave no result for this record",
    )
}

fn udf_reply(generation: u16, void_time: u32, value: Value) -> Reply {
    Reply {
        bins: ReplyBins::Udf(value),
        ..Reply::ok(generation, void_time)
    }
}

fn failed(e: &UdfError, generation: u16) -> Reply {
    if let Some(backtrace) = &e.backtrace {
        tracing::debug!("{e}\n{backtrace}");
    }
    Reply {
        generation,
        ..Reply::from(Error::from(e))
    }
}

fn read(record: Option<&Record>, selection: &BinSelection, item: &Item) -> Result<Reply> {
    let Some(record) = record else {
        return Err(ResultCode::NotFound.into());
    };
    operate::check_key(record, item.user_key.as_ref())?;
    let mut reply = Reply::ok(record.meta.generation, record.meta.void_time);
    if *selection != BinSelection::None {
        reply.bins = ReplyBins::Record(record.body.clone(), selection.clone());
    }
    Ok(reply)
}
