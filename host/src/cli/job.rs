//! Background tasks as `query-show` reports them.

use aerospike::IndexMap;
use serde_json::json;

use super::connect::{Server, field, reply_error};
use super::error::CliError;

/// The code of an info reply for a task that the server does not know.
const NOT_FOUND: u32 = 2;

/// One background task, summed over the nodes that run it.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// The task's id.
    pub id: u64,
    /// The namespace.
    pub namespace: String,
    /// The set; empty for the whole namespace.
    pub set: String,
    /// What it does, in the server's words: `background-udf`, `background-ops`, …
    pub kind: String,
    /// `module.function` of a UDF task.
    pub function: Option<String>,
    /// `active(ok)`, `done(ok)`, `done(user-aborted)`, …
    pub status: String,
    /// Progress from 0 to 100, the mean of the nodes.
    pub percent: f64,
    /// Run time in milliseconds, the longest of the nodes.
    pub run_ms: u64,
    /// Records changed.
    pub succeeded: u64,
    /// Records on which the task failed.
    pub failed: u64,
    /// Records that the filter left out.
    pub filtered: u64,
    /// Records that waited for the rate limit.
    pub throttled: u64,
}

impl Job {
    /// Reads one task of a node's reply; `None` if it has no id.
    pub fn parse(reply: &str) -> Option<Self> {
        let get = |name| field(reply, ':', name);
        let number = |name| get(name).and_then(|text| text.parse().ok()).unwrap_or(0);
        let text = |name| get(name).unwrap_or_default().to_owned();
        Some(Self {
            id: get("trid").or_else(|| get("id"))?.parse().ok()?,
            namespace: text("ns"),
            set: text("set"),
            kind: text("job-type"),
            function: get("udf-filename")
                .map(|module| format!("{module}.{}", get("udf-function").unwrap_or_default())),
            status: text("status"),
            percent: get("job-progress")
                .and_then(|text| text.parse().ok())
                .unwrap_or(0.0),
            run_ms: number("run-time"),
            succeeded: number("recs-succeeded"),
            failed: number("recs-failed"),
            filtered: number("recs-filtered-meta").saturating_add(number("recs-filtered-bins")),
            throttled: number("recs-throttled"),
        })
    }

    /// Whether every node is through with it.
    pub fn is_done(&self) -> bool {
        self.status.starts_with("done")
    }

    /// Whether it ended as it should, on every record.
    pub fn is_well(&self) -> bool {
        self.status == "done(ok)" && self.failed == 0
    }

    /// How it ended, in words.
    pub fn outcome(&self) -> String {
        if self.status != "done(ok)" {
            return format!(
                "ended as {}, {} records changed",
                self.status, self.succeeded
            );
        }
        if self.failed > 0 {
            return format!(
                "failed on {} records, {} changed",
                self.failed, self.succeeded
            );
        }
        format!("{} records changed", self.succeeded)
    }

    /// The task for programs. The id is text, because it is beyond JavaScript's numbers.
    pub fn to_json(&self) -> serde_json::Value {
        json!({
            "id": self.id.to_string(),
            "namespace": self.namespace,
            "set": self.set,
            "type": self.kind,
            "function": self.function,
            "status": self.status,
            "progress": self.percent,
            "run_ms": self.run_ms,
            "succeeded": self.succeeded,
            "failed": self.failed,
            "filtered": self.filtered,
            "throttled": self.throttled,
        })
    }

    /// Adds what another node says about the same task.
    fn merge(&mut self, other: &Self, nodes_before: u32) {
        let before = f64::from(nodes_before);
        self.percent = (self.percent * before + other.percent) / (before + 1.0);
        self.run_ms = self.run_ms.max(other.run_ms);
        self.succeeded = self.succeeded.saturating_add(other.succeeded);
        self.failed = self.failed.saturating_add(other.failed);
        self.filtered = self.filtered.saturating_add(other.filtered);
        self.throttled = self.throttled.saturating_add(other.throttled);
        // A node still at work, else one that ended badly, speaks for the whole.
        if (self.is_done() && !other.is_done()) || self.status == "done(ok)" {
            self.status.clone_from(&other.status);
        }
    }
}

