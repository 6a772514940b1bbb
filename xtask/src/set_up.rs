//! What demo and test need before they start: guest toolchain, guests, Python clients, host.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::toolchain::{DEBIAN_PACKAGES, TARGET, Toolchain};
use crate::workspace;

/// Installs the client that tests/node/package-lock.json pins, beside the build's output. Its
/// program for this machine is in the package, so that nothing has to be built or fetched for it.
pub fn node() -> Result<()> {
    npm(&workspace::root().join("tests/node"), &workspace::node())
}

/// Installs in `folder` what the package-lock.json in `source` pins.
pub fn npm(source: &Path, folder: &Path) -> Result<()> {
    let read = |file: &str| {
        let path = source.join(file);
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let wanted = read("package-lock.json")?;
    // The stamp is written last, so a set-up that was cut off is done again.
    let stamp = folder.join("installed-package-lock.json");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    if !workspace::works("node", &["--version"]) || !workspace::works("npm", &["--version"]) {
        workspace::apt_install(&["nodejs", "npm"])
            .context("this needs Node.js 18 or later, with npm")?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for (file, text) in [
        ("package.json", read("package.json")?),
        ("package-lock.json", wanted.clone()),
    ] {
        let path = folder.join(file);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    workspace::run(
        workspace::command("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .args(["--loglevel", "error"])
            .current_dir(folder),
    )
    .with_context(|| {
        let source = source.display();
        format!("npm could not install what {source} pins; is a package index within reach?")
    })?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

/// Gets what the demo needs and says what it found.
pub fn everything() -> Result<()> {
    host()?;
    guests()?;
    python()?;
    println!("python clients   {}", workspace::python().display());
    Ok(())
}

/// Builds the host's release binary.
pub fn host() -> Result<()> {
    workspace::run(workspace::cargo().args(["build", "--release", "--locked", "--package=petrel"]))
}

/// Builds the example guests with the host's binary, after getting a toolchain for them if
/// there is none.
pub fn guests() -> Result<()> {
    let source = workspace::root().join("udfs/rust");
    if Toolchain::find(&source).is_none() {
        workspace::apt_install(&DEBIAN_PACKAGES).with_context(|| {
            format!("run `rustup target add {TARGET}`, or let Debian's packages stand in")
        })?;
    }
    workspace::run(
        workspace::command(workspace::petrel())
            .args(["udf", "build", "--locked", "--names", "--target-dir"])
            .arg(workspace::target().join("guests"))
            .arg("--out")
            .arg(workspace::guests_out())
            .arg(source),
    )
}

/// Makes a Python environment with the clients that tests/python/requirements.txt pins.
pub fn python() -> Result<()> {
    let requirements = workspace::root().join("tests/python/requirements.txt");
    venv(&workspace::target().join("venv"), &requirements)
}

/// Makes a Python environment in `folder` with what `requirements` pins.
pub fn venv(folder: &Path, requirements: &Path) -> Result<()> {
    let wanted = fs::read_to_string(requirements)
        .with_context(|| format!("cannot read {}", requirements.display()))?;
    let python = folder.join("bin/python");
    // The stamp is written last, so a set-up that was cut off is done again.
    let stamp = folder.join("installed-requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted)
        && workspace::works(&python, &["--version"])
    {
        return Ok(());
    }
    if !workspace::works("python3", &["-c", "import venv, ensurepip"]) {
        workspace::apt_install(&["python3", "python3-venv"])
            .context("this needs Python 3 with its venv module")?;
    }
    workspace::run(
        workspace::command("python3")
            .args(["-m", "venv", "--clear"])
            .arg(folder),
    )?;
    workspace::run(
        workspace::command(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .arg("--requirement")
            .arg(requirements),
    )
    .with_context(|| {
        let requirements = requirements.display();
        format!("pip could not install {requirements}; is a package index within reach?")
    })?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}
