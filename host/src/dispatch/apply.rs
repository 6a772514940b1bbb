//! The one function that applies a request to a batch of records.
//!
//! A batch is attempted as a whole: every record is read, filtered and worked on, and nothing is written.
//! Then the changes are committed, each against the version its record was read at. A record that
//! changed meanwhile is attempted again alone.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::Namespace;
use super::instances::{Instances, Ready};
use super::turns::Turns;
use crate::change::{RecordContext, Scope};
use crate::model::{BodyBuilder, Digest, Error, Result, ResultCode, Value};
use crate::request::{Reply, Request, Work};
use crate::store::{Change, Commit, Expected, StoreError, Versioned};
use crate::udf::{Registry, UdfError, UdfErrorKind, UdfResult};

/// After so many lost commits a function takes the record's turn.
const LOSSES_BEFORE_TURN: usize = 8;

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
    pub(super) builder: BodyBuilder,
    pub(super) scratch: Vec<u8>,
    steps: Vec<Step>,
    pub(super) contexts: Vec<RecordContext>,
    pub(super) results: Vec<UdfResult>,
}

/// What an attempt on one record came to.
pub(super) enum Step {
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

fn no_result() -> UdfError {
    UdfError::new(
        UdfErrorKind::Host,
        "the runtime gave no result for this record",
    )
}

pub(super) fn failed(e: &UdfError, generation: u16) -> Reply {
    if let Some(backtrace) = &e.backtrace {
        tracing::debug!("{e}\n{backtrace}");
    }
    Reply {
        generation,
        ..Reply::from(Error::from(e))
    }
}