/// Sums what nodes say, by task, in the order of their first mention.
fn merge_all(jobs: impl IntoIterator<Item = Job>) -> Vec<Job> {
    let mut by_id: IndexMap<u64, (Job, u32)> = IndexMap::new();
    for job in jobs {
        match by_id.get_mut(&job.id) {
            Some((known, nodes)) => {
                known.merge(&job, *nodes);
                *nodes += 1;
            }
            None => {
                by_id.insert(job.id, (job, 1));
            }
        }
    }
    by_id.into_values().map(|(job, _)| job).collect()
}

impl Server {
    /// All tasks that the nodes remember.
    pub async fn jobs(&self) -> Result<Vec<Job>, CliError> {
        let mut jobs = Vec::new();
        for reply in self.info_all("query-show").await? {
            refuse_error("query-show", &reply)?;
            jobs.extend(reply.split(';').filter_map(Job::parse));
        }
        Ok(merge_all(jobs))
    }

    /// One task, or `None` if no node knows it.
    pub async fn job(&self, id: u64) -> Result<Option<Job>, CliError> {
        let command = format!("query-show:trid={id}");
        let mut jobs = Vec::new();
        for reply in self.info_all(&command).await? {
            if matches!(reply_error(&reply), Some((Some(NOT_FOUND), _))) {
                continue;
            }
            refuse_error(&command, &reply)?;
            jobs.extend(Job::parse(&reply));
        }
        Ok(merge_all(jobs).pop())
    }

    /// Asks every node to abort a task; false if none knows it.
    pub async fn abort_job(&self, id: u64) -> Result<bool, CliError> {
        let command = format!("query-abort:trid={id}");
        let mut known = false;
        for reply in self.info_all(&command).await? {
            if matches!(reply_error(&reply), Some((Some(NOT_FOUND), _))) {
                continue;
            }
            refuse_error(&command, &reply)?;
            known = true;
        }
        Ok(known)
    }
}

fn refuse_error(command: &str, reply: &str) -> Result<(), CliError> {
    match reply_error(reply) {
        None => Ok(()),
        Some((_, message)) => Err(CliError::Server {
            context: command.to_owned(),
            message,
            next: None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLY: &str = "trid=17893423010417235135:ns=test:set=probe:rps=1000000:\
        active-threads=0:status=done(ok):job-progress=100.00:run-time=274:time-since-done=26:\
        recs-throttled=1:recs-filtered-meta=2:recs-filtered-bins=3:recs-succeeded=4:\
        recs-failed=0:from=127.0.0.1+37782:job-type=background-udf:net-io-bytes=30:\
        socket-timeout=10000:udf-filename=probe:udf-function=upd_ret:udf-active=0";

    #[test]
    fn a_finished_task_is_read_whole() {
        let job = Job::parse(REPLY).unwrap();
        assert_eq!(job.id, 17_893_423_010_417_235_135);
        assert_eq!(job.function.as_deref(), Some("probe.upd_ret"));
        assert_eq!((job.succeeded, job.filtered), (4, 5));
        assert!(job.is_done() && job.is_well());
    }

    #[test]
    fn a_task_is_active_while_one_node_is_and_bad_if_one_ended_badly() {
        let done = Job::parse(REPLY).unwrap();
        let mut active = done.clone();
        active.status = "active(ok)".to_owned();
        active.percent = 50.0;
        let merged = merge_all([done.clone(), active.clone()]);
        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].status, "active(ok)");
        assert_eq!((merged[0].percent, merged[0].succeeded), (75.0, 8));

        let mut aborted = done.clone();
        aborted.status = "done(user-aborted)".to_owned();
        assert!(!merge_all([done.clone(), aborted.clone()])[0].is_well());
        assert!(!merge_all([aborted.clone(), done])[0].is_well());
        assert!(!merge_all([aborted, active])[0].is_done());
    }

    #[test]
    fn a_task_that_failed_on_records_is_not_well() {
        let mut job = Job::parse(REPLY).unwrap();
        job.failed = 2;
        assert!(!job.is_well());
        assert_eq!(job.outcome(), "failed on 2 records, 4 changed");
    }
}
