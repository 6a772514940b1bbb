//! The one function that applies a request to a batch of records.
//!
//! A batch is read, then attempted as a whole: every record is filtered and worked on, and nothing is
//! written. Then the changes are committed, each against the version its record was read at. A
//! record that changed meanwhile is attempted again alone. Reading and committing may be waited
//! for; the work between them is not, and runs under no lock.

use super::Namespace;
use super::instances::{Instances, Ready};
use super::sink::{Outcome, Sink};
use super::source::Item;
use crate::change::{RecordContext, Scope};
use crate::model::{BodyBuilder, Digest, Error, ResultCode};
use crate::request::{Reply, Request, Work};
use crate::store::{self, Change, Commit, Expected, Lookup, StoreError};
use crate::udf::log::Lines;
use crate::udf::{Budget, Registry, UdfError, UdfErrorKind, UdfResult};

/// After so many lost commits a function takes the record's turn.
const LOSSES_BEFORE_TURN: usize = 8;

/// What a batch works against.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    /// Where the records live.
    pub namespace: &'a Namespace,
    /// Names and clock, one for the whole batch.
    pub scope: &'a Scope,
    /// The modules.
    pub registry: &'a Registry,
    /// What functions may take.
    pub budget: &'a Budget,
}

/// What one worker keeps between batches: instances of modules, and buffers.
pub struct Worker {
    /// The scope of its last call, for the next.
    pub(super) scope: Option<Scope>,
    pub(super) builder: BodyBuilder,
    pub(super) scratch: Vec<u8>,
    /// What the records that this attempt writes are dated, once there is one.
    pub(super) date: Option<u64>,
    pub(super) contexts: Vec<RecordContext>,
    pub(super) results: Vec<UdfResult>,
    /// What the function logged, until it is known whether it is run again.
    pub(super) lines: Lines,
    instances: Instances,
    steps: Vec<Step>,
    digests: Vec<Digest>,
    found: Vec<Lookup>,
    commits: Vec<Commit>,
    outcomes: Vec<store::Outcome>,
}

/// What an attempt on one record came to.
pub(super) enum Step {
    /// Nothing is to be written.
    Done(Reply),
    /// This is to be written; the reply holds once it is.
    Commit(Change, Expected, Reply),
    /// The record waits for its function's result.
    Waiting(Expected),
    /// The function outran the budget's patience.
    Overran,
}

impl From<Error> for Step {
    fn from(e: Error) -> Self {
        Self::Done(e.into())
    }
}

