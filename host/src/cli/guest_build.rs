//! Builds Rust guest crates into WebAssembly components.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use super::toolchain::{DEBIAN_PACKAGES, TARGET, Toolchain};

/// What to build and where to put it.
#[derive(Debug, Clone, Copy)]
pub struct GuestBuild<'a> {
    /// The folder with the guest's `Cargo.toml` (a crate, or a workspace of them).
    pub source: &'a Path,
    /// Cargo's target directory for guests; not one that host crates are built in.
    pub target_dir: &'a Path,
    /// The folder that gets `NAME.wasm` of each library.
    pub out_dir: &'a Path,
    /// Refuse to change `Cargo.lock`.
    pub locked: bool,
    /// Keep the names of functions, which backtraces show.
    pub names: bool,
}

/// One component that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// The library's name, which is the module's name.
    pub name: String,
    /// The component's file.
    pub path: PathBuf,
    /// The component's size in bytes.
    pub size: u64,
    /// The core module that it was made of, names and all.
    pub core: PathBuf,
}

/// Why a guest was not built.
#[derive(Debug, thiserror::Error)]
pub enum GuestBuildError {
    /// Neither route to the target is open.
    #[error(
        "no toolchain here compiles for {TARGET}. Either run `rustup target add {TARGET}`, \
         or on Debian run `apt-get install -y --no-install-recommends {}`, then try again",
        DEBIAN_PACKAGES.join(" ")
    )]
    NoToolchain,
    /// The folder holds no crate.
    #[error("{0} has no Cargo.toml: name the folder of a Rust crate that uses petrel-udf")]
    NoCrate(PathBuf),
    /// Cargo could not be started.
    #[error("cannot run {program}: {source}")]
    Run {
        /// The program.
        program: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Cargo ran and failed; its own messages are on stderr.
    #[error("cargo could not build {0}: its messages above say why")]
    Compile(PathBuf),
    /// Cargo succeeded, but no library became Wasm.
    #[error("{0} builds no cdylib: add `[lib] crate-type = [\"cdylib\"]` to its Cargo.toml")]
    NoLibrary(PathBuf),
    /// The core module is not a guest.
    #[error(
        "{path} cannot become a component: {reason}. Does the crate have a #[petrel_udf::udf] function or a #[petrel_udf::aggregate] impl?"
    )]
    Component {
        /// The core module's file.
        path: PathBuf,
        /// What the encoder said.
        reason: String,
    },
    /// A project's own script failed; its own messages are on stderr.
    #[error("{0} did not build the module: its messages above say why")]
    Script(PathBuf),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl Toolchain {
    /// Which compiler this is, for people.
    fn describe(&self) -> String {
        match self {
            Self::User => format!("the toolchain on PATH, target {TARGET}"),
            Self::Debian { rustc, .. } => {
                format!("Debian's {} with -Zbuild-std", rustc.display())
            }
        }
    }

    /// A cargo command of this toolchain, with the outer cargo's traces removed.
    fn cargo(&self) -> Command {
        let mut command = match self {
            Self::User => Command::new("cargo"),
            Self::Debian {
                rustc,
                cargo,
                linker,
            } => {
                let mut command = Command::new(cargo);
                // An outer rustup would otherwise lend this compiler its own libraries and flags.
                for (name, _) in std::env::vars_os() {
                    if names_a_compiler(&name) {
                        command.env_remove(name);
                    }
                }
                command
                    .env("RUSTC_BOOTSTRAP", "1")
                    .env("RUSTC", rustc)
                    .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                command
            }
        };
        command.env_remove("CARGO_TARGET_DIR");
        command
    }
}

