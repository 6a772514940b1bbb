//! The records that a command names: `NS.SET` and `NS.SET:KEY`.

use std::str::FromStr;

use aerospike::Key;

use super::error::CliError;
use super::value;

/// A set of a namespace, typed `NS.SET`; `NS` alone is the whole namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetTarget {
    /// The namespace.
    pub namespace: String,
    /// The set; empty for the whole namespace.
    pub set: String,
}

impl FromStr for SetTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (namespace, set) = text.split_once('.').unwrap_or((text, ""));
        if namespace.is_empty() || namespace.contains([':', ';']) || set.contains([':', ';']) {
            return Err("expected NS.SET, for example test.users".to_owned());
        }
        Ok(Self {
            namespace: namespace.to_owned(),
            set: set.to_owned(),
        })
    }
}

impl std::fmt::Display for SetTarget {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.namespace)?;
        if !self.set.is_empty() {
            write!(out, ".{}", self.set)?;
        }
        Ok(())
    }
}

/// One record, typed `NS.SET:KEY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordTarget {
    /// Where the record is.
    pub set: SetTarget,
    /// The key as typed.
    pub key: String,
}

impl FromStr for RecordTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected NS.SET:KEY, for example test.users:42".to_owned();
        let (set, key) = text.split_once(':').ok_or_else(expected)?;
        if key.is_empty() {
            return Err(expected());
        }
        Ok(Self {
            set: set.parse()?,
            key: key.to_owned(),
        })
    }
}

impl RecordTarget {
    /// The record's key for the client.
    pub fn key(&self) -> Result<Key, CliError> {
        let key = value::parse_key(&self.key)?;
        Key::new(self.set.namespace.as_str(), self.set.set.as_str(), key)
            .map_err(|error| CliError::Usage(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_namespace_set_and_key() {
        let target: RecordTarget = "test.users:a:b.c".parse().unwrap();
        assert_eq!(target.set.namespace, "test");
        assert_eq!(target.set.set, "users");
        assert_eq!(target.key, "a:b.c");
        assert!("test.users".parse::<RecordTarget>().is_err());
        assert!("test.users:".parse::<RecordTarget>().is_err());
        assert!(":1".parse::<RecordTarget>().is_err());
    }

    #[test]
    fn a_namespace_alone_is_all_of_it() {
        let target: SetTarget = "test".parse().unwrap();
        assert_eq!(
            (target.namespace.as_str(), target.set.as_str()),
            ("test", "")
        );
        assert_eq!(target.to_string(), "test");
        assert!("".parse::<SetTarget>().is_err());
        assert!(".users".parse::<SetTarget>().is_err());
    }

    #[test]
    fn integer_and_string_keys_are_different_records() {
        let integer: RecordTarget = "test.users:42".parse().unwrap();
        let string: RecordTarget = "test.users:\"42\"".parse().unwrap();
        assert_ne!(
            integer.key().unwrap().digest(),
            string.key().unwrap().digest()
        );
    }
}
