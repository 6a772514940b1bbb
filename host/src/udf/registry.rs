//! The modules a host has: registered, compiled, persisted, replaced atomically.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::time::Instant;

use arc_swap::{ArcSwap, Guard};
use bytes::Bytes;
use cap_std::fs::Dir;
use sha1::{Digest as _, Sha1};
use tokio::sync::Mutex;

use super::directory::ModuleDirectory;
use super::function_info::ambiguous;
use super::log::{LINE_BYTES, one_line};
use super::{
    Allowance, CompileError, FunctionInfo, Granted, Module, ModuleSource, Runtime, Sources,
};
use crate::model::{Grants, Isolation, LimitOverrides, Limits, Result, now_millis};

/// The longest file name of a module, in bytes.
const MAX_FILE_NAME: usize = 128;

/// A registered module, ready to run.
pub struct Registered {
    /// The bytes and names it was registered with.
    pub source: ModuleSource,
    /// SHA-1 of the bytes, in hexadecimal.
    pub hash: String,
    /// The name of the runtime that runs it.
    pub runtime: &'static str,
    /// The compiled module.
    pub module: Arc<dyn Module>,
    slow_until: AtomicU64,
}

/// How long a module counts as slow after it overran its caller's patience, in milliseconds.
const SLOW_MS: u64 = 1000;

impl Registered {
    fn new(
        source: ModuleSource,
        hash: String,
        runtime: &'static str,
        module: Arc<dyn Module>,
    ) -> Self {
        Self {
            source,
            hash,
            runtime,
            module,
            slow_until: AtomicU64::new(0),
        }
    }

    /// Notes that an invocation overran the patience of its budget.
    pub fn note_slow(&self) {
        self.slow_until.store(now_millis() + SLOW_MS, Relaxed);
    }

    /// Whether an invocation overran the patience of its budget lately.
    pub fn is_slow(&self) -> bool {
        let until = self.slow_until.load(Relaxed);
        until != 0 && now_millis() < until
    }
}

/// What a listing says of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleInfo {
    /// File name as registered.
    pub file: String,
    /// SHA-1 of the bytes, in hexadecimal.
    pub hash: String,
    /// The name of the runtime that runs it.
    pub runtime: &'static str,
}

type ByPackage = BTreeMap<String, Arc<Registered>>;

/// The current modules by package: what runtimes may look into.
#[derive(Default)]
pub struct Modules {
    by_package: ArcSwap<ByPackage>,
    epoch: AtomicU64,
}

impl Modules {
    fn get(&self) -> Guard<Arc<ByPackage>> {
        self.by_package.load()
    }

    fn change(&self, change: impl Fn(&mut ByPackage)) {
        self.by_package.rcu(|modules| {
            let mut modules = ByPackage::clone(modules);
            change(&mut modules);
            modules
        });
        // After the change: who sees this epoch sees the new modules.
        self.epoch.fetch_add(1, Release);
    }
}

impl Sources for Modules {
    fn source(&self, package: &str) -> Option<ModuleSource> {
        self.get().get(package).map(|m| m.source.clone())
    }

    fn epoch(&self) -> u64 {
        self.epoch.load(Acquire)
    }
}

/// The limits of modules: the host's, and those that one module has of its own.
#[derive(Clone, Debug, Default)]
pub struct LimitsByModule {
    /// The host's.
    pub host: Limits,
    /// What modules have instead, by package name.
    pub modules: BTreeMap<String, LimitOverrides>,
}

impl LimitsByModule {
    /// The limits of a package.
    pub fn of(&self, package: &str) -> Limits {
        match self.modules.get(package) {
            Some(own) => own.over(&self.host),
            None => self.host.clone(),
        }
    }
}

/// What modules may use.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Limits.
    pub limits: LimitsByModule,
    /// What modules were granted, by package name; others have nothing.
    pub grants: BTreeMap<String, Grants>,
    /// The isolation of modules, by package name; others share instances.
    pub isolation: BTreeMap<String, Isolation>,
}

/// Registers, lists, finds and removes modules.
pub struct Registry {
    modules: Arc<Modules>,
    runtimes: Vec<Arc<dyn Runtime>>,
    dir: Option<ModuleDirectory>,
    settings: parking_lot::Mutex<Settings>,
    /// One registration or removal at a time, so that disk and memory agree.
    changing: Arc<Mutex<()>>,
    /// Modules of the directory that do not load, by file name: one that they require may be
    /// registered later.
    left_out: parking_lot::Mutex<Vec<(String, Bytes)>>,
}

impl Registry {
    /// A registry over runtimes that share `modules`, persisting to `dir` if there is one.
    pub fn new(
        modules: Arc<Modules>,
        runtimes: Vec<Arc<dyn Runtime>>,
        dir: Option<Dir>,
        settings: Settings,
    ) -> Self {
        Self {
            modules,
            runtimes,
            dir: dir.map(ModuleDirectory),
            settings: parking_lot::Mutex::new(settings),
            changing: Arc::default(),
            left_out: Default::default(),
        }
    }