/// Builds every `cdylib` of a guest crate or workspace and writes each as a component.
///
/// Cargo's progress goes to stderr. Errors say which remedy to try.
pub fn build(job: &GuestBuild<'_>) -> Result<Vec<Guest>, GuestBuildError> {
    let manifest = job.source.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(GuestBuildError::NoCrate(job.source.to_path_buf()));
    }
    let toolchain = Toolchain::find(job.source).ok_or(GuestBuildError::NoToolchain)?;
    eprintln!(
        "building {} with {}",
        job.source.display(),
        toolchain.describe()
    );
    let modules = compile(&toolchain, job, &manifest)?;
    if modules.is_empty() {
        return Err(GuestBuildError::NoLibrary(job.source.to_path_buf()));
    }
    fs::create_dir_all(job.out_dir).map_err(|source| file_error(job.out_dir, source))?;
    modules
        .into_iter()
        .map(|(name, core)| {
            let component = encode(&core, job.names)?;
            let path = job.out_dir.join(format!("{name}.wasm"));
            fs::write(&path, &component).map_err(|source| file_error(&path, source))?;
            Ok(Guest {
                name,
                path,
                size: component.len() as u64,
                core,
            })
        })
        .collect()
}

/// Turns the core module in a file into a component; a component stays as it is.
fn encode(core: &Path, names: bool) -> Result<Vec<u8>, GuestBuildError> {
    let bytes = fs::read(core).map_err(|source| file_error(core, source))?;
    if bytes.starts_with(b"\0asm\x0d\0\x01\0") {
        return Ok(bytes);
    }
    let refused = |reason: String| GuestBuildError::Component {
        path: core.to_path_buf(),
        reason,
    };
    let bytes = match names {
        true => bytes,
        false => stripped(&bytes).map_err(|error| refused(error.to_string()))?,
    };
    ComponentEncoder::default()
        .validate(true)
        .module(&bytes)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| refused(format!("{error:#}")))
}

/// A core module without the names of its functions and what debuggers want.
fn stripped(core: &[u8]) -> wasmparser::Result<Vec<u8>> {
    let mut kept = Vec::with_capacity(core.len());
    for payload in Parser::new(0).parse_all(core) {
        let payload = payload?;
        if let Payload::Version { range, .. } = &payload {
            kept.extend_from_slice(&core[range.clone()]);
        }
        if matches!(&payload, Payload::CustomSection(custom) if is_for_debuggers(custom.name())) {
            continue;
        }
        if let Some((id, range)) = payload.as_section() {
            kept.push(id);
            push_leb(range.len(), &mut kept);
            kept.extend_from_slice(&core[range]);
        }
    }
    Ok(kept)
}

fn is_for_debuggers(section: &str) -> bool {
    section == "name" || section.starts_with(".debug_")
}

/// Appends a number as WebAssembly has it (LEB128).
fn push_leb(mut number: usize, out: &mut Vec<u8>) {
    loop {
        let byte = (number & 0x7F) as u8;
        number >>= 7;
        if number == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

/// Runs cargo and returns the name and file of each core module that it made.
fn compile(
    toolchain: &Toolchain,
    job: &GuestBuild<'_>,
    manifest: &Path,
) -> Result<Vec<(String, PathBuf)>, GuestBuildError> {
    let mut command = toolchain.cargo();
    command
        .args(["build", "--release", "--target", TARGET])
        .arg("--message-format=json-render-diagnostics")
        .arg("--manifest-path")
        .arg(absolute(manifest)?)
        .arg("--target-dir")
        .arg(absolute(job.target_dir)?)
        // rustup picks a toolchain by the folder that cargo runs in.
        .current_dir(job.source)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    if is_workspace(manifest)? {
        command.arg("--workspace");
    }
    if job.locked {
        command.arg("--locked");
    }
    if matches!(toolchain, Toolchain::Debian { .. }) {
        command.arg("-Zbuild-std=std,panic_abort");
    }
    let program = command.get_program().to_string_lossy().into_owned();
    let run_error = |source| GuestBuildError::Run {
        program: program.clone(),
        source,
    };
    let mut child = command.spawn().map_err(run_error)?;
    let mut modules = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line.map_err(run_error)?;
            modules.extend(artifact(&line));
        }
    }
    if child.wait().map_err(run_error)?.success() {
        Ok(modules)
    } else {
        Err(GuestBuildError::Compile(job.source.to_path_buf()))
    }
}

