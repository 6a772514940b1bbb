//! The embedded door itself.

use std::fmt;
use std::sync::Arc;

use futures::StreamExt as _;

use super::{DataSet, RecordResult, Result};
use crate::dispatch::Dispatcher;
use crate::model::{Error, Grants, Key, ResultCode};
use crate::request::{Group, Reply, Request};

/// A host in this process: its records, modules and tasks. Clones share it.
///
/// All methods but [`Session::builder`] need a tokio runtime.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> petrel::session::Result<()> {
/// # use petrel::session::{DataSet, Session};
/// # let session = Session::builder().memory().build()?;
/// # let users = DataSet::of("test", "users");
/// session.insert(users.ids([1, 2])).bin("name").set_to("Ann").execute().await?;
///
/// let removed = session.truncate(&users).await?;
/// assert_eq!(removed, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Session {
    dispatcher: Arc<Dispatcher>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    /// A session over a dispatcher, which other doors may share.
    pub fn over(dispatcher: Arc<Dispatcher>) -> Self {
        Self { dispatcher }
    }

    /// The dispatcher behind it.
    pub fn dispatcher(&self) -> &Arc<Dispatcher> {
        &self.dispatcher
    }

    /// Removes every record of a set, or of a namespace when the set's name is empty, that was written
    /// before the call. Gives how many there were, once they are gone.
    ///
    /// # Errors
    /// An unknown namespace, or a failed store.
    pub async fn truncate(&self, set: impl Into<DataSet>) -> Result<u64> {
        let set = set.into();
        let namespace = self.dispatcher.namespace(set.namespace().as_bytes())?;
        let name = Some(set.set().as_bytes()).filter(|name| !name.is_empty());
        Ok(self
            .dispatcher
            .truncate(namespace, name, None)
            .await
            .await?)
    }

    /// Changes what a module may reach beside its record, for the calls that start afterwards. Whether
    /// it is registered already does not matter.
    ///
    /// # Errors
    /// [`ResultCode::ParameterError`] when something cannot be granted, or the module does not start with it.
    pub async fn set_grants(&self, package: &str, grants: Grants) -> Result<()> {
        let registry = self.dispatcher.registry();
        let changed = registry.set_grants(package, grants).await;
        Ok(changed.map_err(|e| Error::new(ResultCode::ParameterError, e.to_string()))?)
    }

    /// Makes everything that was written as durable as the session is.
    ///
    /// # Errors
    /// The store's.
    pub async fn flush(&self) -> Result<()> {
        Ok(self.dispatcher.flush().await?)
    }

    /// Runs a request on keys; results come in the order of the keys.
    pub(super) async fn run(&self, request: Request, keys: Vec<Key>) -> Result<Vec<RecordResult>> {
        if let [key] = &keys[..] {
            let namespace = self.dispatcher.namespace(key.namespace.as_bytes())?;
            let reply = self.dispatcher.call(namespace, request, key.into()).await;
            return Ok(vec![RecordResult::of(key.clone(), reply)]);
        }
        let mut groups: Vec<Group> = Vec::new();
        for (index, key) in (0..).zip(&keys) {
            self.dispatcher.namespace(key.namespace.as_bytes())?;
            match groups.last_mut() {
                Some(group) if group.namespace == key.namespace.as_bytes() => {
                    group.rows.push((index, key.into()));
                }
                _ => groups.push(Group {
                    namespace: key.namespace.as_bytes().to_vec(),
                    request: Ok(request.clone()),
                    rows: vec![(index, key.into())],
                    error_detail: 0,
                }),
            }
        }
        let mut replies = vec![None; keys.len()];
        let mut parts = std::pin::pin!(self.dispatcher.batch(groups));
        while let Some(part) = parts.next().await {
            for (index, reply) in part.rows {
                replies[index as usize] = Some(reply);
            }
        }
        let missing = || Reply::from(ResultCode::ServerError);
        Ok(keys
            .into_iter()
            .zip(replies)
            .map(|(key, reply)| RecordResult::of(key, reply.unwrap_or_else(missing)))
            .collect())
    }
}