    /// Compiles every module of the directory. One that is refused is logged and left where it
    /// is; it is tried again after each registration.
    ///
    /// # Errors
    /// [`ResultCode::ServerError`](crate::model::ResultCode::ServerError) when the directory
    /// cannot be read.
    pub fn load(&self) -> Result<()> {
        let Some(dir) = &self.dir else { return Ok(()) };
        *self.left_out.lock() = dir.read()?;
        for e in self.load_left_out() {
            let why = e.to_string();
            tracing::error!(
                "a module is left out: {}",
                one_line(why.as_bytes(), LINE_BYTES)
            );
        }
        Ok(())
    }

    /// Tries the modules that were left out, again and again while one of them loads, which
    /// others may require. Returns why the rest is refused.
    fn load_left_out(&self) -> Vec<CompileError> {
        let mut left_out = std::mem::take(&mut *self.left_out.lock());
        loop {
            let before = left_out.len();
            let mut refusals = Vec::new();
            left_out.retain(|(file, bytes)| match self.compile(file, bytes.clone()) {
                Ok(registered) => {
                    tracing::info!("module {file} loaded");
                    self.publish(registered);
                    false
                }
                Err(e) => {
                    refusals.push(e);
                    true
                }
            });
            if refusals.is_empty() || left_out.len() == before {
                *self.left_out.lock() = left_out;
                return refusals;
            }
        }
    }

    /// Compiles a module and makes it the one that calls of its package run. Running
    /// invocations finish on the code they started with.
    ///
    /// # Errors
    /// [`CompileError`] when the name or the module is refused; nothing changes then.
    pub async fn register(self: &Arc<Self>, file: &str, bytes: Bytes) -> Result<(), CompileError> {
        let one = self.changing.clone().lock_owned().await;
        let (this, name) = (self.clone(), file.to_string());
        let work = move || {
            // Held to the end, whether or not somebody still waits for the answer.
            let _one = one;
            let started = Instant::now();
            let registered = this.compile(&name, bytes)?;
            this.persist(&registered)
                .map_err(|e| refuse(&name, e.to_string()))?;
            tracing::info!(
                "module {name} registered: {}, {} bytes, {:?}",
                registered.runtime,
                registered.source.bytes.len(),
                started.elapsed()
            );
            this.publish(registered);
            this.load_left_out();
            Ok(())
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(e) => Err(refuse(file, format!("the compiler stopped: {e}"))),
        }
    }

    /// Puts in a module that was compiled elsewhere, under a file name; it is not persisted.
    pub fn insert(&self, file: &str, runtime: &'static str, module: Arc<dyn Module>) {
        let source = ModuleSource {
            file: file.into(),
            package: package_of(file).into(),
            bytes: Bytes::new(),
        };
        self.publish(Arc::new(Registered::new(
            source,
            String::new(),
            runtime,
            module,
        )));
    }

    /// Removes a module by file name. Returns whether there was one.
    ///
    /// # Errors
    /// [`ResultCode::ServerError`](crate::model::ResultCode::ServerError) when the file cannot
    /// be removed.
    pub async fn remove(&self, file: &str) -> Result<bool> {
        let _one = self.changing.lock().await;
        let registered = self.get(file).is_some();
        if !registered && !self.left_out.lock().iter().any(|(f, _)| f == file) {
            return Ok(false);
        }
        if let Some(dir) = &self.dir {
            dir.remove(file)?;
        }
        self.left_out.lock().retain(|(f, _)| f != file);
        self.modules
            .change(|modules| modules.retain(|_, m| m.source.file != file));
        Ok(true)
    }

    /// Every module, by package name.
    pub fn list(&self) -> Vec<ModuleInfo> {
        let info = |m: &Arc<Registered>| ModuleInfo {
            file: m.source.file.clone(),
            hash: m.hash.clone(),
            runtime: m.runtime,
        };
        self.modules.get().values().map(info).collect()
    }

    /// A module's runtime and bytes, by file name.
    pub fn get(&self, file: &str) -> Option<(&'static str, Bytes)> {
        let modules = self.modules.get();
        modules
            .values()
            .find(|m| m.source.file == file)
            .map(|m| (m.runtime, m.source.bytes.clone()))
    }

    /// What a module offers, by file name.
    pub fn functions(&self, file: &str) -> Option<Vec<FunctionInfo>> {
        let modules = self.modules.get();
        let found = modules.values().find(|m| m.source.file == file)?;
        Some(found.module.functions())
    }

    /// Grows with each registration and removal: what was found stays so while this is the same.
    pub fn epoch(&self) -> u64 {
        self.modules.epoch()
    }

    /// The module that calls of a package run now.
    pub fn find(&self, package: &str) -> Option<Arc<Registered>> {
        self.modules.get().get(package).cloned()
    }

    /// What a package was granted.
    pub fn grants(&self, package: &str) -> Grants {
        let settings = self.settings.lock();
        settings.grants.get(package).cloned().unwrap_or_default()
    }

