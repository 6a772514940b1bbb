//! Attempts: what a request would do to each record of a batch, with nothing written yet.

use super::apply::{Environment, Step, Worker, failed};
use super::instances::Ready;
use super::source::Item;
use crate::change::{
    Effects, ExistsAction, GenerationCheck, RecordContext, Scope, WritePolicy, check_key,
};
use crate::expr::View;
use crate::model::{Error, Record, Result, ResultCode, Value, now_millis};
use crate::ops::{self, Op, OpKind, Outcome};
use crate::request::{BinSelection, Reply, ReplyBins, Request, UdfCall, Work};
use crate::store::{Change, Expected};
use crate::udf::{UdfErrorKind, UdfResult};

/// The largest record, in bytes of its packed body: what the incumbent takes unless told otherwise.
const MAX_RECORD: usize = 1 << 20;

/// A record as a request finds it: expired ones count as missing, yet have a version.
pub(super) struct Present {
    pub(super) record: Option<Record>,
    expected: Expected,
}

/// The record that was read, refused where the filter does. A missing record has nothing to filter.
pub(super) fn admit(env: &Environment<'_>, request: &Request, item: &mut Item) -> Result<Present> {
    let found = item.known.take().transpose()?.flatten();
    let expected = found
        .as_ref()
        .map_or(Expected::Absent, |f| Expected::Version(f.version));
    let live = |r: &Record| !r.meta.is_expired(env.scope.now);
    let record = found.map(|f| f.record).filter(live);
    if let (Some(filter), Some(present)) = (&request.filter, record.as_ref()) {
        let view = View {
            digest: &item.digest,
            set: env.scope.set_name(item.set),
            record: Some(present),
            now: env.scope.now,
        };
        if !filter.matches(&view) {
            return Err(ResultCode::FilteredOut.into());
        }
    }
    Ok(Present { record, expected })
}

