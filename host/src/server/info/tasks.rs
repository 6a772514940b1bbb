//! Shows and aborts background tasks.

use std::fmt::Write as _;
use std::sync::atomic::Ordering::Relaxed;

use super::super::host::Host;
use super::params::{Answer, Params, error, missing};
use crate::model::ResultCode;
use crate::request::IndexRef;
use crate::task::{Status, Task};

fn id(p: &Params<'_>) -> Result<Option<u64>, String> {
    let Some(text) = p.any(&["id", "trid"]) else {
        return Ok(None);
    };
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    };
    match parsed {
        Ok(id) if id != 0 => Ok(Some(id)),
        _ => Err(error(ResultCode::ParameterError, "bad id")),
    }
}

/// `query-show`, `query-show:trid=ID`.
pub fn show(host: &Host, p: &Params<'_>) -> Answer {
    let tasks = host.dispatcher.tasks();
    match id(p)? {
        Some(id) => tasks
            .get(id)
            .map(|task| line(&task))
            .ok_or_else(|| error(ResultCode::NotFound, "job not found")),
        None => {
            let lines: Vec<String> = tasks.all().iter().map(|task| line(task)).collect();
            Ok(lines.join(";"))
        }
    }
}

/// `jobs:module=query;cmd=kill-job;trid=ID`, the old way to show and abort.
pub fn jobs(host: &Host, p: &Params<'_>) -> Answer {
    match p.get("cmd") {
        Some("kill-job") => abort(host, p),
        _ => show(host, p),
    }
}

/// `query-abort:trid=ID`.
pub fn abort(host: &Host, p: &Params<'_>) -> Answer {
    let id = id(p)?.ok_or_else(|| missing("id"))?;
    match host.dispatcher.tasks().get(id) {
        Some(task) if task.status() == Status::Active => {
            task.abort();
            Ok("ok".into())
        }
        _ => Err(error(ResultCode::NotFound, "id not active")),
    }
}

/// `query-abort-all`.
pub fn abort_all(host: &Host) -> String {
    let tasks = host.dispatcher.tasks().all();
    let active = tasks.iter().filter(|t| t.status() == Status::Active);
    let n = active.inspect(|task| task.abort()).count();
    format!("OK - number of queries killed: {n}")
}

fn line(task: &Task) -> String {
    let (spec, counts) = (&task.spec, &task.counts);
    let mut out = format!("trid={}:ns={}", task.id, spec.namespace());
    if let Some(set) = spec.set() {
        let _ = write!(out, ":set={}", String::from_utf8_lossy(set));
    }
    if let Some(IndexRef::Named(name)) = spec.range.as_ref().map(|range| &range.index) {
        let _ = write!(out, ":sindex-name={name}");
    }
    let status = match task.status() {
        Status::Active => "active(ok)",
        Status::Done => "done(ok)",
        Status::Aborted => "done(user-aborted)",
        Status::Failed => "done(unknown-error)",
    };
    let _ = write!(
        out,
        ":rps={}:active-threads={}:status={status}:job-progress={:.2}:run-time={}:\
         time-since-done={}:recs-throttled={}:recs-filtered-meta={}:recs-filtered-bins={}:\
         recs-succeeded={}:recs-failed={}:from={}:job-type={}:net-io-bytes=30:socket-timeout={}",
        spec.records_per_second,
        task.active_workers(),
        task.progress(),
        task.run_time().as_millis(),
        task.since_done().as_millis(),
        counts.throttled.load(Relaxed),
        counts.filtered_meta.load(Relaxed),
        counts.filtered_bins.load(Relaxed),
        counts.succeeded.load(Relaxed),
        counts.failed.load(Relaxed),
        spec.from,
        spec.job_type(),
        spec.socket_timeout,
    );
    if let Some((package, function)) = spec.udf() {
        let _ = write!(
            out,
            ":udf-filename={package}:udf-function={function}:udf-active={}",
            task.active_workers()
        );
    }
    if let Some(failure) = task.first_failure() {
        // Colons and semicolons separate; they would end the entry early.
        let failure = failure.replace([':', ';', '\n', '\t', '='], " ");
        let _ = write!(out, ":first-failure={failure}");
    }
    out
}