    /// Changes what a package was granted, for the calls that start afterwards. A module of that name is
    /// compiled anew if it is registered.
    ///
    /// # Errors
    /// [`CompileError`] when something cannot be granted, or the module does not start with it; nothing
    /// changes then.
    pub async fn set_grants(
        self: &Arc<Self>,
        package: &str,
        grants: Grants,
    ) -> Result<(), CompileError> {
        let one = self.changing.clone().lock_owned().await;
        let (this, package) = (self.clone(), package.to_string());
        let work = move || {
            let _one = one;
            let before = this.grants(&package);
            this.settings.lock().grants.insert(package.clone(), grants);
            let undo = |e| {
                this.settings.lock().grants.insert(package.clone(), before);
                e
            };
            match this.find(&package) {
                Some(module) => {
                    let source = &module.source;
                    let anew = this.compile(&source.file, source.bytes.clone());
                    this.publish(anew.map_err(undo)?);
                }
                None => {
                    let allowed = this.allowance(&package).map_err(|e| refuse(&package, e));
                    allowed.map_err(undo)?;
                }
            }
            Ok(())
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(e) => Err(refuse("", format!("the compiler stopped: {e}"))),
        }
    }

    /// What the invocations of a package may use; or why something cannot be granted.
    fn allowance(&self, package: &str) -> Result<Allowance, String> {
        let settings = self.settings.lock();
        let granted = match settings.grants.get(package) {
            Some(grants) => Granted::open(grants).map_err(|e| e.to_string())?,
            None => Granted::default(),
        };
        Ok(Allowance {
            limits: settings.limits.of(package),
            granted: Arc::new(granted),
            isolation: settings.isolation.get(package).copied().unwrap_or_default(),
        })
    }

    fn compile(&self, file: &str, bytes: Bytes) -> Result<Arc<Registered>, CompileError> {
        check_name(file)?;
        let package = package_of(file).to_string();
        let allowance = self.allowance(&package).map_err(|e| refuse(file, e))?;
        let limits = &allowance.limits;
        if bytes.len() > limits.module_bytes {
            return Err(refuse(
                file,
                format!(
                    "the module has {} bytes and the limit is {}; make it smaller or raise module-bytes in the config",
                    bytes.len(),
                    limits.module_bytes
                ),
            ));
        }
        let runtime = self
            .runtimes
            .iter()
            .find(|runtime| runtime.accepts(&bytes))
            .ok_or_else(|| {
                let names: Vec<_> = self.runtimes.iter().map(|r| r.name()).collect();
                refuse(
                    file,
                    format!(
                        "no runtime of this host takes such a module; it has {}",
                        names.join(" and ")
                    ),
                )
            })?;
        let hash = Sha1::digest(&bytes)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        let source = ModuleSource {
            file: file.into(),
            package,
            bytes,
        };
        let module = runtime.compile(source.clone(), &allowance)?;
        if let Some(f) = ambiguous(&module.functions()) {
            let message = format!(
                "two functions of the module are called `{}`: give one of them another name",
                f.name
            );
            return Err(refuse(file, message));
        }
        Ok(Arc::new(Registered::new(
            source,
            hash,
            runtime.name(),
            module,
        )))
    }

    /// Writes the module, and removes what had its package name under another file name.
    fn persist(&self, registered: &Registered) -> Result<()> {
        let ModuleSource {
            file,
            package,
            bytes,
        } = &registered.source;
        let mut left_out = self.left_out.lock();
        if let Some(dir) = &self.dir {
            dir.write(file, bytes)?;
            let old = self.find(package).map(|old| old.source.file.clone());
            let unloaded = left_out.iter().map(|(f, _)| f.clone());
            for other in old.into_iter().chain(unloaded) {
                if other != *file && package_of(&other) == package {
                    dir.remove(&other)?;
                }
            }
        }
        left_out.retain(|(f, _)| package_of(f) != package);
        Ok(())
    }

    fn publish(&self, registered: Arc<Registered>) {
        self.modules.change(|modules| {
            modules.insert(registered.source.package.clone(), registered.clone());
        });
    }
}

/// The package name: the file name without its extension.
pub fn package_of(file: &str) -> &str {
    file.rsplit_once('.').map_or(file, |(package, _)| package)
}

fn check_name(file: &str) -> Result<(), CompileError> {
    let plain = file
        .chars()
        .all(|c| !c.is_control() && !matches!(c, '/' | '\\' | ';' | ',' | '='));
    if file.is_empty() || file.starts_with('.') || file.len() > MAX_FILE_NAME || !plain {
        return Err(refuse(
            file,
            format!(
                "a module's file name has 1 to {MAX_FILE_NAME} bytes, does not start with a dot, and holds no path, \
                 control or ;,= characters"
            ),
        ));
    }
    Ok(())
}

fn refuse(file: &str, message: String) -> CompileError {
    CompileError {
        file: file.into(),
        line: 0,
        message,
    }
}
