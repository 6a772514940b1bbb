//! The one function that applies a request to a batch of records.
//!
//! A batch is attempted as a whole: every record is read, filtered and worked on, and nothing is written.
//! Then the changes are committed, each against the version its record was read at. A record that
//! changed meanwhile is attempted again alone.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::instances::{Instances, Ready};
use super::operate::{self, Outcome};
use super::turns::Turns;
use super::{BinSelection, Namespace, Reply, ReplyBins, Request, UdfCall, Work};
use crate::expr::View;
use crate::model::{BodyBuilder, Digest, Error, Record, Result, ResultCode, Value, now_millis};
use crate::ops::Op;
use crate::store::{Change, Commit, Expected, StoreError, Versioned};
use crate::udf::{
    Call, Effects, RecordContext, Registry, Scope, UdfError, UdfErrorKind, UdfResult,
};

/// After so many lost commits a function takes the record's turn.
const LOSSES_BEFORE_TURN: usize = 8;
/// The largest record, in bytes of its packed body.
const MAX_RECORD: usize = 8 << 20;

/// One record of a batch.
#[derive(Clone)]
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
    /// Functions run under [`Registered::brief`] limits, and nothing blocks the thread: a record that
    /// would need more of either gets [`ResultCode::Timeout`] and is left as it was.
    pub brief: bool,
}

/// What one worker keeps between batches: instances of modules, and buffers.
#[derive(Default)]
pub struct Worker {
    instances: Instances,
    builder: BodyBuilder,
    scratch: Vec<u8>,
    steps: Vec<Step>,
    contexts: Vec<RecordContext>,
    results: Vec<UdfResult>,
}

/// What an attempt on one record came to.
enum Step {
    /// Nothing is to be written.
    Done(Reply),
    /// This is to be written; the reply holds once it is.
    Commit(Change, Expected, Reply),
    /// The record waits for its function's result.
    Waiting(Expected),
}

impl From<Error> for Step {
    fn from(e: Error) -> Self {
        Self::Done(e.into())
    }
}

/// A record as a request finds it: expired ones count as missing, yet have a version.
struct Present {
    record: Option<Record>,
    expected: Expected,
}

impl Environment<'_> {
    fn read(&self, item: &mut Item) -> Result<Present> {
        let found = match item.known.take() {
            Some(known) => Some(known),
            None => self.namespace.store.read(&item.digest)?,
        };
        let expected = found
            .as_ref()
            .map_or(Expected::Absent, |f| Expected::Version(f.version));
        let live = |r: &Record| !r.meta.is_expired(self.scope.now);
        Ok(Present {
            record: found.map(|f| f.record).filter(live),
            expected,
        })
    }

    /// Reads the record, and refuses it where the filter does. A missing record has nothing to filter.
    fn read_filtered(&self, request: &Request, item: &mut Item) -> Result<Present> {
        let present = self.read(item)?;
        if let (Some(filter), record @ Some(_)) = (&request.filter, present.record.as_ref()) {
            let set = self.scope.set_name(item.set);
            let view = View {
                digest: &item.digest,
                set,
                record,
                now: self.scope.now,
            };
            if !filter.matches(&view) {
                return Err(ResultCode::FilteredOut.into());
            }
        }
        Ok(present)
    }
}

impl Worker {
    /// A worker with nothing kept yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Drops the instances of modules that the registry no longer runs.
    pub fn drop_replaced(&mut self, registry: &Registry) {
        self.instances.drop_replaced(registry);
    }

