//! The compiler for Rust guests.
//!
//! The target `wasm32-unknown-unknown` comes from the user's own toolchain when that has it,
//! else from Debian's `rustc-web` packages beside it; the second route needs no rustup and
//! compiles the standard library once per target directory.
//!
//! `cargo xtask` looks for one too, so the file leans on nothing else in the crate.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The one target that guests are compiled for.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The Debian packages of the second route.
pub const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "rust-web-src", "cargo-web", "lld-22"];

/// A way to compile Rust for [`TARGET`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Toolchain {
    /// The `cargo` on PATH, whose toolchain has the target installed.
    User,
    /// Debian's packages: a compiler with its library source, and a Wasm linker.
    Debian {
        /// The compiler of `rustc-web`.
        rustc: PathBuf,
        /// The cargo of `cargo-web`.
        cargo: PathBuf,
        /// LLVM's Wasm linker.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// Finds a toolchain for guests of the crate at `source`, the user's own first.
    pub fn find(source: &Path) -> Option<Self> {
        if user_toolchain_has_target(source) {
            return Some(Self::User);
        }
        debian_toolchain()
    }
}

fn user_toolchain_has_target(source: &Path) -> bool {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(source)
        .stderr(Stdio::null())
        .output();
    output.is_ok_and(|output| {
        output.status.success()
            && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir()
    })
}

fn debian_toolchain() -> Option<Toolchain> {
    let rustc = packaged_program("rustc-web", "rustc")?;
    let cargo = packaged_program("cargo-web", "cargo")?;
    let linker = wasm_linker()?;
    let sysroot = Command::new(&rustc)
        .args(["--print", "sysroot"])
        .env_remove("LD_LIBRARY_PATH")
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let library = Path::new(String::from_utf8_lossy(&sysroot.stdout).trim())
        .join("lib/rustlib/src/rust/library/Cargo.lock");
    library.is_file().then_some(Toolchain::Debian {
        rustc,
        cargo,
        linker,
    })
}

/// The program of a Debian package: the one that stands in a folder of programs.
fn packaged_program(package: &str, program: &str) -> Option<PathBuf> {
    let output = Command::new("dpkg")
        .args(["-L", package])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(PathBuf::from)
        .find(|path| path.starts_with("/usr/bin") && path.file_name() == Some(OsStr::new(program)))
        .filter(|path| path.is_file())
}

/// The newest `wasm-ld` among `/usr/bin` and PATH's other folders.
fn wasm_linker() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            let version = match name.strip_prefix("wasm-ld")? {
                "" => 0,
                rest => rest.strip_prefix('-')?.parse::<u32>().ok()?,
            };
            Some((version, path))
        })
        .max()
        .map(|(_, path)| path)
}
