//! Command lines from a page, checked and run.

use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser as _;
use petrel::cli::Arguments;
use petrel_tests::guests::root;
use petrel_tests::{Host, guest, host};
use tempfile::TempDir;

/// What the pages say to cargo. It is not run from its own tests, but each of these is part of
/// `cargo xtask demo` or `cargo xtask test`, or asks for another view of what they make.
const CARGO: &[&str] = &[
    "cargo build --release --package petrel",
    "cargo doc --package petrel --open",
    "cargo xtask bench-report",
    "cargo xtask demo",
    "cargo xtask languages",
    "cargo xtask test",
];

/// A folder like the workspace's root, and a host that commands reach by themselves.
pub struct Shell {
    folder: TempDir,
    petrel: PathBuf,
    address: String,
}

impl Shell {
    /// A shell for this host.
    pub fn new(host: &Host) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        std::os::unix::fs::symlink(
            root().join("udfs").canonicalize()?,
            folder.path().join("udfs"),
        )?;
        // What `petrel udf build udfs/rust/my_module` writes; the test command has built it.
        std::fs::write(folder.path().join("my_module.wasm"), guest("my_module")?)?;
        Ok(Self {
            folder,
            petrel: host::binary()?,
            address: host.address().to_string(),
        })
    }

    /// Checks every line of a snippet, and runs those that name everything they need.
    pub fn run(&self, snippet: &str) -> Result<()> {
        for line in snippet.lines() {
            self.line(line).with_context(|| format!("`{line}`"))?;
        }
        Ok(())
    }

    /// Runs the cases of a fixture file.
    pub fn test(&self, fixture: &str) -> Result<()> {
        let file = self.folder.path().join("snippet.yaml");
        std::fs::write(&file, fixture)?;
        let output = Command::new(&self.petrel)
            .args(["udf", "test"])
            .arg(&file)
            .output()?;
        ensure!(output.status.success(), "{}", said(&output));
        Ok(())
    }

    fn line(&self, line: &str) -> Result<()> {
        let words = split(line)?;
        match words.first().map(String::as_str) {
            None => Ok(()),
            Some("cargo") => {
                let command = words.join(" ");
                ensure!(CARGO.contains(&command.as_str()), "no such command");
                Ok(())
            }
            Some("petrel" | "target/release/petrel") => self.petrel(&words[1..]),
            Some(other) => bail!("{other} is not a program that the tests know"),
        }
    }

    fn petrel(&self, words: &[String]) -> Result<()> {
        // `[--name NAME]` may be left out; `NAME` stands for a name of the reader's.
        let concrete = |word: &String| {
            let word = word.trim_matches(['[', ']']);
            if word == "ID" { "1" } else { word }.to_owned()
        };
        let plain: Vec<String> = words.iter().map(concrete).collect();
        Arguments::try_parse_from([&["petrel".to_owned()], &plain[..]].concat())?;
        let open = words.iter().any(|word| {
            word.starts_with('[') || word.bytes().all(|letter| letter.is_ascii_uppercase())
        });
        // A host is running already, and the example module is built.
        let done = words[0] == "serve" || (words[0] == "udf" && words[1] == "build");
        if open || done {
            return Ok(());
        }
        let output = Command::new(&self.petrel)
            .args(words)
            .current_dir(self.folder.path())
            .env("PETREL_HOST", &self.address)
            .output()?;
        ensure!(output.status.success(), "{}", said(&output));
        Ok(())
    }
}

fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    let text = [&out[..], err].concat();
    format!("{}: {}", output.status, String::from_utf8_lossy(&text))
}

/// The words of a line, as the shell sees them.
fn split(line: &str) -> Result<Vec<String>> {
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!("set -f; printf '%s\\n' {line}"))
        .output()?;
    ensure!(output.status.success(), "{}", said(&output));
    let words = String::from_utf8(output.stdout)?;
    Ok(words
        .lines()
        .map(str::to_owned)
        .filter(|w| !w.is_empty())
        .collect())
}
