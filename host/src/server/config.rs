//! The configuration file.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::model::{Grants, Isolation, LimitOverrides, Limits};
use crate::udf::Settings;

/// Everything that the configuration file (TOML) can set. What it leaves out has the defaults below.
///
/// ```
/// let config: petrel::server::Config = petrel::server::Config::parse(r#"
///     [[namespace]]
///     name = "test"
///     default-ttl = 86400
///
///     [limits]
///     time-ms = 500
/// "#)?;
/// assert_eq!(config.namespaces[0].default_ttl, 86_400);
/// assert_eq!(config.limits.time_ms, 500);
/// # Ok::<(), petrel::server::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Where to accept connections, unless the command line says so. Default `127.0.0.1:3000`.
    pub listen: SocketAddr,
    /// The name of the cluster that clients may insist on. Default none.
    pub cluster_name: Option<String>,
    /// The namespaces, as `[[namespace]]` tables. Default: one that is called `test`.
    #[serde(rename = "namespace")]
    pub namespaces: Vec<NamespaceConfig>,
    /// A folder for the compiled code of components, so that a restart does not compile them again. Default:
    /// `code` in the data folder; none for a host in memory.
    pub code_cache: Option<PathBuf>,
    /// Connections and frames.
    pub network: NetworkConfig,
    /// Threads.
    pub threads: ThreadsConfig,
    /// What every UDF may use.
    pub limits: Limits,
    /// What the UDFs of one module may use instead, by package name: `[module.NAME]`. What a table does
    /// not name is as in `[limits]`.
    #[serde(rename = "module")]
    pub modules: BTreeMap<String, ModuleConfig>,
}

/// One module: limits of its own, `grants` and `isolation`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "toml::Table")]
pub struct ModuleConfig {
    /// Limits.
    pub limits: LimitOverrides,
    /// What it may reach beside its record. Default: nothing.
    pub grants: Grants,
    /// Who shares an instance of it. Default `shared`.
    pub isolation: Isolation,
}

impl TryFrom<toml::Table> for ModuleConfig {
    type Error = toml::de::Error;

    fn try_from(mut table: toml::Table) -> Result<Self, Self::Error> {
        let mut config = Self::default();
        if let Some(grants) = table.remove("grants") {
            config.grants = grants.try_into()?;
        }
        if let Some(isolation) = table.remove("isolation") {
            config.isolation = isolation.try_into()?;
        }
        config.limits = table.try_into()?;
        Ok(config)
    }
}

/// One namespace.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NamespaceConfig {
    /// Its name: 1 to 31 bytes.
    pub name: String,
    /// The TTL in seconds of writes that name none. Default 0: records never expire.
    #[serde(default)]
    pub default_ttl: u32,
}

/// Connections and frames.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct NetworkConfig {
    /// Connections beyond this many are closed at once. Default 15,000.
    pub max_connections: usize,
    /// The largest frame, in bytes. Default 128 MiB.
    pub max_frame_bytes: usize,
    /// A connection without requests for so many seconds is closed; 0 for never. Default 0.
    pub idle_timeout_secs: u64,
    /// A frame has this many seconds, and one more for each 64 KiB, to arrive. Default 30.
    pub frame_timeout_secs: u64,
    /// A client that takes in nothing of a reply for so many seconds is cut off. Default 60.
    pub write_timeout_secs: u64,
    /// Running requests have so many seconds to finish at shutdown. Default 10.
    pub shutdown_secs: u64,
}