impl Worker {
    /// A worker with nothing kept yet, which will keep instances of at most `modules` modules.
    pub fn new(modules: usize) -> Self {
        Self {
            instances: Instances::new(modules),
            scope: None,
            builder: BodyBuilder::new(),
            scratch: Vec::new(),
            date: None,
            contexts: Vec::new(),
            results: Vec::new(),
            lines: Lines::default(),
            steps: Vec::new(),
            digests: Vec::new(),
            found: Vec::new(),
            commits: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    /// Applies `request` to each record of the batch and hands each outcome to `sink`, in order.
    pub async fn apply(
        &mut self,
        env: &Environment<'_>,
        request: &Request,
        items: &mut [Item],
        sink: &mut dyn Sink,
    ) {
        let mut ready = None;
        if let Work::Udf(call) = &request.work {
            match self.instances.take(env.registry, &call.package) {
                Ok(found) if env.budget.patience.is_some() && found.registered.is_slow() => {
                    self.instances.keep(found);
                    return items.iter().for_each(|i| sink.take(i, Outcome::Overran));
                }
                Ok(found) => ready = Some(found),
                Err(e) => {
                    let reply = |_: &Item| Outcome::Reply(failed(&e, 0));
                    return items.iter().for_each(|item| sink.take(item, reply(item)));
                }
            }
        }
        if request.work.writes() && !env.namespace.turns.are_free() {
            for item in items.iter() {
                env.namespace.turns.wait(&item.digest).await;
            }
        }
        self.read(env, items).await;
        let mut steps = std::mem::take(&mut self.steps);
        self.attempt(env, request, ready.as_mut(), items, &mut steps);
        self.commit(env, items, &mut steps).await;
        let mut outcomes = std::mem::take(&mut self.outcomes);
        let mut committed = outcomes.drain(..);
        for (step, item) in steps.drain(..).zip(items) {
            let outcome = match step {
                Step::Commit(_, _, reply) => match committed.next() {
                    Some(Err(StoreError::Conflict)) => {
                        self.again(env, request, ready.as_mut(), item).await
                    }
                    outcome => Outcome::Reply(ended(outcome, reply)),
                },
                step => step.outcome(),
            };
            if let Outcome::Reply(_) = outcome {
                self.lines.write();
            }
            sink.take(item, outcome);
        }
        drop(committed);
        (self.steps, self.outcomes) = (steps, outcomes);
        if let Some(ready) = ready {
            self.instances.keep(ready);
        }
    }

    /// Attempts one record until it is committed. Somebody's commit succeeds each time this one
    /// loses; a function, which may be slow, takes the record's turn when it lost too often.
    async fn again(
        &mut self,
        env: &Environment<'_>,
        request: &Request,
        mut ready: Option<&mut Ready>,
        item: &mut Item,
    ) -> Outcome {
        let mut steps = Vec::with_capacity(1);
        let mut turn = None;
        let mut losses = 1;
        loop {
            if ready.is_some() && turn.is_none() {
                if losses >= LOSSES_BEFORE_TURN {
                    turn = Some(env.namespace.turns.take(item.digest).await);
                } else {
                    env.namespace.turns.wait(&item.digest).await;
                }
            }
            let items = std::slice::from_mut(item);
            self.read(env, items).await;
            self.attempt(env, request, ready.as_deref_mut(), items, &mut steps);
            self.commit(env, items, &mut steps).await;
            match steps.pop() {
                Some(Step::Commit(_, _, reply)) => match self.outcomes.pop() {
                    Some(Err(StoreError::Conflict)) => losses += 1,
                    outcome => return Outcome::Reply(ended(outcome, reply)),
                },
                Some(step) => return step.outcome(),
                None => return Outcome::Reply(failed(&no_result(), 0)),
            }
        }
    }

    /// Reads the records that were not read yet.
    async fn read(&mut self, env: &Environment<'_>, items: &mut [Item]) {
        let unknown = |item: &Item| item.known.is_none();
        self.digests.clear();
        let wanted = items.iter().filter(|item| unknown(item));
        self.digests.extend(wanted.map(|item| item.digest));
        if self.digests.is_empty() {
            return;
        }
        self.found.clear();
        env.namespace.read(&self.digests, &mut self.found).await;
        let wanted = items.iter_mut().filter(|item| unknown(item));
        for (item, found) in wanted.zip(self.found.drain(..)) {
            item.known = Some(found);
        }
    }

    /// Commits the steps that ask for it, leaving their replies; their outcomes are then in order.
    async fn commit(&mut self, env: &Environment<'_>, items: &[Item], steps: &mut [Step]) {
        self.outcomes.clear();
        for (step, item) in steps.iter_mut().zip(items) {
            if let Step::Commit(change, expected, _) = step {
                self.commits.push(Commit {
                    digest: item.digest,
                    expected: *expected,
                    change: std::mem::replace(change, Change::Remove),
                });
            }
        }
        if !self.commits.is_empty() {
            env.namespace
                .commit(&mut self.commits, &mut self.outcomes)
                .await;
        }
    }
}

impl Step {
    /// The outcome of a step that commits nothing.
    fn outcome(self) -> Outcome {
        match self {
            Self::Done(reply) => Outcome::Reply(reply),
            Self::Overran => Outcome::Overran,
            Self::Waiting(_) | Self::Commit(..) => Outcome::Reply(failed(&no_result(), 0)),
        }
    }
}

/// The reply to a request whose commit came to `outcome`.
fn ended(outcome: Option<store::Outcome>, reply: Reply) -> Reply {
    match outcome {
        Some(Ok(_)) => reply,
        Some(Err(e)) => Error::from(e).into(),
        None => ResultCode::ServerError.into(),
    }
}

fn no_result() -> UdfError {
    UdfError::new(
        UdfErrorKind::Host,
        "the runtime gave no result for this record",
    )
}

pub(super) fn failed(e: &UdfError, generation: u16) -> Reply {
    Reply {
        generation,
        trace: e.backtrace.as_deref().map(Box::from),
        ..Reply::from(Error::from(e))
    }
}
