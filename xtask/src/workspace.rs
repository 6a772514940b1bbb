//! Where things are in the workspace, and how programs are run in it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The workspace's root folder.
pub fn root() -> PathBuf {
    let own = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    own.parent().map(Path::to_path_buf).unwrap_or(own)
}

/// Cargo's target folder of the workspace.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// The host's release binary.
pub fn petrel() -> PathBuf {
    target().join("release/petrel")
}

/// The example components.
pub fn guests_out() -> PathBuf {
    target().join("guests-out")
}

/// What the examples in other languages are built with and to.
pub fn languages() -> PathBuf {
    target().join("languages")
}

/// The Python interpreter that has the clients.
pub fn python() -> PathBuf {
    target().join("venv/bin/python")
}

/// The folder that the Node.js client is installed in.
pub fn node() -> PathBuf {
    target().join("node")
}

/// A command that runs in the workspace's root.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// A cargo command in the workspace, free of what the cargo that runs this task left behind.
pub fn cargo() -> Command {
    let mut command = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    command
}

/// Tells tests where the host, the guests and the Python clients are.
pub fn with_paths(command: &mut Command) -> &mut Command {
    command
        .env("PETREL_BIN", petrel())
        .env("PETREL_GUESTS", guests_out())
        .env("PETREL_LANGUAGES", languages())
        .env("PETREL_PYTHON", python())
        .env("PETREL_NODE", node())
}

/// Runs a command to its end; a failure names the command.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = show(command);
    let status = command
        .status()
        .with_context(|| format!("cannot run `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// Whether a program can be run at all with these arguments.
pub fn works(program: impl AsRef<OsStr>, arguments: &[&str]) -> bool {
    command(program)
        .args(arguments)
        .output()
        .is_ok_and(|output| output.status.success())
}

/// Installs Debian packages if this process may; says what to type if it may not.
pub fn apt_install(packages: &[&str]) -> Result<()> {
    let typed = format!(
        "apt-get install -y --no-install-recommends {}",
        packages.join(" ")
    );
    if !works("apt-get", &["--version"]) {
        bail!("this machine has no apt-get");
    }
    if !is_root() {
        bail!("installing packages needs root: run `sudo {typed}`");
    }
    println!("installing {}", packages.join(", "));
    let install = || {
        run(command("apt-get")
            .args(["install", "-y", "-qq", "--no-install-recommends"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"))
    };
    // The package lists may be missing or old; fetching them is slow, so only on failure.
    if install().is_ok() {
        return Ok(());
    }
    run(command("apt-get").args(["update", "-qq"]))?;
    install().with_context(|| format!("try `{typed}` by hand"))
}

fn is_root() -> bool {
    command("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn show(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(OsStr::to_string_lossy));
    words.join(" ")
}
