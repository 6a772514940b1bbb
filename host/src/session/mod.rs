//! The embedded door: a host in this process, through an API that reads like the guide.

mod action;
mod args;
mod background;
mod bin;
mod builder;
mod error;
mod execute_task;
mod info;
mod keys;
mod on_keys;
mod options;
mod query;
mod result;
#[allow(clippy::module_inception)]
mod session;
mod stream;

pub use action::{Action, Delete, Fetch, Function, Invoke, Put, Renews, Touch, WriteAction};
pub use args::Args;
pub use background::{BackgroundTasks, OnSet};
pub use bin::BinBuilder;
pub use builder::SessionBuilder;
pub use error::{Result, SessionError};
pub use execute_task::{ExecuteTask, TaskReport, Wait};
pub use info::Info;
pub use keys::{DataSet, Id, IntoKeys};
pub use on_keys::{Exists, OnKeys};
pub use query::Query;
pub use result::{Record, RecordResult};
pub use session::Session;
pub use stream::RecordStream;
