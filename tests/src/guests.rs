//! The modules under test: Lua sources and compiled components.

use std::path::{Path, PathBuf};

use aerospike::{
    AdminPolicy, Client, UdfLang,
    task::{Status, Task},
};
use anyhow::{Context, Result, bail, ensure};

/// The two runtimes that every case about modules runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// Lua 5.4 source.
    Lua,
    /// A Wasm component.
    Wasm,
}

impl Runtime {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Lua, Self::Wasm];

    /// The bytes of the module `name` for this runtime.
    pub fn module(self, name: &str) -> Result<Vec<u8>> {
        match self {
            Self::Wasm => guest(name),
            Self::Lua => {
                let path = [root().join("udfs/lua"), root().join("tests/fixtures")]
                    .map(|dir| dir.join(format!("{name}.lua")))
                    .into_iter()
                    .find(|path| path.is_file())
                    .with_context(|| format!("no {name}.lua among udfs/lua and tests/fixtures"))?;
                read(&path)
            }
        }
    }

    /// The file name under which `name` is registered. Both runtimes' modules can be
    /// registered at once, so their package names differ.
    pub fn file_name(self, name: &str) -> String {
        match self {
            Self::Lua => format!("{name}.lua"),
            Self::Wasm => format!("{name}_wasm.wasm"),
        }
    }

    /// Registers the module `name`, waits until it is listed, and gives its package name.
    pub async fn register(self, client: &Client, name: &str) -> Result<String> {
        let file = self.file_name(name);
        register(client, &file, &self.module(name)?).await?;
        let package = file
            .rsplit_once('.')
            .map_or(file.as_str(), |(package, _)| package);
        Ok(package.to_owned())
    }
}

/// Registers `body` as `file` and waits until it is listed. The clients know no language but
/// Lua: the host tells a module by its bytes.
pub async fn register(client: &Client, file: &str, body: &[u8]) -> Result<()> {
    let task = client
        .register_udf(&AdminPolicy::default(), body, file, UdfLang::Lua)
        .await?;
    until(&task).await
}

/// Waits for a task, polling quickly, for at most 30 s.
pub async fn until(task: &impl Task) -> Result<()> {
    for _ in 0..3_000 {
        match task.query_status().await? {
            Status::Complete => return Ok(()),
            Status::InProgress => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            Status::NotFound => bail!("the host does not know the task"),
        }
    }
    bail!("the task was not done after 30 s")
}

/// The bytes of the compiled component `name`.wasm.
pub fn guest(name: &str) -> Result<Vec<u8>> {
    let dir = std::env::var_os("PETREL_GUESTS")
        .map_or_else(|| root().join("target/guests-out"), PathBuf::from);
    let path = dir.join(format!("{name}.wasm"));
    ensure!(
        path.is_file(),
        "no {}: run `cargo xtask guests`",
        path.display()
    );
    read(&path)
}

/// The bytes of the component `name`.wasm, built from another language than Rust.
pub fn language(name: &str) -> Result<Vec<u8>> {
    let dir = std::env::var_os("PETREL_LANGUAGES")
        .map_or_else(|| root().join("target/languages"), PathBuf::from);
    let path = dir.join(format!("{name}.wasm"));
    ensure!(
        path.is_file(),
        "no {}: run `cargo xtask languages --no-bench`",
        path.display()
    );
    read(&path)
}

/// The bytes of a file in `tests/fixtures`.
pub fn fixture(name: &str) -> Result<Vec<u8>> {
    read(&root().join("tests/fixtures").join(name))
}

/// The workspace's directory.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("reading {}", path.display()))
}
