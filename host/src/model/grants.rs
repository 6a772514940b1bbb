//! What a module may reach beside its record.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What one module was granted; by default nothing.
///
/// ```
/// use petrel::model::Grants;
///
/// let grants: Grants = toml::from_str(r#"
///     read = { models = "/srv/models" }
///     environment = ["MODEL"]
///     random = true
/// "#)?;
/// assert_eq!(grants.read["models"].to_str(), Some("/srv/models"));
/// assert!(!grants.wall_clock);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Grants {
    /// Directories that it may read, by the name under which it finds them.
    pub read: BTreeMap<String, PathBuf>,
    /// Directories that it may read and write, by the name under which it finds them.
    pub write: BTreeMap<String, PathBuf>,
    /// Variables of the host's environment that it may read.
    pub environment: Vec<String>,
    /// Whether it may read the wall clock.
    pub wall_clock: bool,
    /// Whether it may measure time and wait.
    pub monotonic_clock: bool,
    /// Whether it may have random numbers that nobody can foresee.
    pub random: bool,
}

/// Who shares an instance of a module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// All invocations of a worker, one after another.
    #[default]
    Shared,
    /// Nobody: each invocation on a record has a fresh one.
    Call,
}