    /// Applies `request` to each record of the batch and appends one reply per record, in order.
    pub fn apply(
        &mut self,
        env: &Environment<'_>,
        request: &Request,
        items: &mut [Item],
        replies: &mut Vec<Reply>,
    ) {
        let mut ready = None;
        if let Work::Udf(call) = &request.work {
            match self.instances.take(env.registry, &call.package) {
                Ok(instance) => ready = Some(instance),
                Err(e) => return replies.extend(items.iter().map(|_| failed(&e, 0))),
            }
        }
        let mut steps = std::mem::take(&mut self.steps);
        self.attempt(env, request, ready.as_mut(), items, &mut steps);
        let outcomes = commit_all(env, ready.is_some() && !env.brief, items, &mut steps);
        let mut outcomes = outcomes.into_iter();
        for (step, item) in steps.drain(..).zip(items) {
            let reply = match step {
                Step::Done(reply) => reply,
                Step::Waiting(_) => failed(&no_result(), 0),
                Step::Commit(_, _, reply) => match outcomes.next() {
                    Some(Ok(())) => reply,
                    Some(Err(StoreError::Conflict)) if env.brief && ready.is_some() => {
                        ResultCode::Timeout.into()
                    }
                    Some(Err(StoreError::Conflict)) => {
                        self.again(env, request, ready.as_mut(), item)
                    }
                    Some(Err(e)) => Error::from(e).into(),
                    None => ResultCode::ServerError.into(),
                },
            };
            replies.push(reply);
        }
        self.steps = steps;
        if let Some(ready) = ready {
            self.instances.keep(ready);
        }
    }

    /// Attempts one record until it is committed. Somebody's commit succeeds each time this one
    /// loses; a function, which may be slow, takes the record's turn when it lost too often.
    fn again(
        &mut self,
        env: &Environment<'_>,
        request: &Request,
        mut ready: Option<&mut Ready>,
        item: &mut Item,
    ) -> Reply {
        let mut steps = Vec::with_capacity(1);
        let mut turn = None;
        let mut losses = 1;
        loop {
            if ready.is_some() && turn.is_none() {
                if losses >= LOSSES_BEFORE_TURN {
                    turn = Some(env.turns.take(item.digest));
                } else {
                    env.turns.wait(&item.digest);
                }
            }
            self.attempt(
                env,
                request,
                ready.as_deref_mut(),
                std::slice::from_mut(item),
                &mut steps,
            );
            match steps.pop() {
                Some(Step::Done(reply)) => return reply,
                Some(Step::Commit(change, expected, reply)) => {
                    match env.namespace.store.commit(&item.digest, expected, change) {
                        Ok(_) => return reply,
                        Err(StoreError::Conflict) => losses += 1,
                        Err(e) => return Error::from(e).into(),
                    }
                }
                Some(Step::Waiting(_)) | None => return failed(&no_result(), 0),
            }
        }
    }

    /// Works on each record without writing, and leaves one step per record in `steps`.
    fn attempt(
        &mut self,
        env: &Environment<'_>,
        request: &Request,
        ready: Option<&mut Ready>,
        items: &mut [Item],
        steps: &mut Vec<Step>,
    ) {
        steps.clear();
        match (&request.work, ready) {
            (Work::Udf(call), Some(ready)) => {
                self.attempt_udf(env, request, call, ready, items, steps)
            }
            _ => steps.extend(items.iter_mut().map(|item| {
                self.attempt_plain(env, request, item)
                    .unwrap_or_else(Step::from)
            })),
        }
    }

    fn attempt_plain(
        &mut self,
        env: &Environment<'_>,
        request: &Request,
        item: &mut Item,
    ) -> Result<Step> {
        let present = env.read_filtered(request, item)?;
        match &request.work {
            Work::Read(selection) => read(present.record.as_ref(), selection, item).map(Step::Done),
            Work::Delete => {
                operate::check_generation(request.policy.generation, present.record.as_ref())?;
                let Some(record) = &present.record else {
                    return Err(ResultCode::NotFound.into());
                };
                operate::check_key(record, item.user_key.as_ref())?;
                Ok(Step::Commit(
                    Change::Remove,
                    present.expected,
                    Reply::ok(record.meta.generation, 0),
                ))
            }
            Work::Operate { ops, reply_all } => {
                self.attempt_operate(env, request, ops, *reply_all, present, item)
            }
            Work::Udf(_) => Err(ResultCode::ServerError.into()),
        }
    }

