//! A session in memory with records and modules in three forms.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use petrel::change::WritePolicy;
use petrel::model::{Key, Value, msgpack};
use petrel::request::{Request, Target, UdfCall, Work};
use petrel::session::{DataSet, Session};
use tokio::runtime::Runtime;

use crate::examples;
use crate::native::{self, Native};

/// How a function is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Rust inside the host.
    Native,
    /// A Wasm component.
    Wasm,
    /// Lua source.
    Lua,
}

impl Kind {
    /// All, the cheapest first.
    pub const ALL: [Self; 3] = [Self::Native, Self::Wasm, Self::Lua];

    /// Its name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Wasm => "wasm",
            Self::Lua => "lua",
        }
    }

    fn package(self, module: &str) -> String {
        format!("{module}_{}", self.name())
    }
}

/// A function and its arguments.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// The function's name.
    pub name: &'static str,
    /// The module that has it.
    pub module: &'static str,
    args: fn() -> Vec<Value>,
}

impl Workload {
    /// The functions of `bench`.
    pub const BENCH: [Self; 5] = [
        Self::new("bench", "noop", Vec::new),
        Self::new("bench", "bump", one),
        Self::new("bench", "listsum", Vec::new),
        Self::new("bench", "fnv", Vec::new),
        Self::new("bench", "score", one),
    ];

    /// Some of the example modules' functions.
    pub const EXAMPLES: [Self; 3] = [
        Self::new("segments", "matches", examples::campaign),
        Self::new("document", "patch", examples::changes),
        Self::new("leaderboard", "submit", examples::score),
    ];

    const fn new(module: &'static str, name: &'static str, args: fn() -> Vec<Value>) -> Self {
        Self { name, module, args }
    }

    /// Its name in the tables.
    pub fn title(&self) -> String {
        match self.module {
            "bench" => self.name.to_owned(),
            module => format!("{module}.{}", self.name),
        }
    }

    /// Its arguments.
    pub fn arguments(&self) -> Vec<Value> {
        (self.args)()
    }

    /// A request that calls it.
    pub fn request(&self, kind: Kind) -> Request {
        Request {
            work: Work::Udf(UdfCall {
                package: kind.package(self.module).into(),
                function: self.name.into(),
                args: msgpack::pack_list(self.arguments()).into(),
            }),
            policy: WritePolicy::default(),
            filter: None,
        }
    }
}

fn one() -> Vec<Value> {
    vec![Value::Int(1)]
}

/// Records and the modules that work on them.
pub struct Fixture {
    /// To run calls on.
    pub tokio: Runtime,
    /// The host.
    pub session: Session,
    /// The set that holds the records.
    pub records: DataSet,
    workloads: &'static [Workload],
    bins: Vec<(&'static str, Value)>,
}

impl Fixture {
    /// Records 0 to `count` of `{v: integer, s: 16 characters, l: 16 integers}` for the functions
    /// of `bench`, which have been seen to give the same result in all forms.
    ///
    /// # Errors
    /// When a module is missing or refused, or the forms differ.
    pub fn bench(count: i64) -> Result<Self> {
        let list: Vec<Value> = (0..16).map(|i| Value::Int(i * 37 % 101)).collect();
        let bins = vec![
            ("v", Value::Int(1)),
            ("s", Value::from("sixteen letters!")),
            ("l", Value::list(list)),
        ];
        Self::new(count, &Workload::BENCH, bins)
    }

    /// As [`Fixture::bench`], for the example modules and with records for them.
    ///
    /// # Errors
    /// As [`Fixture::bench`].
    pub fn examples(count: i64) -> Result<Self> {
        Self::new(count, &Workload::EXAMPLES, examples::bins())
    }