/// Threads; 0 stands for one per core.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ThreadsConfig {
    /// For connections, and for work on records that runs no function. Default 0.
    pub network: usize,
    /// For UDFs of foreground calls. Default 0.
    pub foreground: usize,
    /// For background tasks. Default 0.
    pub background: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 3000)),
            cluster_name: None,
            namespaces: vec![NamespaceConfig {
                name: "test".into(),
                default_ttl: 0,
            }],
            code_cache: None,
            network: NetworkConfig::default(),
            threads: ThreadsConfig::default(),
            limits: Limits::default(),
            modules: BTreeMap::new(),
        }
    }
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self {
            max_connections: 15_000,
            max_frame_bytes: 128 << 20,
            idle_timeout_secs: 0,
            frame_timeout_secs: 30,
            write_timeout_secs: 60,
            shutdown_secs: 10,
        }
    }
}

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the config file {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not TOML, or sets what does not exist.
    #[error("the config is not valid: {0}")]
    Parse(#[from] toml::de::Error),
    /// A value makes no sense.
    #[error("the config is not valid: {0}")]
    Value(String),
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.into(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Parses the text of a file.
    ///
    /// # Errors
    /// [`ConfigError::Parse`], [`ConfigError::Value`].
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text)?;
        config.check()?;
        Ok(config)
    }

    /// What modules may use.
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.limits.host = self.limits.clone();
        for (package, module) in self.modules.clone() {
            let limits = &mut settings.limits.modules;
            limits.insert(package.clone(), module.limits);
            settings.grants.insert(package.clone(), module.grants);
            settings.isolation.insert(package, module.isolation);
        }
        settings
    }

    fn check(&self) -> Result<(), ConfigError> {
        let value = |message: String| Err(ConfigError::Value(message));
        if self.namespaces.is_empty() {
            return value("there is no [[namespace]]; name at least one".into());
        }
        for (i, ns) in self.namespaces.iter().enumerate() {
            let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
            if ns.name.is_empty() || ns.name.len() > 31 || !ns.name.bytes().all(legal) {
                return value(format!(
                    "namespace name `{}` is not 1 to 31 letters, digits, `_` or `-`",
                    ns.name
                ));
            }
            if self.namespaces[..i]
                .iter()
                .any(|other| other.name == ns.name)
            {
                return value(format!("namespace `{}` is there twice", ns.name));
            }
        }
        if self.network.max_frame_bytes < 1024 || self.network.max_frame_bytes > 1 << 30 {
            return value("network.max-frame-bytes is not between 1 KiB and 1 GiB".into());
        }
        if self.network.max_connections == 0 {
            return value("network.max-connections is 0; no client could connect".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_means_the_defaults() {
        assert_eq!(Config::parse("").unwrap(), Config::default());
    }

    #[test]
    fn unknown_settings_are_named() {
        let error = Config::parse("[network]\nmax-conections = 3").unwrap_err();
        assert!(error.to_string().contains("max-conections"), "{error}");
    }

    #[test]
    fn senseless_values_are_refused() {
        for text in [
            "namespace = []",
            "[[namespace]]\nname = \"a b\"",
            "[[namespace]]\nname = \"a\"\n[[namespace]]\nname = \"a\"",
            "[network]\nmax-frame-bytes = 1",
            "[network]\nmax-connections = 0",
        ] {
            assert!(Config::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_module_has_limits_of_its_own() {
        let text = "[limits]\nmemory-bytes = 8388608\n[module.slow]\ntime-ms = 9";
        let config = Config::parse(text).unwrap();
        let slow = config.modules["slow"].limits.over(&config.limits);
        assert_eq!((slow.time_ms, slow.memory_bytes), (9, 8 << 20));
    }

    #[test]
    fn a_module_has_grants_and_isolation_beside_its_limits() {
        let text = r#"
            [module.m]
            time-ms = 9
            isolation = "call"
            [module.m.grants]
            read = { models = "/srv/models" }
            write = { out = "/srv/out" }
            environment = ["MODEL"]
            wall-clock = true
        "#;
        let config = Config::parse(text).unwrap();
        let m = &config.modules["m"];
        assert_eq!(m.limits.time_ms, Some(9));
        assert_eq!(m.isolation, Isolation::Call);
        assert_eq!(m.grants.write["out"].to_str(), Some("/srv/out"));
        assert_eq!(m.grants.environment, ["MODEL"]);
        assert!(m.grants.wall_clock && !m.grants.monotonic_clock && !m.grants.random);
        for wrong in [
            "[module.m]\nisolation = \"none\"",
            "[module.m.grants]\nsockets = true",
        ] {
            assert!(Config::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_limit_that_only_the_host_has_is_refused_for_a_module() {
        let refused = Config::parse("[module.deep]\nstack-bytes = 1024").unwrap_err();
        assert!(refused.to_string().contains("stack-bytes"), "{refused}");
    }
}
