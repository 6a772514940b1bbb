//! Registering, listing and removing modules; listing indexes.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::{Result, Session, SessionError};
use crate::index::Index;
use crate::model::{Error, ResultCode};
use crate::udf::ModuleInfo;

/// The modules and indexes of a host; see [`Session::info`].
#[derive(Debug)]
pub struct Info {
    session: Session,
}

impl Info {
    pub(super) fn new(session: &Session) -> Self {
        Self {
            session: session.clone(),
        }
    }

    /// Registers the module in a file under the file's name; a module of that name is
    /// replaced, while calls that run finish on the old one.
    ///
    /// # Errors
    /// [`SessionError::File`] when it cannot be read, [`SessionError::Module`] when it
    /// does not compile.
    pub async fn register_udf(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bytes = tokio::fs::read(path)
            .await
            .map_err(|source| SessionError::File {
                path: path.into(),
                source,
            })?;
        let name = path.file_name().and_then(|n| n.to_str()).ok_or_else(|| {
            Error::new(
                ResultCode::ParameterError,
                format!(
                    "{} has no file name to register the module under",
                    path.display()
                ),
            )
        })?;
        self.register_udf_bytes(name, bytes).await
    }

    /// Registers a module under a file name: `my_module.lua`, `my_module.wasm`.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> petrel::session::Result<()> {
    /// # use petrel::session::{DataSet, Session};
    /// # let session = Session::builder().memory().build()?;
    /// # let users = DataSet::of("test", "users");
    /// let module = "function twice(rec, n) return n * 2 end";
    /// session.info().register_udf_bytes("math.lua", module).await?;
    ///
    /// let call = session.execute_udf(users.id(1)).function("math", "twice").passing(21);
    /// let result = call.execute().await?.first_or_raise().await?;
    /// assert_eq!(result.udf_result, Some(42.into()));
    ///
    /// assert!(session.info().remove_udf("math.lua").await?);
    /// assert!(session.info().list_udfs().is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`SessionError::Module`] when it does not compile.
    pub async fn register_udf_bytes(&self, file: &str, module: impl Into<Bytes>) -> Result<()> {
        let registry = self.session.dispatcher().registry();
        Ok(registry.register(file, module.into()).await?)
    }

    /// Removes a module by its file name. Tells whether there was one.
    ///
    /// # Errors
    /// When its file cannot be removed from the data directory.
    pub async fn remove_udf(&self, file: &str) -> Result<bool> {
        Ok(self.session.dispatcher().registry().remove(file).await?)
    }

    /// The secondary indexes of a namespace, with their state and figures.
    ///
    /// # Errors
    /// An unknown namespace.
    pub fn secondary_indexes(&self, namespace: &str) -> Result<Vec<Arc<Index>>> {
        let namespace = self.session.dispatcher().namespace(namespace.as_bytes())?;
        Ok(Vec::clone(&namespace.indexes().all()))
    }

    /// Every module, by package name.
    pub fn list_udfs(&self) -> Vec<ModuleInfo> {
        self.session.dispatcher().registry().list()
    }
}
