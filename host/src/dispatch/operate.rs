//! `operate`: operations on one record, in order, as one change.

use super::{ExistsAction, GenerationCheck, ReplyBins, Request};
use crate::expr::{self, View};
use crate::model::{BinName, Error, Particle, Record, Result, ResultCode, Value};
use crate::ops::{self, Op, OpKind};
use crate::udf::{RecordContext, Scope};

/// What a run of operations gave.
pub struct Outcome {
    /// The results of those that return something.
    pub bins: ReplyBins,
    /// Whether the record is to be written.
    pub wrote: bool,
}

/// Fails when the record's generation is not as the policy wants it; a missing record counts as generation 0.
pub fn check_generation(check: GenerationCheck, record: Option<&Record>) -> Result<()> {
    let present = record.map_or(0, |r| r.meta.generation);
    let fits = match check {
        GenerationCheck::None => true,
        GenerationCheck::Equal(g) => g == present,
        GenerationCheck::Greater(g) => g > present,
    };
    if fits {
        Ok(())
    } else {
        Err(ResultCode::Generation.into())
    }
}

/// Fails when the record stores another key than the caller sent.
pub fn check_key(record: &Record, sent: Option<&Value>) -> Result<()> {
    let (Some(stored), Some(sent)) = (record.body.user_key(), sent) else {
        return Ok(());
    };
    let mut bytes = Vec::new();
    sent.write_particle(&mut bytes);
    if stored == Particle::new(sent.kind(), &bytes) {
        Ok(())
    } else {
        Err(ResultCode::KeyMismatch.into())
    }
}

/// Whether the operations delete the record.
pub fn deletes(ops: &[Op]) -> bool {
    ops.iter().any(|op| op.kind == OpKind::Delete)
}

fn check_exists(action: ExistsAction, exists: bool) -> Result<()> {
    match (action, exists) {
        (ExistsAction::CreateOnly, true) => Err(ResultCode::RecordExists.into()),
        (ExistsAction::UpdateOnly | ExistsAction::ReplaceOnly, false) => {
            Err(ResultCode::NotFound.into())
        }
        _ => Ok(()),
    }
}

/// Runs the operations over a record's context.
///
/// # Errors
/// The policies' result codes and the operations' own; nothing is written then.
pub fn run(
    context: &mut RecordContext,
    request: &Request,
    ops: &[Op],
    reply_all: bool,
    scope: &Scope,
) -> Result<Outcome> {
    let writes = ops.iter().any(|op| op.kind.is_write());
    if let Some(record) = context.base() {
        check_key(record, context.caller_key())?;
    }
    if writes {
        check_exists(request.policy.exists, context.exists())?;
        check_generation(request.policy.generation, context.base())?;
        if !context.exists() && ops.iter().any(|op| op.kind == OpKind::Touch) {
            return Err(ResultCode::NotFound.into());
        }
        if matches!(
            request.policy.exists,
            ExistsAction::Replace | ExistsAction::ReplaceOnly
        ) {
            context.clear_bins();
        }
        context.set_ttl(request.policy.ttl);
    } else if !context.exists() {
        return Err(ResultCode::NotFound.into());
    }
    let mut results = Vec::new();
    for op in ops {
        step(context, op, reply_all, scope, &mut results)?;
    }
    if writes && ops.last().is_none_or(|op| op.kind != OpKind::Delete) {
        save(context);
    }
    let bins = if results.is_empty() {
        ReplyBins::None
    } else {
        ReplyBins::Values(results)
    };
    Ok(Outcome {
        bins,
        wrote: writes,
    })
}

fn save(context: &mut RecordContext) {
    if context.exists() {
        context.update();
    } else {
        context.create();
    }
}

type Results = Vec<(Option<BinName>, Value)>;

fn step(
    context: &mut RecordContext,
    op: &Op,
    reply_all: bool,
    scope: &Scope,
    results: &mut Results,
) -> Result<()> {
    let named = || {
        op.bin.ok_or_else(|| {
            Error::new(
                ResultCode::ParameterError,
                format!("{:?} needs a bin name", op.kind),
            )
        })
    };
    match op.kind {
        OpKind::Read => {
            match op.bin {
                Some(name) => match bin(context, name) {
                    Some(value) => results.push((Some(name), value)),
                    None if reply_all => results.push((Some(name), Value::Nil)),
                    None => {}
                },
                None => read_all(context, results),
            }
            return Ok(());
        }
        OpKind::Write => context.set_bin(named()?, op.value.clone()),
        OpKind::Add | OpKind::Append | OpKind::Prepend => {
            let name = named()?;
            let value = join(context, op, name)?;
            context.set_bin(name, value);
        }
        OpKind::Touch => {}
        OpKind::Delete => {
            context.remove();
        }
        OpKind::ExpRead | OpKind::ExpModify => {
            return expression(context, op, named()?, scope, reply_all, results);
        }
        kind => {
            return Err(Error::new(
                ResultCode::Unsupported,
                format!("{kind:?} operations are not supported by this version; use a UDF for it"),
            ));
        }
    }
    if reply_all {
        results.push((op.bin, Value::Nil));
    }
    Ok(())
}

