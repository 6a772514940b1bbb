//! A session in memory with records and the bench module in three forms.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use petrel::change::WritePolicy;
use petrel::model::{Key, Value, msgpack};
use petrel::request::{Request, Target, UdfCall, Work};
use petrel::session::{DataSet, Session};
use tokio::runtime::Runtime;

use crate::native::Native;

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

    fn package(self) -> String {
        format!("bench_{}", self.name())
    }
}

/// A function and its arguments.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// The function's name.
    pub name: &'static str,
    args: &'static [i64],
}

impl Workload {
    /// All, as the modules have them.
    pub const ALL: [Self; 5] = [
        Self::new("noop", &[]),
        Self::new("bump", &[1]),
        Self::new("listsum", &[]),
        Self::new("fnv", &[]),
        Self::new("score", &[1]),
    ];

    const fn new(name: &'static str, args: &'static [i64]) -> Self {
        Self { name, args }
    }

    /// Its arguments.
    pub fn arguments(&self) -> Vec<Value> {
        self.args.iter().map(|n| Value::Int(*n)).collect()
    }

    /// A request that calls it.
    pub fn request(&self, kind: Kind) -> Request {
        Request {
            work: Work::Udf(UdfCall {
                package: kind.package().into(),
                function: self.name.into(),
                args: msgpack::pack_list(self.arguments()).into(),
            }),
            policy: WritePolicy::default(),
            filter: None,
        }
    }
}

/// Records `{v: integer, s: 16 characters, l: 16 integers}`, and the modules.
pub struct Fixture {
    /// To run calls on.
    pub tokio: Runtime,
    /// The host.
    pub session: Session,
    /// The set that holds the records.
    pub records: DataSet,
}

impl Fixture {
    /// A fixture with records 0 to `count`, whose functions have been seen to give the same
    /// result in all forms.
    ///
    /// # Errors
    /// When a module is missing or refused, or the forms differ.
    pub fn new(count: i64) -> Result<Self> {
        let tokio = Runtime::new()?;
        let session = {
            let _inside = tokio.enter();
            Session::builder().memory().build()?
        };
        let fixture = Self {
            tokio,
            session,
            records: DataSet::of("test", "bench"),
        };
        fixture.tokio.block_on(async {
            fixture.register().await?;
            fixture.load(count).await?;
            fixture.agree().await
        })?;
        Ok(fixture)
    }

    async fn register(&self) -> Result<()> {
        let registry = self.session.dispatcher().registry();
        let native = format!("{}.native", Kind::Native.package());
        registry.insert(&native, "NATIVE", Arc::new(Native));
        for kind in [Kind::Wasm, Kind::Lua] {
            let file = format!("{}.{}", kind.package(), kind.name());
            let bytes = module_bytes(kind)?;
            self.session.info().register_udf_bytes(&file, bytes).await?;
        }
        Ok(())
    }

    async fn load(&self, count: i64) -> Result<()> {
        let list = Value::list(
            (0..16)
                .map(|i| Value::Int(i * 37 % 101))
                .collect::<Vec<_>>(),
        );
        let ids: Vec<i64> = (0..count).collect();
        for chunk in ids.chunks(1_000) {
            let results = self
                .session
                .replace(self.records.ids(chunk.iter().copied()))
                .bin("v")
                .set_to(1)
                .bin("s")
                .set_to("sixteen letters!")
                .bin("l")
                .set_to(list.clone())
                .execute()
                .await?;
            for result in results.all().await? {
                result.or_raise()?;
            }
        }
        Ok(())
    }

    /// A bench of functions that do not do the same work would compare nothing.
    async fn agree(&self) -> Result<()> {
        for workload in Workload::ALL {
            let mut first: Option<Value> = None;
            for kind in Kind::ALL {
                self.load(1).await?;
                let result = self
                    .session
                    .execute_udf(self.records.id(0))
                    .function(&kind.package(), workload.name)
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
            .function(&kind.package(), workload.name)
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

/// The bench module of a runtime, as bytes. There is none for [`Kind::Native`].
///
/// # Errors
/// When the file is not there; the guests are built by `cargo xtask guests`.
pub fn module_bytes(kind: Kind) -> Result<Vec<u8>> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let path = match kind {
        Kind::Lua => root.join("udfs/lua/bench.lua"),
        _ => std::env::var_os("PETREL_GUESTS")
            .map_or_else(|| root.join("target/guests-out"), PathBuf::from)
            .join("bench.wasm"),
    };
    std::fs::read(&path).with_context(|| {
        format!(
            "reading {}; `cargo xtask guests` builds the components",
            path.display()
        )
    })
}
