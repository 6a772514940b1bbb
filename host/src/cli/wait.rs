//! Waiting for a background task, with a progress bar for people.

use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::connect::Server;
use super::error::CliError;
use super::job::Job;
use super::output::Output;

/// A task may need this long to be listed after the server took it.
const START_GRACE: Duration = Duration::from_secs(2);

/// Short tasks are over within a few looks.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// How to wait.
#[derive(Debug, Clone, Args)]
pub struct WaitArgs {
    /// Milliseconds between looks at the task; the first looks are closer together.
    #[arg(long, value_name = "MS", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..))]
    pub poll: u64,
    /// Seconds after which to give up waiting; the task goes on.
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
}

/// Waits until the task is done on every node. An aborted or failing task is an error.
pub async fn wait(
    server: &Server,
    id: u64,
    how: &WaitArgs,
    output: Output,
) -> Result<Job, CliError> {
    let bar = progress_bar(output);
    let outcome = tokio::select! {
        outcome = poll(server, id, how, &bar) => outcome,
        _ = tokio::signal::ctrl_c() => Err(CliError::Interrupted(id)),
    };
    bar.finish_and_clear();
    let job = outcome?;
    if job.is_well() {
        Ok(job)
    } else {
        Err(CliError::TaskFailed {
            id,
            outcome: job.outcome(),
        })
    }
}

async fn poll(
    server: &Server,
    id: u64,
    how: &WaitArgs,
    bar: &ProgressBar,
) -> Result<Job, CliError> {
    let start = Instant::now();
    let longest = Duration::from_millis(how.poll);
    let mut pause = FIRST_PAUSE.min(longest);
    let mut last = None;
    loop {
        match server.job(id).await? {
            Some(job) => {
                show(bar, &job);
                if job.is_done() {
                    return Ok(job);
                }
                last = Some(job);
            }
            None if last.is_none() && start.elapsed() < START_GRACE => {}
            None => return Err(not_found(id)),
        }
        if let Some(seconds) = how.timeout
            && start.elapsed() >= Duration::from_secs(seconds)
        {
            let percent = last.map_or(0.0, |job| job.percent);
            return Err(CliError::TimedOut(format!(
                "task {id} is at {percent:.0} % after {seconds} s and goes on; \
                 `petrel task wait {id}` waits again"
            )));
        }
        tokio::time::sleep(pause).await;
        pause = longest.min(pause * 2);
    }
}

/// The failure for a task that no node knows.
pub fn not_found(id: u64) -> CliError {
    CliError::NotFound {
        what: format!("task {id}"),
        next: "`petrel task list` shows the tasks that the server remembers".to_owned(),
    }
}

fn progress_bar(output: Output) -> ProgressBar {
    let bar = ProgressBar::new(1_000);
    // indicatif itself stays silent when stderr is no terminal.
    if output == Output::Programs {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("[{elapsed_precise}] {bar:40} {msg}") {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, job: &Job) {
    bar.set_position((job.percent.clamp(0.0, 100.0) * 10.0) as u64);
    bar.set_message(format!(
        "{:.1} %  {} changed, {} filtered, {} failed",
        job.percent, job.succeeded, job.filtered, job.failed
    ));
}
