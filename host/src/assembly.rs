//! Puts a host together: which store, which runtimes, which namespaces. The same for every door, and the
//! only place that names them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use crate::dispatch::{Dispatcher, Namespace, Threads};
use crate::model::{Error, Result, ResultCode};
#[cfg(feature = "durable")]
use crate::store::{Durable, OpenError};
use crate::store::{DurableOptions, MemoryStore};
#[cfg(feature = "lua")]
use crate::udf::lua::LuaRuntime;
#[cfg(feature = "wasm")]
use crate::udf::wasm::{CodeCache, WasmRuntime};
use crate::udf::{Granted, Modules, Registry, Runtime, Settings};

/// The directory of modules inside a data directory.
const MODULES_DIR: &str = "modules";

/// Where a host keeps its records and modules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// In memory only: nothing outlives the process.
    #[default]
    Memory,
    /// In this directory, made if need be.
    Directory(PathBuf),
}

/// A namespace to open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceOptions {
    /// Its name.
    pub name: String,
    /// The TTL of writes that ask for the default, in seconds; 0 for never.
    pub default_ttl: u32,
}

/// What a host is made of; see [`open`].
#[derive(Clone, Debug)]
pub struct HostOptions {
    /// Where records and modules are.
    pub storage: Storage,
    /// How the durable store works.
    pub durable: DurableOptions,
    /// The namespaces.
    pub namespaces: Vec<NamespaceOptions>,
    /// What functions may use.
    pub settings: Settings,
    /// Where the compiled code of components is kept. `None`: inside the directory of records, or not at
    /// all where there is none.
    pub code_cache: Option<PathBuf>,
    /// The threads that run functions.
    pub threads: Threads,
}

impl Default for HostOptions {
    /// One namespace, `test`, in memory, records never expiring by default.
    fn default() -> Self {
        Self {
            storage: Storage::Memory,
            durable: DurableOptions::default(),
            namespaces: vec![NamespaceOptions {
                name: "test".into(),
                default_ttl: 0,
            }],
            settings: Settings::default(),
            code_cache: None,
            threads: Threads::default(),
        }
    }
}

/// Opens the stores, compiles the modules found there, and starts the threads. May take
/// seconds where there is much to recover.
///
/// # Errors
/// [`ResultCode::ServerError`] when the directory cannot be used or a store does not open.
pub fn open(options: HostOptions) -> Result<Dispatcher> {
    for (package, grants) in &options.settings.grants {
        Granted::open(grants).map_err(|e| {
            let message = format!("module {package}: {e}");
            Error::new(ResultCode::ParameterError, message)
        })?;
    }
    let (namespaces, dir) = open_namespaces(&options)?;
    let modules = Arc::new(Modules::default());
    let runtimes = runtimes(&modules, &options)?;
    let kept = instances_a_worker(&options.threads);
    let registry = Arc::new(Registry::new(modules, runtimes, dir, options.settings));
    registry.load()?;
    Dispatcher::start(namespaces, registry, options.threads, kept)
}

/// The runtimes and their modules, of which there are none yet, without records and threads: for
/// tools that run functions themselves.
///
/// # Errors
/// [`ResultCode::ServerError`] when a runtime cannot be started.
pub fn modules_alone(settings: Settings) -> Result<Arc<Registry>> {
    let threads = Threads {
        callers: 1,
        foreground: 1,
        background: 1,
    };
    let options = HostOptions {
        settings,
        threads,
        ..HostOptions::default()
    };
    let modules = Arc::new(Modules::default());
    let runtimes = runtimes(&modules, &options)?;
    Ok(Arc::new(Registry::new(
        modules,
        runtimes,
        None,
        options.settings,
    )))
}

/// A worker keeps instances of so many modules, where there are few workers.
const MODULES_A_WORKER: usize = 32;
/// All workers together keep about so many instances, for each reserves address space.
const INSTANCES: usize = 1024;

/// How many modules each worker keeps instances of.
fn instances_a_worker(threads: &Threads) -> usize {
    (INSTANCES / threads.total()).clamp(1, MODULES_A_WORKER)
}

