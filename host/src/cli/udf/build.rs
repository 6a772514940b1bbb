//! `petrel udf build`: a Rust crate becomes components.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::anatomy::{Anatomy, interfaces};
use super::units::{short, size};
use crate::cli::error::CliError;
use crate::cli::guest_build::{self, Guest, GuestBuild};
use crate::cli::output::Output;

/// What to build, and where to put it.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// The crate's folder, or that of a workspace of such crates.
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// The folder for NAME.wasm.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
    /// Cargo's target directory [default: target/guests in the crate's folder].
    #[arg(long, value_name = "DIR")]
    pub target_dir: Option<PathBuf>,
    /// Refuse to change Cargo.lock.
    #[arg(long)]
    pub locked: bool,
    /// Keep the names of functions, which the traceback of a failure shows.
    #[arg(long)]
    pub names: bool,
    /// Show what each component is made of: its parts, and its code by crate and function.
    #[arg(long)]
    pub sizes: bool,
}

/// A component, taken apart.
struct Built {
    guest: Guest,
    imports: Vec<String>,
    anatomy: Anatomy,
}

impl BuildArgs {
    /// Builds, and prints what came of it.
    pub fn run(&self, output: Output) -> Result<(), CliError> {
        let own_target = self.dir.join("target/guests");
        let guests = guest_build::build(&GuestBuild {
            source: &self.dir,
            target_dir: self.target_dir.as_deref().unwrap_or(&own_target),
            out_dir: &self.out,
            locked: self.locked,
            names: self.names,
        })?;
        let built = guests
            .into_iter()
            .map(Built::new)
            .collect::<Result<Vec<_>, _>>()?;
        output.table(
            &["module", "bytes", "imports", "file"],
            built.iter().map(Built::row).collect(),
            "nothing was built",
            || built.iter().map(Built::to_json).collect(),
        );
        if self.sizes && output == Output::People {
            for one in &built {
                output.result(|| one.sizes(), Default::default);
            }
        }
        Ok(())
    }
}

impl Built {
    fn new(guest: Guest) -> Result<Self, CliError> {
        let read = |path: &PathBuf| std::fs::read(path).map_err(|e| CliError::file(path, e));
        // What was just built can be taken apart; if not, there is nothing to tell.
        let core = Anatomy::of(&read(&guest.core)?).unwrap_or_default();
        let (imports, _) = interfaces(&read(&guest.path)?).unwrap_or_default();
        Ok(Self {
            guest,
            imports,
            anatomy: core,
        })
    }

    fn row(&self) -> Vec<String> {
        vec![
            self.guest.name.clone(),
            self.guest.size.to_string(),
            packages(&self.imports),
            self.guest.path.display().to_string(),
        ]
    }

    /// What made it big, for people.
    fn sizes(&self) -> String {
        let listed = |of: &[(String, usize)]| -> String {
            let line = |(name, bytes): &(String, usize)| {
                format!("\n  {:>9}  {}", size(*bytes), short(name, 90))
            };
            of.iter().map(line).collect()
        };
        let parts = self.anatomy.parts.iter();
        let parts: Vec<_> = parts
            .map(|(name, n)| format!("{name} {}", size(*n)))
            .collect();
        format!(
            "{}, before names are taken out: {}\ncode by crate:{}\nlargest functions:{}",
            self.guest.name,
            parts.join(", "),
            listed(&self.anatomy.crates),
            listed(&self.anatomy.functions)
        )
    }

    fn to_json(&self) -> serde_json::Value {
        let object = |of: &[(String, usize)]| -> serde_json::Value {
            of.iter()
                .map(|(name, n)| (name.clone(), json!(n)))
                .collect()
        };
        let parts = self.anatomy.parts.iter();
        let parts: serde_json::Value = parts.map(|(n, b)| ((*n).to_owned(), json!(b))).collect();
        json!({
            "name": self.guest.name,
            "bytes": self.guest.size,
            "file": self.guest.path,
            "imports": self.imports,
            "parts": parts,
            "crates": object(&self.anatomy.crates),
            "functions": object(&self.anatomy.functions),
        })
    }
}

/// The packages that interfaces are of, each once: a line has no room for every interface of WASI.
fn packages(interfaces: &[String]) -> String {
    let mut packages: Vec<&str> = Vec::new();
    for interface in interfaces {
        let package = interface.split('/').next().unwrap_or(interface);
        if !packages.contains(&package) {
            packages.push(package);
        }
    }
    packages.join(" ")
}