impl Worker {
    /// Works on each record without writing, and leaves one step per record in `steps`.
    pub(super) fn attempt(
        &mut self,
        env: &Environment<'_>,
        request: &Request,
        ready: Option<&mut Ready>,
        items: &mut [Item],
        steps: &mut Vec<Step>,
    ) {
        steps.clear();
        self.date = None;
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
        let present = admit(env, request, item)?;
        match &request.work {
            Work::Read(selection) => {
                let reply = read(present.record.as_ref(), selection, item)?;
                Ok(done(
                    request,
                    present.record.as_ref(),
                    present.expected,
                    reply,
                ))
            }
            Work::Delete => {
                request.policy.generation.admit(present.record.as_ref())?;
                let Some(record) = &present.record else {
                    return Err(ResultCode::NotFound.into());
                };
                check_key(record, item.user_key.as_ref())?;
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
            RecordContext::new(item.digest, item.set, item.user_key.clone(), present.record)
                .expiring(request.policy.ttl);
        let writes = ops.iter().any(|op| op.kind.is_write());
        let bins = operate(&mut context, request, ops, reply_all, env.scope)?;
        let meta = context.meta();
        if !writes {
            let reply = Reply {
                bins,
                ..Reply::ok(meta.generation, meta.void_time)
            };
            return Ok(done(request, context.base(), present.expected, reply));
        }
        match self.change(&context, env.scope)? {
            Some(change) => {
                let reply = Reply {
                    bins,
                    ..written(&change, meta.generation)
                };
                Ok(Step::Commit(change, present.expected, reply))
            }
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
            steps.push(match admit_udf(env, request, item) {
                Ok(Present { record, expected }) => {
                    let key = item.user_key.clone();
                    contexts.push(
                        RecordContext::new(item.digest, item.set, key, record)
                            .expiring(request.policy.ttl),
                    );
                    Step::Waiting(expected)
                }
                Err(e) => e.into(),
            });
        }
        results.clear();
        if !contexts.is_empty() {
            match ready.instance.open(&call.function, &call.args) {
                Ok(function) => {
                    let mut run =
                        || function.each(&mut contexts, env.scope, env.budget, &mut results);
                    match env.budget.patience {
                        // It may be cut off and run again, and is to log once.
                        Some(_) => self.lines.hold(run),
                        None => run(),
                    }
                }
                Err(e) => results.extend(contexts.iter().map(|_| Err(e.clone()))),
            }
        }
        let waiting = steps.iter_mut().filter_map(|step| match step {
            Step::Waiting(expected) => Some((*expected, step)),
            _ => None,
        });
        for (((expected, step), context), result) in waiting.zip(&contexts).zip(results.drain(..)) {
            *step = match result {
                Err(e) if e.kind == UdfErrorKind::Overran => {
                    ready.registered.note_slow();
                    Step::Overran
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
        if context.is_untouched() {
            return Ok(None);
        }
        let date = *self.date.get_or_insert_with(now_millis);
        match context.effects(scope, date, &mut self.builder, &mut self.scratch)? {
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

/// Runs operations in order, as one change.
fn operate(
    context: &mut RecordContext,
    request: &Request,
    ops: &[Op],
    reply_all: bool,
    scope: &Scope,
) -> Result<ReplyBins> {
    let writes = ops.iter().any(|op| op.kind.is_write());
    if let Some(record) = context.base() {
        check_key(record, context.caller_key())?;
    }
    if writes {
        request.policy.exists.admit(context.exists())?;
        request.policy.generation.admit(context.base())?;
        if !context.exists() && ops.iter().any(|op| op.kind == OpKind::Touch) {
            return Err(ResultCode::NotFound.into());
        }
        if request.policy.exists.replaces() {
            context.clear_bins();
        }
    } else if !context.exists() {
        return Err(ResultCode::NotFound.into());
    }
    let mut results = Vec::new();
    for op in ops {
        match ops::apply(op, context, scope)? {
            Outcome::Value(value) => results.push((op.bin, value)),
            Outcome::Bins(bins) => {
                results.extend(bins.into_iter().map(|(name, value)| (Some(name), value)));
            }
            Outcome::Nothing if reply_all => results.push((op.bin, Value::Nil)),
            Outcome::Nothing => {}
        }
    }
    if writes && ops.last().is_none_or(|op| op.kind != OpKind::Delete) {
        if context.exists() {
            context.update();
        } else {
            context.create();
        }
    }
    Ok(match results.is_empty() {
        true => ReplyBins::None,
        false => ReplyBins::Values(results),
    })
}

/// As [`admit`]; a call that is for records that exist is not for one that is missing. The other
/// policies of writes say nothing about a function, which decides itself what it writes.
fn admit_udf(env: &Environment<'_>, request: &Request, item: &mut Item) -> Result<Present> {
    let WritePolicy {
        generation, exists, ..
    } = request.policy;
    if generation != GenerationCheck::None
        || !matches!(exists, ExistsAction::Upsert | ExistsAction::UpdateOnly)
    {
        return Err(Error::new(
            ResultCode::ParameterError,
            "a function cannot be called with a generation, or to create or replace: it can see \
             to that itself",
        ));
    }
    let present = admit(env, request, item)?;
    if present.record.is_none() {
        request.policy.exists.admit(false)?;
    }
    Ok(present)
}

/// The step of a request that only reads, which may yet renew the record's lifetime.
fn done(request: &Request, base: Option<&Record>, expected: Expected, reply: Reply) -> Step {
    match base.and_then(|record| request.policy.renewed(record)) {
        Some(renewed) => Step::Commit(Change::Put(renewed), expected, reply),
        None => Step::Done(reply),
    }
}

fn written(change: &Change, generation_before: u16) -> Reply {
    match change {
        Change::Put(record) => Reply::ok(record.meta.generation, record.meta.void_time),
        Change::Remove => Reply::ok(generation_before, 0),
    }
}

fn read(record: Option<&Record>, selection: &BinSelection, item: &Item) -> Result<Reply> {
    let Some(record) = record else {
        return Err(ResultCode::NotFound.into());
    };
    check_key(record, item.user_key.as_ref())?;
    Ok(Reply {
        bins: ReplyBins::Record(record.body.clone(), selection.clone()),
        ..Reply::ok(record.meta.generation, record.meta.void_time)
    })
}