/// Reads one line of cargo's JSON: the library's name and Wasm file if it reports a `cdylib`.
fn artifact(line: &str) -> Option<(String, PathBuf)> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    if message.get("reason")? != "compiler-artifact" {
        return None;
    }
    let target = message.get("target")?;
    let is_cdylib = target
        .get("crate_types")?
        .as_array()?
        .iter()
        .any(|kind| kind == "cdylib");
    let file = message
        .get("filenames")?
        .as_array()?
        .iter()
        .filter_map(|name| name.as_str())
        .find(|name| name.ends_with(".wasm"))?;
    let name = target.get("name")?.as_str()?.replace('-', "_");
    is_cdylib.then(|| (name, PathBuf::from(file)))
}

fn is_workspace(manifest: &Path) -> Result<bool, GuestBuildError> {
    let text = fs::read_to_string(manifest).map_err(|source| file_error(manifest, source))?;
    Ok(text.lines().any(|line| line.trim() == "[workspace]"))
}

/// Whether a variable of the environment steers a compiler other than the chosen one.
fn names_a_compiler(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name == "LD_LIBRARY_PATH"
        || name == "CARGO"
        || [
            "RUST",
            "CARGO_BUILD_",
            "CARGO_ENCODED_",
            "CARGO_TARGET_",
            "CARGO_UNSTABLE_",
        ]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

fn absolute(path: &Path) -> Result<PathBuf, GuestBuildError> {
    std::path::absolute(path).map_err(|source| file_error(path, source))
}

fn file_error(path: &Path, source: std::io::Error) -> GuestBuildError {
    GuestBuildError::File {
        path: path.to_path_buf(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cdylib_artifact_gives_its_module_name_and_file() {
        let line = r#"{"reason":"compiler-artifact","target":{"name":"my-module",
            "crate_types":["cdylib","rlib"]},"filenames":["/t/libmy.rlib","/t/my.wasm"]}"#;
        assert_eq!(
            artifact(line),
            Some(("my_module".to_owned(), PathBuf::from("/t/my.wasm")))
        );
    }

    #[test]
    fn other_lines_of_cargo_give_nothing() {
        let library = r#"{"reason":"compiler-artifact","target":{"name":"dep",
            "crate_types":["lib"]},"filenames":["/t/libdep.rlib"]}"#;
        assert_eq!(artifact(library), None);
        assert_eq!(artifact(r#"{"reason":"build-finished"}"#), None);
        assert_eq!(artifact("warning: not JSON"), None);
    }

    #[test]
    fn names_go_and_everything_else_stays() {
        let text =
            r#"(module (func $named (export "f") (result i32) i32.const 7) (@custom "kept" "x"))"#;
        let core = wat::parse_str(text).unwrap();
        let bare = stripped(&core).unwrap();
        let has = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|w| w == text);
        assert!(has(&core, b"named") && !has(&bare, b"named"));
        assert!(has(&bare, b"kept") && bare.len() < core.len());
        assert!(wasmparser::validate(&bare).is_ok());
        assert!(stripped(&core[..core.len() - 1]).is_err());
    }

    #[test]
    fn a_folder_without_a_crate_is_named_in_the_error() {
        let folder = std::env::temp_dir();
        let job = GuestBuild {
            source: &folder.join("no-such-crate"),
            target_dir: &folder,
            out_dir: &folder,
            locked: false,
            names: false,
        };
        let error = build(&job).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("no-such-crate has no Cargo.toml")
        );
    }

    #[test]
    fn variables_of_an_outer_cargo_are_told_from_settings_that_stay() {
        for name in [
            "RUSTC",
            "RUSTUP_TOOLCHAIN",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO",
        ] {
            assert!(names_a_compiler(OsStr::new(name)), "{name}");
        }
        for name in ["CARGO_HOME", "CARGO_NET_OFFLINE", "PATH"] {
            assert!(!names_a_compiler(OsStr::new(name)), "{name}");
        }
    }
}