    fn attempt_operate(
        &mut self,
        env: &Environment<'_>,
        request: &Request,
        ops: &[Op],
        reply_all: bool,
        present: Present,
        item: &Item,
    ) -> Result<Step> {
        let mut context =
            RecordContext::new(item.digest, item.set, item.user_key.clone(), present.record);
        let Outcome { bins, wrote } =
            operate::run(&mut context, request, ops, reply_all, env.scope)?;
        let meta = context.meta();
        if !wrote {
            return Ok(Step::Done(Reply {
                bins,
                ..Reply::ok(meta.generation, meta.void_time)
            }));
        }
        match self.change(&context, env.scope)? {
            Some(change) => {
                let reply = Reply {
                    bins,
                    ..written(&change, meta.generation)
                };
                Ok(Step::Commit(change, present.expected, reply))
            }
            None if operate::deletes(ops) => Ok(Step::Done(Reply {
                bins,
                ..Reply::ok(0, 0)
            })),
            None => Err(ResultCode::NotFound.into()),
        }
    }

    fn attempt_udf(
        &mut self,
        env: &Environment<'_>,
        request: &Request,
        call: &UdfCall,
        ready: &mut Ready,
        items: &mut [Item],
        steps: &mut Vec<Step>,
    ) {
        let (mut contexts, mut results) = (
            std::mem::take(&mut self.contexts),
            std::mem::take(&mut self.results),
        );
        for item in items {
            steps.push(match env.read_filtered(request, item) {
                Ok(Present { record, expected }) => {
                    contexts.push(RecordContext::new(
                        item.digest,
                        item.set,
                        item.user_key.clone(),
                        record,
                    ));
                    Step::Waiting(expected)
                }
                Err(e) => e.into(),
            });
        }
        let call = Call {
            function: &call.function,
            args: &call.args,
            scope: env.scope,
            limits: if env.brief {
                &ready.registered.brief
            } else {
                &ready.registered.limits
            },
            cancelled: env.cancelled,
        };
        results.clear();
        if !contexts.is_empty() {
            ready.instance.run(&call, &mut contexts, &mut results);
        }
        let waiting = steps.iter_mut().filter_map(|step| match step {
            Step::Waiting(expected) => Some((*expected, step)),
            _ => None,
        });
        for (((expected, step), context), result) in waiting.zip(&contexts).zip(results.drain(..)) {
            *step = match result {
                Err(e) if env.brief && e.kind == UdfErrorKind::Timeout => {
                    Step::Done(ResultCode::Timeout.into())
                }
                result => self.udf_step(context, expected, result, env.scope),
            };
        }
        contexts.clear();
        (self.contexts, self.results) = (contexts, results);
    }

    fn udf_step(
        &mut self,
        context: &RecordContext,
        expected: Expected,
        result: UdfResult,
        scope: &Scope,
    ) -> Step {
        let meta = context.meta();
        let value = match result {
            Ok(value) => ReplyBins::Udf(value),
            Err(e) => return Step::Done(failed(&e, meta.generation)),
        };
        match self.change(context, scope) {
            Ok(Some(change)) => {
                let reply = Reply {
                    bins: value,
                    ..written(&change, meta.generation)
                };
                Step::Commit(change, expected, reply)
            }
            Ok(None) => Step::Done(Reply {
                bins: value,
                ..Reply::ok(meta.generation, meta.void_time)
            }),
            Err(e) => e.into(),
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
}

/// Commits the steps that ask for it, leaving their replies; one outcome for each, in order.
fn commit_all(
    env: &Environment<'_>,
    wait_for_turns: bool,
    items: &[Item],
    steps: &mut [Step],
) -> Vec<Result<(), StoreError>> {
    let mut commits = Vec::new();
    for (step, item) in steps.iter_mut().zip(items) {
        if let Step::Commit(change, expected, _) = step {
            if wait_for_turns {
                env.turns.wait(&item.digest);
            }
            let change = std::mem::replace(change, Change::Remove);
            commits.push(Commit {
                digest: item.digest,
                expected: *expected,
                change,
            });
        }
    }
    match commits.len() {
        0 => Vec::new(),
        _ => env
            .namespace
            .store
            .commit_all(commits)
            .into_iter()
            .map(|outcome| outcome.map(drop))
            .collect(),
    }
}

fn written(change: &Change, generation_before: u16) -> Reply {
    match change {
        Change::Put(record) => Reply::ok(record.meta.generation, record.meta.void_time),
        Change::Remove => Reply::ok(generation_before, 0),
    }
}

fn no_result() -> UdfError {
    UdfError::new(
        UdfErrorKind::Host,
        "the runtime gave no result for this record",
    )
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
