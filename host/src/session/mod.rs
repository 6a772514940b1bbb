//! The embedded door: a host in this process, through an API that reads like the guide.
//!
//! A [`Session`] has records, modules and background tasks. Calls are built step by step and
//! run by `execute`:
//!
//! ```
//! # #[tokio::main]
//! # async fn main() -> petrel::session::Result<()> {
//! use petrel::session::{DataSet, Session, Wait};
//!
//! let session = Session::builder().memory().build()?;
//! let users = DataSet::of("test", "users");
//! session.upsert(users.ids([1, 2, 3])).bin("status").set_to("inactive").execute().await?;
//! session.upsert(users.id(2)).bin("status").set_to("active").execute().await?;
//!
//! let task = session
//!     .background_task()
//!     .delete(&users)
//!     .where_("$.status == 'inactive'")
//!     .execute()
//!     .await?;
//! let report = task.wait_till_complete(Wait::default()).await?;
//! assert_eq!(report.succeeded, 2);
//! assert_eq!(session.exists(users.ids([1, 2, 3])).execute().await?, [false, true, false]);
//! # Ok(())
//! # }
//! ```
//!
//! Functions run on the records of given keys and give results back, or on a whole set in
//! the background:
//!
//! ```no_run
//! # async fn guide(session: petrel::session::Session) -> petrel::session::Result<()> {
//! use futures::TryStreamExt;
//! use petrel::session::{DataSet, Wait};
//!
//! let users = DataSet::of("test", "users");
//! session.info().register_udf("/path/to/my_module.lua").await?;
//!
//! let stream = session
//!     .execute_udf(users.id(1))
//!     .function("my_module", "get_computed_value")
//!     .passing(42)
//!     .execute()
//!     .await?;
//! println!("{:?}", stream.first_or_raise().await?.udf_result);
//!
//! let mut stream = session
//!     .execute_udf(users.ids([1, 2, 3]))
//!     .function("my_module", "process_record")
//!     .execute()
//!     .await?;
//! while let Some(result) = stream.try_next().await? {
//!     println!("{:?} {:?}", result.record.key, result.udf_result);
//! }
//!
//! session
//!     .background_task()
//!     .execute_udf(&users)
//!     .function("my_module", "transform_record")
//!     .passing(("arg1", "arg2"))
//!     .execute()
//!     .await?
//!     .wait_till_complete(Wait::default())
//!     .await?;
//! # Ok(())
//! # }
//! ```

mod action;
mod aggregate;
mod args;
mod background;
mod bin;
mod builder;
mod calls;
mod error;
mod execute_task;
mod index;
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
pub use aggregate::{Aggregate, ValueStream};
pub use args::Args;
pub use background::{BackgroundTasks, OnSet};
pub use bin::BinBuilder;
pub use builder::SessionBuilder;
pub use error::{Result, SessionError};
pub use execute_task::{ExecuteTask, TaskReport, Wait};
pub use index::{Filter, IndexBuilder, IndexTask};
pub use info::Info;
pub use keys::{DataSet, Id, IntoKeys};
pub use on_keys::{Exists, OnKeys};
pub use query::Query;
pub use result::{Record, RecordResult};
pub use session::Session;
pub use stream::RecordStream;
