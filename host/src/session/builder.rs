//! Opening a host in this process.

use std::path::Path;
use std::sync::Arc;

use super::{Result, Session};
use crate::assembly::{self, HostOptions, NamespaceOptions, Storage};
use crate::dispatch::Threads;
use crate::model::{Grants, Isolation, LimitOverrides, Limits};
use crate::store::Durability;

/// Says what a session is to be; see [`Session::builder`].
#[derive(Clone, Debug, Default)]
#[must_use = "a session is opened with build"]
pub struct SessionBuilder {
    options: HostOptions,
    namespaces: Vec<NamespaceOptions>,
}

impl Session {
    /// A builder of a session over a host of its own; in memory, unless it is told where
    /// its data is.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> petrel::session::Result<()> {
    /// use petrel::session::{DataSet, Session};
    ///
    /// let session = Session::builder().memory().build()?;
    /// let users = DataSet::of("test", "users");
    /// session.upsert(users.id(1)).bin("name").set_to("Ann").execute().await?;
    ///
    /// let found = session.get(users.id(1)).execute().await?.first_or_raise().await?;
    /// assert_eq!(found.record.bin("name"), Some(&"Ann".into()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> SessionBuilder {
        SessionBuilder::default()
    }
}

impl SessionBuilder {
    /// Keeps records and modules in memory: they end with the session. The default.
    pub fn memory(mut self) -> Self {
        self.options.storage = Storage::Memory;
        self
    }

    /// Keeps records and modules in a directory, made if it is not there. One process at a
    /// time can have it open.
    pub fn data(mut self, dir: impl AsRef<Path>) -> Self {
        self.options.storage = Storage::Directory(dir.as_ref().into());
        self
    }

    /// What a write to a data directory survives.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.options.durable.durability = durability;
        self
    }

    /// Adds a namespace whose records never expire unless a write says so. A session that
    /// names none has `test`.
    pub fn namespace(self, name: &str) -> Self {
        self.namespace_with_ttl(name, 0)
    }

    /// Adds a namespace whose records expire after so many seconds unless a write says
    /// otherwise.
    pub fn namespace_with_ttl(mut self, name: &str, seconds: u32) -> Self {
        self.namespaces.push(NamespaceOptions {
            name: name.into(),
            default_ttl: seconds,
        });
        self
    }

    /// The limits of every module's invocations.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.options.settings.limits.host = limits;
        self
    }

    /// What one module has instead of the host's limits, by its package name.
    pub fn module_limits(mut self, package: &str, limits: LimitOverrides) -> Self {
        let modules = &mut self.options.settings.limits.modules;
        modules.insert(package.into(), limits);
        self
    }

    /// What one module may reach beside its record, by its package name.
    pub fn grants(mut self, package: &str, grants: Grants) -> Self {
        self.options.settings.grants.insert(package.into(), grants);
        self
    }

    /// Who shares an instance of one module, by its package name.
    pub fn isolation(mut self, package: &str, isolation: Isolation) -> Self {
        let isolations = &mut self.options.settings.isolation;
        isolations.insert(package.into(), isolation);
        self
    }

    /// Keeps the compiled code of components in this folder. With a data directory it is kept there unless
    /// this says otherwise.
    pub fn code_cache(mut self, dir: impl AsRef<Path>) -> Self {
        self.options.code_cache = Some(dir.as_ref().into());
        self
    }

    /// How many threads run functions.
    pub fn threads(mut self, threads: Threads) -> Self {
        self.options.threads = threads;
        self
    }

    /// Opens the session. With a data directory this blocks while records are counted and
    /// modules compiled.
    ///
    /// # Errors
    /// [`SessionError::Host`](super::SessionError::Host) when the data directory cannot be
    /// used or a runtime or thread cannot be started.
    pub fn build(mut self) -> Result<Session> {
        if !self.namespaces.is_empty() {
            self.options.namespaces = self.namespaces;
        }
        Ok(Session::over(Arc::new(assembly::open(self.options)?)))
    }
}
