//! What the records of one call share.

use std::sync::Arc;

/// What all records of a call share.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Namespace name.
    pub namespace: Arc<str>,
    /// Set names by id; see [`Meta::set`](crate::model::Meta::set).
    pub sets: Arc<Vec<Arc<str>>>,
    /// Now, in seconds since 2010-01-01 UTC.
    pub now: u32,
    /// The namespace's default TTL in seconds; 0 for never.
    pub default_ttl: u32,
}

impl Scope {
    /// The name of a set id, empty for the null set.
    pub fn set_name(&self, id: u16) -> &str {
        self.sets.get(usize::from(id)).map_or("", |s| s)
    }
}
