//! `petrel udf build`: a Rust crate becomes components.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::error::CliError;
use crate::cli::guest_build::{self, GuestBuild};
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
        })?;
        output.table(
            &["module", "bytes", "file"],
            guests
                .iter()
                .map(|guest| {
                    vec![
                        guest.name.clone(),
                        guest.size.to_string(),
                        guest.path.display().to_string(),
                    ]
                })
                .collect(),
            "nothing was built",
            || {
                guests
                    .iter()
                    .map(|guest| {
                        json!({"name": guest.name, "bytes": guest.size, "file": guest.path})
                    })
                    .collect()
            },
        );
        Ok(())
    }
}
