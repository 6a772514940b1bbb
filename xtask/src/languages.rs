//! `cargo xtask languages`: `udfs/c`, `udfs/python` and `udfs/js`, built from `wit/` alone.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::{Args, ValueEnum};
use wit_bindgen_core::{Files, wit_parser::Resolve};
use wit_component_c::ComponentEncoder;

use crate::{set_up, workspace};

/// Which languages.
#[derive(Args)]
pub struct Options {
    /// Those to build; all of them if none is named.
    #[arg(value_enum)]
    languages: Vec<Language>,
    /// Leave out the measurement.
    #[arg(long)]
    no_bench: bool,
}

/// A language whose bindings are generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Debian's clang, with its C library for Wasm.
    C,
    /// componentize-py, from PyPI.
    Python,
    /// componentize-js, from npm.
    Js,
}

/// The world that they are built for.
const WORLD: &str = "portable";

/// What compiles C for Wasm, on Debian.
const CLANG: [&str; 4] = ["clang", "lld", "wasi-libc", "libclang-rt-dev-wasm32"];

/// Builds the examples, runs their table of cases, and measures them beside Lua and Rust.
pub fn run(options: &Options) -> Result<()> {
    let languages = match &options.languages[..] {
        [] => Language::value_variants(),
        named => named,
    };
    set_up::host()?;
    set_up::guests()?;
    for language in languages {
        build(*language)?;
    }
    let mut tests = workspace::cargo();
    tests
        .args(["test", "--release", "--locked", "--package=petrel-tests"])
        .args(["--test=examples", "--", "--include-ignored", "languages::"]);
    for language in Language::value_variants() {
        if !languages.contains(language) {
            tests.arg(format!("--skip=in_{}", language.name()));
        }
    }
    workspace::run(workspace::with_paths(&mut tests))?;
    if options.no_bench {
        return Ok(());
    }
    let mut bench = workspace::cargo();
    bench
        .args(["run", "--release", "--locked", "--package=petrel"])
        .args(["--example=languages", "--", "udfs/lua/my_module.lua"])
        .arg(workspace::guests_out().join("my_module.wasm"));
    for language in languages {
        bench.arg(language.component());
    }
    workspace::run(&mut bench)
}

/// Builds a language's example, after getting what that needs.
pub fn build(language: Language) -> Result<()> {
    let out = language.component();
    fs::create_dir_all(workspace::languages())?;
    match language {
        Language::C => c(&out),
        Language::Python => python(&out),
        Language::Js => js(&out),
    }?;
    let size = fs::metadata(&out)?.len();
    println!("{} ({size} bytes)", out.display());
    Ok(())
}

impl Language {
    /// As its folder in `udfs` and its tests are named.
    fn name(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Python => "python",
            Self::Js => "js",
        }
    }

    fn source(self) -> PathBuf {
        workspace::root().join("udfs").join(self.name())
    }

    /// The component that its example becomes.
    fn component(self) -> PathBuf {
        workspace::languages().join(format!("my_module_{}.wasm", self.name()))
    }
}

fn wit() -> PathBuf {
    workspace::root().join("wit")
}

fn c(out: &Path) -> Result<()> {
    let libc = Path::new("/usr/include/wasm32-wasi/stdlib.h");
    if !libc.is_file() || !workspace::works("clang", &["--version"]) {
        workspace::apt_install(&CLANG)
            .context("the example in C needs clang with a Wasm target")?;
    }
    let folder = workspace::languages().join("c");
    fs::create_dir_all(&folder)?;
    // As `wit-bindgen c --world portable wit` does.
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(wit())?;
    let world = resolve.select_world(&[package], Some(WORLD))?;
    let mut files = Files::default();
    wit_bindgen_c::Opts::default()
        .build()
        .generate(&mut resolve, world, &mut files)
        .map_err(|e| anyhow!("no bindings for C: {e}"))?;
    for (name, text) in files.iter() {
        fs::write(folder.join(name), text)?;
    }
    let core = folder.join("my_module.wasm");
    workspace::run(
        workspace::command("clang")
            .args(["--target=wasm32-wasi", "-mexec-model=reactor", "-O2"])
            .args(["-Wall", "-Wextra", "-Werror", "-Wl,--strip-all", "-I"])
            .arg(&folder)
            .arg("-o")
            .arg(&core)
            .arg(Language::C.source().join("my_module.c"))
            .arg(folder.join("portable.c"))
            .arg(folder.join("portable_component_type.o")),
    )?;
    // As `wasm-tools component new` does.
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&fs::read(&core)?)
        .and_then(ComponentEncoder::encode)
        .map_err(|e| anyhow!("{} cannot become a component: {e:#}", core.display()))?;
    fs::write(out, component)?;
    Ok(())
}

fn python(out: &Path) -> Result<()> {
    let requirements = Language::Python.source().join("requirements.txt");
    let venv = workspace::languages().join("venv");
    set_up::venv(&venv, &requirements)?;
    workspace::run(
        workspace::command(venv.join("bin/componentize-py"))
            .arg("--wit-path")
            .arg(wit())
            // Without the stubs it would import `wasi:sockets`, which the host has not.
            .args(["--world", WORLD, "componentize", "--stub-wasi", "my_module"])
            .arg("--python-path")
            .arg(Language::Python.source())
            .arg("--output")
            .arg(out),
    )
}

fn js(out: &Path) -> Result<()> {
    let source = Language::Js.source();
    let folder = workspace::languages().join("node");
    set_up::npm(&source, &folder)?;
    workspace::run(
        workspace::command(folder.join("node_modules/.bin/componentize-js"))
            .arg(source.join("my_module.js"))
            .arg("--wit")
            .arg(wit())
            // The host has no `wasi:http`, and the rest of WASI for what is left.
            .args(["--world-name", WORLD, "--disable", "http", "fetch-event"])
            .arg("--out")
            .arg(out),
    )
}