    fn new(
        count: i64,
        workloads: &'static [Workload],
        bins: Vec<(&'static str, Value)>,
    ) -> Result<Self> {
        let tokio = Runtime::new()?;
        let session = {
            let _inside = tokio.enter();
            Session::builder().memory().build()?
        };
        let fixture = Self {
            tokio,
            session,
            records: DataSet::of("test", "bench"),
            workloads,
            bins,
        };
        fixture.tokio.block_on(async {
            fixture.register().await?;
            fixture.load(count).await?;
            fixture.agree().await
        })?;
        Ok(fixture)
    }

    fn modules(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.workloads.iter().map(|w| w.module).collect();
        names.dedup();
        names
    }

    async fn register(&self) -> Result<()> {
        let registry = self.session.dispatcher().registry();
        for module in self.modules() {
            let functions = match module {
                "segments" => examples::SEGMENTS,
                "document" => examples::DOCUMENT,
                "leaderboard" => examples::LEADERBOARD,
                _ => native::BENCH,
            };
            let file = format!("{}.native", Kind::Native.package(module));
            registry.insert(&file, "NATIVE", Arc::new(Native(functions)));
            for kind in [Kind::Wasm, Kind::Lua] {
                let file = format!("{}.{}", kind.package(module), kind.name());
                let bytes = module_bytes(kind, module)?;
                self.session.info().register_udf_bytes(&file, bytes).await?;
            }
        }
        Ok(())
    }

    async fn load(&self, count: i64) -> Result<()> {
        let ids: Vec<i64> = (0..count).collect();
        for chunk in ids.chunks(1_000) {
            let mut replace = self
                .session
                .replace(self.records.ids(chunk.iter().copied()));
            for (name, value) in &self.bins {
                replace = replace.bin(*name).set_to(value.clone());
            }
            for result in replace.execute().await?.all().await? {
                result.or_raise()?;
            }
        }
        Ok(())
    }

    /// A bench of functions that do not do the same work would compare nothing.
    async fn agree(&self) -> Result<()> {
        for workload in self.workloads {
            let mut first: Option<Value> = None;
            for kind in Kind::ALL {
                self.load(1).await?;
                let result = self
                    .session
                    .execute_udf(self.records.id(0))
                    .function(&kind.package(workload.module), workload.name)
                    .passing(workload.arguments())
                    .execute()
                    .await?
                    .first_or_raise()
                    .await?
                    .udf_result
                    .context("a function without a result")?;
                let expected = first.get_or_insert_with(|| result.clone());
                ensure!(
                    *expected == result,
                    "{} in {} gives {result:?}, not {expected:?}",
                    workload.name,
                    kind.name()
                );
            }
        }
        Ok(())
    }

    /// Record `id`, as the dispatcher takes it.
    ///
    /// # Errors
    /// None for these keys.
    pub fn target(&self, id: i64) -> Result<Target> {
        let key: Key = self.records.id(id).key()?;
        Ok(Target::from(&key))
    }

    /// Runs a workload over every record in the background; fails unless it succeeded on
    /// `count` records.
    ///
    /// # Errors
    /// When the task or a record failed.
    pub async fn background(&self, kind: Kind, workload: Workload, count: u64) -> Result<()> {
        let report = self
            .session
            .background_task()
            .execute_udf(&self.records)
            .function(&kind.package(workload.module), workload.name)
            .passing(workload.arguments())
            .execute()
            .await?
            .wait_till_complete(Default::default())
            .await?;
        ensure!(
            report.succeeded == count,
            "{} of {count} records succeeded; the first failure: {:?}",
            report.succeeded,
            report.first_failure
        );
        Ok(())
    }
}

/// A module of a runtime, as bytes. There is none for [`Kind::Native`].
/// Components that are not there are built first.
///
/// # Errors
/// When the file is not there, or the components cannot be built.
pub fn module_bytes(kind: Kind, module: &str) -> Result<Vec<u8>> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let path = match kind {
        Kind::Lua => root.join("udfs/lua").join(module).with_extension("lua"),
        _ => component(root, module)?,
    };
    std::fs::read(&path).with_context(|| format!("reading {}", path.display()))
}

/// The file of a component: in the folder `PETREL_GUESTS`, else beside what cargo built this program into.
fn component(root: &Path, module: &str) -> Result<PathBuf> {
    let file = Path::new(module).with_extension("wasm");
    if let Some(folder) = std::env::var_os("PETREL_GUESTS") {
        return Ok(Path::new(&folder).join(file));
    }
    // target/release/deps/invoke-0123456789abcdef
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(3).context("no target folder")?;
    let path = target.join("guests-out").join(file);
    if !path.exists() {
        eprintln!(
            "{} is not there; running `cargo xtask guests`",
            path.display()
        );
        let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["xtask", "guests"])
            .current_dir(root)
            .env("CARGO_TARGET_DIR", target)
            .stdout(std::io::stderr())
            .status()
            .context("cannot run cargo")?;
        ensure!(built.success(), "`cargo xtask guests` failed ({built})");
    }
    Ok(path)
}