fn join(context: &RecordContext, op: &Op, name: BinName) -> Result<Value> {
    let mut bytes = Vec::new();
    let present = match context.changed_bin(name.as_bytes()) {
        Some(Value::Nil) => None,
        Some(value) => {
            value.write_particle(&mut bytes);
            Some(Particle::new(value.kind(), &bytes))
        }
        None => context.stored_bin(name.as_bytes()),
    };
    let joined = match op.kind {
        OpKind::Add => ops::add(present, &op.value),
        OpKind::Append => ops::append(present, &op.value),
        _ => ops::prepend(present, &op.value),
    };
    joined.map_err(|e| Error::new(e.code, format!("bin {name:?}: {}", e.message)))
}

fn bin(context: &RecordContext, name: BinName) -> Option<Value> {
    match context.changed_bin(name.as_bytes()) {
        Some(Value::Nil) => None,
        Some(value) => Some(value.clone()),
        None => context
            .stored_bin(name.as_bytes())
            .and_then(|p| Value::try_from(p).ok()),
    }
}

fn read_all(context: &RecordContext, results: &mut Results) {
    for name in context.bin_names().into_iter().filter_map(BinName::new) {
        if let Some(value) = bin(context, name) {
            results.push((Some(name), value));
        }
    }
}

/// An expression operation's value is a list: the expression's bytes and its flags.
fn expression(
    context: &mut RecordContext,
    op: &Op,
    name: BinName,
    scope: &Scope,
    reply_all: bool,
    results: &mut Results,
) -> Result<()> {
    /// Flag bits of expression operations.
    const CREATE_ONLY: i64 = 1;
    const UPDATE_ONLY: i64 = 2;
    const ALLOW_DELETE: i64 = 4;
    const POLICY_NO_FAIL: i64 = 8;
    const EVAL_NO_FAIL: i64 = 16;

    let bad = |what: String| {
        Error::new(
            ResultCode::ParameterError,
            format!("expression operation on bin {name:?}: {what}"),
        )
    };
    let (Value::Blob(_, packed) | Value::Str(packed) | Value::List(packed)) = &op.value else {
        return Err(bad("no expression was sent".into()));
    };
    let mut reader = crate::model::msgpack::Reader::new(packed);
    let malformed = |e: crate::model::msgpack::DecodeError| bad(e.to_string());
    reader.list().map_err(malformed)?;
    let compiled =
        expr::decode(reader.skip().map_err(malformed)?).map_err(|e| bad(e.to_string()))?;
    let flags = match reader.value().map_err(malformed)? {
        Value::Int(flags) => flags,
        _ => 0,
    };
    let current = snapshot(context, scope);
    let view = View {
        digest: context.digest(),
        set: scope.set_name(context.set()),
        record: current.as_ref(),
        now: scope.now,
    };
    let value = compiled.eval(&view);
    let Some(value) = value else {
        if flags & EVAL_NO_FAIL == 0 {
            return Err(Error::new(
                ResultCode::OpNotApplicable,
                format!("the expression for bin {name:?} has no value on this record"),
            ));
        }
        if reply_all || op.kind == OpKind::ExpRead {
            results.push((Some(name), Value::Nil));
        }
        return Ok(());
    };
    if op.kind == OpKind::ExpRead {
        results.push((Some(name), value));
        return Ok(());
    }
    let exists = bin(context, name).is_some();
    let refused = if flags & CREATE_ONLY != 0 && exists {
        Some(ResultCode::BinExists)
    } else if flags & UPDATE_ONLY != 0 && !exists {
        Some(ResultCode::BinNotFound)
    } else if value == Value::Nil && flags & ALLOW_DELETE == 0 {
        Some(ResultCode::OpNotApplicable)
    } else {
        None
    };
    match refused {
        Some(code) if flags & POLICY_NO_FAIL == 0 => return Err(code.into()),
        Some(_) => {}
        None => context.set_bin(name, value),
    }
    if reply_all {
        results.push((Some(name), Value::Nil));
    }
    Ok(())
}

/// The record with the changes made so far, for an expression to look at.
fn snapshot(context: &RecordContext, scope: &Scope) -> Option<Record> {
    let mut applied = context.clone();
    applied.update();
    let (mut builder, mut scratch) = Default::default();
    match applied.effects(
        scope,
        context.meta().last_update,
        &mut builder,
        &mut scratch,
    ) {
        crate::udf::Effects::Put(mut record) => {
            record.meta = context.meta();
            Some(record)
        }
        _ => context.base().cloned(),
    }
}
