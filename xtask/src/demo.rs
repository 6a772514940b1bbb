//! `cargo xtask demo`: the UDF guide, snippet by snippet, on a host with 100,000 users.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{set_up, workspace};

/// How large the demo is.
#[derive(Args)]
pub struct Options {
    /// How many users to load.
    #[arg(long, default_value_t = 100_000)]
    users: u32,
}

/// One row of the closing table, as tests/python/demo.py reports it.
struct Snippet {
    name: String,
    runtime: String,
    records: u64,
    seconds: f64,
    problem: Option<String>,
}

/// Sets everything up, runs the guide and prints what each snippet did and took.
pub fn run(options: &Options) -> Result<()> {
    let start = Instant::now();
    set_up::everything()?;
    println!("set-up took {:.1} s\n", start.elapsed().as_secs_f64());

    let data = workspace::target().join(format!("demo-data-{}", std::process::id()));
    fs::create_dir_all(&data).with_context(|| format!("cannot create {}", data.display()))?;
    let mut host = Host::start(&data)?;
    println!(
        "petrel listens on 127.0.0.1:{}, data in {}",
        host.port,
        data.display()
    );
    let snippets = guide(&host, options);
    let stopped = host.stop();
    let snippets = snippets?;

    print_table(&snippets);
    stopped?;
    println!(
        "petrel stopped cleanly; the whole demo took {:.1} s",
        start.elapsed().as_secs_f64()
    );
    fs::remove_dir_all(&data).with_context(|| format!("cannot remove {}", data.display()))?;
    let wrong = snippets.iter().filter(|row| row.problem.is_some()).count();
    if wrong > 0 {
        bail!(
            "{wrong} of {} snippets did not do what the guide says",
            snippets.len()
        );
    }
    Ok(())
}

/// Runs tests/python/demo.py and collects the rows it reports, one JSON object a line.
fn guide(host: &Host, options: &Options) -> Result<Vec<Snippet>> {
    let mut child = workspace::command(workspace::python())
        .arg("tests/python/demo.py")
        .arg(format!("--host=127.0.0.1:{}", host.port))
        .arg(format!("--users={}", options.users))
        .arg("--lua=udfs/lua/my_module.lua")
        .arg("--wasm")
        .arg(workspace::guests_out().join("my_module.wasm"))
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run tests/python/demo.py")?;
    let mut snippets = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            match snippet(&line?) {
                Ok(row) => {
                    println!("  {:<28} {}", row.name, row.runtime);
                    snippets.push(row);
                }
                Err(line) => println!("{line}"),
            }
        }
    }
    let status = child.wait()?;
    if !status.success() {
        print_table(&snippets);
        bail!("tests/python/demo.py failed ({status}); its messages above say where");
    }
    Ok(snippets)
}

fn snippet(line: &str) -> Result<Snippet, &str> {
    let row: serde_json::Value = serde_json::from_str(line).map_err(|_| line)?;
    let text = |name: &str| row.get(name).and_then(|value| value.as_str());
    Ok(Snippet {
        name: text("snippet").ok_or(line)?.to_owned(),
        runtime: text("runtime").ok_or(line)?.to_owned(),
        records: row.get("records").and_then(|n| n.as_u64()).ok_or(line)?,
        seconds: row.get("seconds").and_then(|n| n.as_f64()).ok_or(line)?,
        problem: text("problem").map(str::to_owned),
    })
}

fn print_table(snippets: &[Snippet]) {
    println!(
        "\n{:<28} {:<8} {:>10} {:>10} {:>12}",
        "snippet", "runtime", "records", "seconds", "records/s"
    );
    for row in snippets {
        let rate = row.records as f64 / row.seconds.max(1e-6);
        println!(
            "{:<28} {:<8} {:>10} {:>10.3} {:>12.0}  {}",
            row.name,
            row.runtime,
            row.records,
            row.seconds,
            rate,
            row.problem.as_deref().unwrap_or("ok")
        );
    }
    println!();
}

/// A running `petrel serve`; dropping it kills the process.
struct Host {
    child: Child,
    // Held so that the host can go on printing.
    _stdout: BufReader<ChildStdout>,
    port: u16,
}

impl Host {
    fn start(data: &std::path::Path) -> Result<Self> {
        let mut child = workspace::command(workspace::petrel())
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .env(
                "RUST_LOG",
                std::env::var_os("RUST_LOG").unwrap_or_else(|| "warn".into()),
            )
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run petrel serve")?;
        let Some(stdout) = child.stdout.take() else {
            bail!("petrel serve has no stdout");
        };
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        loop {
            line.clear();
            if stdout.read_line(&mut line)? == 0 {
                bail!("petrel serve ended before it listened ({})", child.wait()?);
            }
            if let Some(port) = listening_port(&line) {
                return Ok(Self {
                    child,
                    _stdout: stdout,
                    port,
                });
            }
        }
    }

    /// Asks the host to stop as an operator would, and checks that it does so well.
    fn stop(&mut self) -> Result<()> {
        workspace::run(workspace::command("kill").args(["-TERM", &self.child.id().to_string()]))?;
        let patience = Instant::now() + Duration::from_secs(30);
        while Instant::now() < patience {
            if let Some(status) = self.child.try_wait()? {
                if !status.success() {
                    bail!("petrel serve did not stop cleanly on SIGTERM ({status})");
                }
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("petrel serve did not stop within 30 s of SIGTERM")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Both fail harmlessly when the host has already stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The port in the line `listening on HOST:PORT`.
fn listening_port(line: &str) -> Option<u16> {
    let (_, address) = line.split_once("listening on ")?;
    let address = address.split_whitespace().next()?;
    address.rsplit_once(':')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_from_the_listening_line() {
        assert_eq!(listening_port("listening on 127.0.0.1:4021\n"), Some(4021));
        assert_eq!(
            listening_port("petrel 0.1.0 listening on 127.0.0.1:1 (memory)"),
            Some(1)
        );
        assert_eq!(listening_port("opening data"), None);
    }

    #[test]
    fn a_report_line_becomes_a_row_and_other_lines_are_passed_on() {
        let row = snippet(
            r#"{"snippet":"bulk delete","runtime":"host","records":3,"seconds":0.5,"problem":null}"#,
        );
        assert!(row.is_ok_and(|row| row.records == 3 && row.problem.is_none()));
        assert!(snippet("loading").is_err());
    }
}
