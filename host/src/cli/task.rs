//! `petrel task`: list, show, wait and abort.

use clap::Subcommand;
use serde_json::json;

use super::connect::Server;
use super::error::CliError;
use super::global::GlobalArgs;
use super::job::Job;
use super::output::Output;
use super::wait::{self, WaitArgs};

/// What to do with background tasks.
#[derive(Debug, Subcommand)]
pub enum TaskCommand {
    /// List the tasks that the server remembers.
    List,
    /// Show one task.
    Show {
        /// The task's id.
        id: u64,
    },
    /// Wait until a task is done; code 6 if it was aborted or failed.
    Wait {
        /// The task's id.
        id: u64,
        /// How to wait.
        #[command(flatten)]
        how: WaitArgs,
    },
    /// Abort a task. What it has changed so far stays changed.
    Abort {
        /// The task's id.
        id: u64,
    },
}

impl TaskCommand {
    /// Runs the command.
    pub async fn run(&self, global: &GlobalArgs, output: Output) -> Result<(), CliError> {
        let server = Server::connect(global).await?;
        match self {
            Self::List => {
                let jobs = server.jobs().await?;
                output.table(
                    &[
                        "task", "on", "does", "status", "progress", "changed", "failed",
                        "filtered", "time",
                    ],
                    jobs.iter().map(row).collect(),
                    "no tasks",
                    || jobs.iter().map(Job::to_json).collect(),
                );
            }
            Self::Show { id } => {
                let job = server.job(*id).await?.ok_or_else(|| wait::not_found(*id))?;
                print(&job, output);
            }
            Self::Wait { id, how } => {
                // A task that is awaited by its id started long ago, or never.
                server.job(*id).await?.ok_or_else(|| wait::not_found(*id))?;
                print(&wait::wait(&server, *id, how, output).await?, output);
            }
            Self::Abort { id } => {
                if !server.abort_job(*id).await? {
                    return Err(wait::not_found(*id));
                }
                output.result(
                    || format!("task {id} aborted"),
                    || json!({"id": id.to_string(), "aborted": true}),
                );
            }
        }
        Ok(())
    }
}

/// Prints one task, a field a line for people.
pub fn print(job: &Job, output: Output) {
    let rows = [
        ("task", job.id.to_string()),
        ("on", place(job)),
        ("does", work(job)),
        ("status", job.status.clone()),
        ("progress", format!("{:.1} %", job.percent)),
        ("changed", job.succeeded.to_string()),
        ("failed", job.failed.to_string()),
        ("filtered", job.filtered.to_string()),
        ("throttled", job.throttled.to_string()),
        ("time", seconds(job)),
    ];
    output.table(
        &[],
        rows.into_iter()
            .map(|(name, value)| vec![name.to_owned(), value])
            .collect(),
        "",
        || job.to_json(),
    );
}

fn row(job: &Job) -> Vec<String> {
    vec![
        job.id.to_string(),
        place(job),
        work(job),
        job.status.clone(),
        format!("{:.1} %", job.percent),
        job.succeeded.to_string(),
        job.failed.to_string(),
        job.filtered.to_string(),
        seconds(job),
    ]
}

fn place(job: &Job) -> String {
    if job.set.is_empty() || job.set == "<NULL>" {
        job.namespace.clone()
    } else {
        format!("{}.{}", job.namespace, job.set)
    }
}

fn work(job: &Job) -> String {
    match &job.function {
        Some(function) => format!("{} {function}", job.kind),
        None => job.kind.clone(),
    }
}

fn seconds(job: &Job) -> String {
    format!("{:.3} s", job.run_ms as f64 / 1_000.0)
}