/// The runtimes, in the order in which they are asked whether they take a module.
#[allow(unused_mut, unused_variables, clippy::vec_init_then_push)]
fn runtimes(modules: &Arc<Modules>, options: &HostOptions) -> Result<Vec<Arc<dyn Runtime>>> {
    let mut runtimes: Vec<Arc<dyn Runtime>> = Vec::new();
    #[cfg(feature = "wasm")]
    runtimes.push(Arc::new(wasm(options)?));
    #[cfg(feature = "lua")]
    runtimes.push(Arc::new(LuaRuntime::new(modules.clone())));
    Ok(runtimes)
}

#[cfg(feature = "wasm")]
fn wasm(options: &HostOptions) -> Result<WasmRuntime> {
    /// The directory of compiled code inside a data directory.
    const CODE_DIR: &str = "code";
    /// Instances beside those of workers: of modules that are being registered, and of calls
    /// that wait while another has their thread's worker.
    const SPARE_INSTANCES: usize = 64;

    // Those that workers keep, and as many for aggregations as for background tasks; one more of
    // each while it makes another, and the spare ones.
    let threads = &options.threads;
    let kept = instances_a_worker(threads) + 1;
    let most = (threads.total() + threads.background.max(1)) * kept + SPARE_INSTANCES;
    let own = match &options.storage {
        Storage::Memory => None,
        Storage::Directory(path) => Some(path.join(CODE_DIR)),
    };
    let cache = options.code_cache.clone().or(own).and_then(|path| {
        let opened = CodeCache::open(&path);
        let failed = |e: &std::io::Error| {
            let path = path.display();
            tracing::warn!("compiled code is not kept in {path}: {e}");
        };
        opened.inspect_err(failed).ok()
    });
    WasmRuntime::with_cache(options.settings.limits.host.stack_bytes, most, cache)
}

type Namespaces = Vec<Arc<Namespace>>;

fn open_namespaces(options: &HostOptions) -> Result<(Namespaces, Option<Dir>)> {
    let Storage::Directory(path) = &options.storage else {
        let open = |ns: &NamespaceOptions| {
            let store = Arc::new(MemoryStore::new());
            Arc::new(Namespace::new(&ns.name, store, ns.default_ttl))
        };
        return Ok((options.namespaces.iter().map(open).collect(), None));
    };
    let dir = open_dir(path).map_err(|e| unusable(path, &e))?;
    dir.create_dir_all(MODULES_DIR)
        .map_err(|e| unusable(path, &e))?;
    let modules = dir.open_dir(MODULES_DIR).map_err(|e| unusable(path, &e))?;
    Ok((on_disk(path, options)?, Some(modules)))
}

#[cfg(feature = "durable")]
fn on_disk(path: &Path, options: &HostOptions) -> Result<Namespaces> {
    /// The directory of records inside a data directory.
    const RECORDS_DIR: &str = "records";

    let durable =
        Durable::open(path.join(RECORDS_DIR), options.durable).map_err(|e| unusable(path, &e))?;
    let open = |ns: &NamespaceOptions| -> Result<Arc<Namespace>> {
        let unusable = |e: OpenError| unusable(path, &e);
        let store = durable.namespace(&ns.name).map_err(unusable)?;
        let indexes = durable
            .table(&format!("indexes.{}", ns.name))
            .map_err(unusable)?;
        let namespace = Namespace::new(&ns.name, store, ns.default_ttl);
        Ok(Arc::new(namespace.with_indexes_of(Box::new(indexes))?))
    };
    options.namespaces.iter().map(open).collect()
}

#[cfg(not(feature = "durable"))]
fn on_disk(path: &Path, _: &HostOptions) -> Result<Namespaces> {
    Err(unusable(
        path,
        &"this petrel was built without the feature `durable`",
    ))
}

fn open_dir(path: &Path) -> std::io::Result<Dir> {
    std::fs::create_dir_all(path)?;
    Dir::open_ambient_dir(path, ambient_authority())
}

fn unusable(path: &Path, e: &dyn std::fmt::Display) -> Error {
    Error::new(
        ResultCode::ServerError,
        format!("cannot use the data directory {}: {e}", path.display()),
    )
}
