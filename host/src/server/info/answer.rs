//! Finds the answer to each command of a frame.

use std::borrow::Cow;

use super::super::host::Host;
use super::params::{Answer, Params, error};
use super::{cluster, indexes, modules, namespaces, statistics, tasks};
use crate::model::ResultCode;
use crate::wire::{FrameKind, begin_frame, end_frame};

/// What is asked when a client asks for nothing in particular.
const SUMMARY: &[&str] = &[
    "features",
    "node",
    "edition",
    "build",
    "version",
    "statistics",
    "partition-generation",
];

/// Appends a frame with a line for each command: the command, a tab, its answer.
pub async fn answer(host: &Host, body: &[u8], out: &mut Vec<u8>) {
    let text = String::from_utf8_lossy(body);
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        lines = SUMMARY.to_vec();
    }
    let at = begin_frame(out, FrameKind::Info);
    for line in lines {
        let answer: Cow<'_, str> = match command(host, &Params::parse(line)).await {
            Ok(text) | Err(text) => text.into(),
        };
        out.extend_from_slice(line.as_bytes());
        out.push(b'\t');
        out.extend_from_slice(answer.as_bytes());
        out.push(b'\n');
    }
    end_frame(out, at);
}

fn ok() -> Answer {
    Ok("ok".into())
}

async fn command(host: &Host, p: &Params<'_>) -> Answer {
    if let Some(answer) = cluster::answer(host, p) {
        return answer;
    }
    match p.name {
        "namespaces" => Ok(namespaces::names(host)),
        "namespace" => namespaces::namespace(host, p.argument),
        "sets" => namespaces::sets(host, p.argument),
        "bins" => Ok(String::new()),
        "truncate" | "truncate-namespace" => namespaces::truncate(host, p).await,
        "truncate-undo" | "truncate-namespace-undo" => ok(),
        "statistics" => Ok(statistics::statistics(host)),
        "get-config" | "config-get" => statistics::config(host, p),
        "get-stats" => Ok(statistics::statistics(host)),
        "udf-put" => modules::put(host, p).await,
        "udf-get" => modules::get(host, p),
        "udf-functions" => modules::functions(host, p),
        "udf-grants" => modules::grants(host, p),
        "udf-list" => Ok(modules::list(host)),
        "udf-remove" => modules::remove(host, p).await,
        "udf-clear-cache" => ok(),
        "query-show" | "scan-show" => tasks::show(host, p),
        "jobs" => tasks::jobs(host, p),
        "query-abort" | "scan-abort" => tasks::abort(host, p),
        "query-abort-all" | "scan-abort-all" => Ok(tasks::abort_all(host)),
        "sindex-create" => indexes::create(host, p).await,
        "sindex-delete" => indexes::delete(host, p).await,
        "sindex-exists" => indexes::exists(host, p),
        "sindex-list" => indexes::list(host, p),
        "sindex-stat" => indexes::statistics(host, p),
        "sindex" => indexes::sindex(host, p),
        "user-agent-set" => ok(),
        "user-agents" => Ok(String::new()),
        "status" => ok(),
        "health-outliers" | "health-stats" | "best-practices" | "logs" | "log" => Ok(String::new()),
        "set-config" | "config-set" => Err(error(
            ResultCode::Forbidden,
            "settings are read from the config file at start; change it and restart",
        )),
        "latencies" | "histogram" => Ok(String::new()),
        _ => Err(error(ResultCode::ParameterError, "unrecognized command")),
    }
}
