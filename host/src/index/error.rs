//! Why an index cannot be made or used.

use crate::model::{Error, ResultCode};
use crate::store::StoreError;

/// Why an index cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// A definition that says too little or too much.
    #[error("{0}")]
    Definition(String),
    /// Another index has the name.
    #[error("'indexname' already exists with different definition")]
    Taken,
    /// The namespace has as many as it may.
    #[error("a namespace has at most {0} indexes; drop one that is not used")]
    TooMany(usize),
    /// There is no such index.
    #[error("there is no such index; create it first")]
    Missing,
    /// It is still being built, or could not be.
    #[error("index {0} is not built yet; its progress is load_pct in sindex-stat")]
    NotReadable(String),
    /// What this host does not index.
    #[error("{0} indexes are not supported; use a filter expression")]
    Unsupported(&'static str),
    /// The definition could not be kept, or its set be given an id.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<IndexError> for Error {
    fn from(e: IndexError) -> Self {
        let code = match &e {
            IndexError::Definition(_) => ResultCode::ParameterError,
            IndexError::Taken => ResultCode::IndexFound,
            IndexError::TooMany(_) => ResultCode::IndexMaxCount,
            IndexError::Missing => ResultCode::IndexNotFound,
            IndexError::NotReadable(_) => ResultCode::IndexNotReadable,
            IndexError::Unsupported(_) => ResultCode::Unsupported,
            IndexError::Store(_) => ResultCode::ServerError,
        };
        Error::new(code, e.to_string())
    }
}
