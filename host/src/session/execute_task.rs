//! A running background task, and waiting for it.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::{Result, SessionError};
use crate::task::{Status, Task};

/// How to wait for a task: the interval between looks at it, and how many looks to take.
///
/// ```
/// use std::time::Duration;
/// use petrel::session::Wait;
///
/// let at_most_20_seconds = Wait::default().every(Duration::from_millis(200)).attempts(100);
/// # let _ = at_most_20_seconds;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    every: Duration,
    attempts: Option<u32>,
}

impl Default for Wait {
    /// Every second, until the task ends.
    fn default() -> Self {
        Self {
            every: Duration::from_secs(1),
            attempts: None,
        }
    }
}

impl Wait {
    /// The interval. The end of a task is noticed at once, whatever the interval.
    pub fn every(mut self, interval: Duration) -> Self {
        self.every = interval;
        self
    }

    /// How long it waits at most; `None` for as long as it takes.
    pub(super) fn longest(&self) -> Option<Duration> {
        self.attempts.map(|n| self.every.saturating_mul(n))
    }

    /// How many intervals to wait at most.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts);
        self
    }
}

/// What a background task has done.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskReport {
    /// Where it is in its life.
    pub status: Status,
    /// Its progress in percent.
    pub progress: f64,
    /// Records the call was applied to.
    pub succeeded: u64,
    /// Records the call failed on.
    pub failed: u64,
    /// Records that did not match the filter.
    pub filtered: u64,
    /// Records held back by the rate limit.
    pub throttled: u64,
    /// What happened to the first record that failed.
    pub first_failure: Option<String>,
    /// How long it has run, or ran.
    pub run_time: Duration,
}

/// A background task that was started.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> petrel::session::Result<()> {
/// # use petrel::session::{DataSet, Session};
/// # let session = Session::builder().memory().build()?;
/// # let users = DataSet::of("test", "users");
/// use petrel::session::Wait;
/// use petrel::task::Status;
///
/// session.insert(users.ids(0..100)).bin("a").set_to(1).execute().await?;
/// let slow = session.background_task().touch(&users).records_per_second(1).execute().await?;
///
/// slow.abort();
/// assert!(slow.wait_till_complete(Wait::default()).await.is_err());
/// assert_eq!(slow.report().status, Status::Aborted);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ExecuteTask {
    task: Arc<Task>,
}

impl ExecuteTask {
    pub(super) fn new(task: Arc<Task>) -> Self {
        Self { task }
    }

    /// Its id, by which the tracker knows it.
    pub fn id(&self) -> u64 {
        self.task.id
    }

    /// What it has done so far.
    pub fn report(&self) -> TaskReport {
        let counts = &self.task.counts;
        TaskReport {
            status: self.task.status(),
            progress: self.task.progress(),
            succeeded: counts.succeeded.load(Relaxed),
            failed: counts.failed.load(Relaxed),
            filtered: counts.filtered_meta.load(Relaxed) + counts.filtered_bins.load(Relaxed),
            throttled: counts.throttled.load(Relaxed),
            first_failure: self.task.first_failure(),
            run_time: self.task.run_time(),
        }
    }

    /// Asks it to stop; it ends soon after.
    pub fn abort(&self) {
        self.task.abort();
    }

    /// Waits until it has run over every record, and tells what it did. Records that
    /// failed are counted, and are no error of the task.
    ///
    /// # Errors
    /// [`SessionError::StillRunning`] after the last attempt, [`SessionError::TaskEnded`]
    /// when it was aborted or the store failed.
    pub async fn wait_till_complete(&self, wait: Wait) -> Result<TaskReport> {
        let started = Instant::now();
        let mut left = wait.attempts;
        loop {
            if let Ok(status) = tokio::time::timeout(wait.every, self.task.wait()).await {
                return match status {
                    Status::Done => Ok(self.report()),
                    status => Err(SessionError::TaskEnded {
                        id: self.id(),
                        status,
                    }),
                };
            }
            left = left.map(|n| n.saturating_sub(1));
            if left == Some(0) {
                return Err(SessionError::StillRunning {
                    id: self.id(),
                    waited: started.elapsed(),
                    progress: self.task.progress(),
                });
            }
        }
    }
}
