//! Data sets, and the keys of records in them.

use std::sync::Arc;

use crate::model::{Key, Result, Value};

/// A set of a namespace: `test.users`.
///
/// ```
/// use petrel::session::DataSet;
///
/// let users = DataSet::of("test", "users");
/// let one = users.id(1);
/// let three = users.ids(["ann", "bob", "cyd"]);
/// # let _ = (one, three);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DataSet {
    namespace: Arc<str>,
    set: Arc<str>,
}

impl DataSet {
    /// The set `set` of `namespace`; an empty set name means the whole namespace in a
    /// query or background task, and the null set in a key.
    pub fn of(namespace: &str, set: &str) -> Self {
        Self {
            namespace: namespace.into(),
            set: set.into(),
        }
    }

    /// The namespace's name.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The set's name.
    pub fn set(&self) -> &str {
        &self.set
    }

    /// The record of one user key: an integer, string or blob. Any other type of key is
    /// refused when the call is executed.
    pub fn id(&self, user_key: impl Into<Value>) -> Id {
        Id {
            set: self.clone(),
            user_key: user_key.into(),
        }
    }

    /// The records of several user keys.
    pub fn ids<I>(&self, user_keys: I) -> Vec<Id>
    where
        I: IntoIterator,
        I::Item: Into<Value>,
    {
        user_keys.into_iter().map(|key| self.id(key)).collect()
    }
}

impl From<&DataSet> for DataSet {
    fn from(set: &DataSet) -> Self {
        set.clone()
    }
}

/// The name of a record by its user key; see [`DataSet::id`].
#[derive(Clone, Debug, PartialEq)]
pub struct Id {
    set: DataSet,
    user_key: Value,
}

impl Id {
    /// The key, with its digest.
    ///
    /// # Errors
    /// [`ResultCode::ParameterError`](crate::model::ResultCode::ParameterError) when the
    /// user key is not an integer, string or blob.
    pub fn key(self) -> Result<Key> {
        Key::new(&self.set.namespace, &self.set.set, self.user_key)
    }
}

/// The records a call is for: an [`Id`] or [`Key`], or several in a vector or array.
pub trait IntoKeys {
    /// The keys, in the order of their results.
    ///
    /// # Errors
    /// As [`Id::key`].
    fn into_keys(self) -> Result<Vec<Key>>;
}

impl IntoKeys for Id {
    fn into_keys(self) -> Result<Vec<Key>> {
        Ok(vec![self.key()?])
    }
}

impl IntoKeys for Key {
    fn into_keys(self) -> Result<Vec<Key>> {
        Ok(vec![self])
    }
}

impl<T: IntoKeys + Clone> IntoKeys for &T {
    fn into_keys(self) -> Result<Vec<Key>> {
        self.clone().into_keys()
    }
}

impl<T: IntoKeys> IntoKeys for Vec<T> {
    fn into_keys(self) -> Result<Vec<Key>> {
        all(self)
    }
}

impl<T: IntoKeys, const N: usize> IntoKeys for [T; N] {
    fn into_keys(self) -> Result<Vec<Key>> {
        all(self)
    }
}

fn all<T: IntoKeys>(items: impl IntoIterator<Item = T>) -> Result<Vec<Key>> {
    let mut keys = Vec::new();
    for item in items {
        keys.extend(item.into_keys()?);
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ResultCode;

    #[test]
    fn ids_keep_their_order() {
        let users = DataSet::of("test", "users");
        let keys = users.ids([3, 1, 2]).into_keys().unwrap();
        let user_keys: Vec<_> = keys.into_iter().filter_map(|k| k.user_key).collect();
        assert_eq!(user_keys, [3, 1, 2].map(Value::from));
    }

    #[test]
    fn a_float_is_no_key() {
        let refused = DataSet::of("test", "users").id(1.5).into_keys();
        assert_eq!(refused.unwrap_err().code, ResultCode::ParameterError);
    }
}
