//! A petrel process of the test's own.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use aerospike::{Client, ClientPolicy};
use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

/// How long a host may take to print its port, or to stop.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running host: killed when dropped, its log shown when the test panics.
#[derive(Debug)]
pub struct Host {
    child: Child,
    address: SocketAddr,
    durable: bool,
    dir: TempDir,
}

impl Host {
    /// A host that keeps its records in memory.
    pub fn memory() -> Result<Self> {
        Self::start(false, None)
    }

    /// A host on a data directory of its own, which survives [`Host::restart`].
    pub fn durable() -> Result<Self> {
        Self::start(true, None)
    }

    /// A host in memory under the text of a configuration file.
    pub fn configured(config: &str) -> Result<Self> {
        Self::start(false, Some(config))
    }

    fn start(durable: bool, config: Option<&str>) -> Result<Self> {
        let dir = tempfile::tempdir().context("making a directory for the host")?;
        if let Some(config) = config {
            std::fs::write(dir.path().join("petrel.toml"), config)?;
        }
        let (child, address) = launch(dir.path(), durable)?;
        Ok(Self {
            child,
            address,
            durable,
            dir,
        })
    }

    /// Where the host listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client of its own to this host.
    pub async fn client(&self) -> Result<Client> {
        connect(self.address).await
    }

    /// What the host has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Asks the host to stop, as a service manager does, and waits until it has.
    pub fn stop(&mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        let sent = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &pid])
            .status()?;
        ensure!(sent.success(), "SIGTERM did not reach the host");
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                ensure!(
                    status.success(),
                    "the host left with {status}:\n{}",
                    self.log()
                );
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!(
            "the host was still running {PATIENCE:?} after SIGTERM:\n{}",
            self.log()
        )
    }

    /// Stops the host and starts another on the same directory.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        (self.child, self.address) = launch(self.dir.path(), self.durable)?;
        Ok(())
    }

    /// The most memory that the process has held so far, in bytes (`VmHWM`).
    pub fn peak_memory(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status
            .lines()
            .find(|l| l.starts_with("VmHWM:"))
            .context("no VmHWM line")?;
        let kib: u64 = line
            .split_whitespace()
            .nth(1)
            .context("no figure in VmHWM")?
            .parse()?;
        Ok(kib << 10)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- the host's log ---\n{}", self.log());
        }
        // It may have gone already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client that knows nothing but host and port.
pub async fn connect(address: SocketAddr) -> Result<Client> {
    Client::new(&ClientPolicy::default(), &address.to_string())
        .await
        .map_err(anyhow::Error::from)
        .with_context(|| format!("connecting to {address}"))
}

fn launch(dir: &Path, durable: bool) -> Result<(Child, SocketAddr)> {
    let binary = binary()?;
    let mut command = Command::new(&binary);
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    if durable {
        command.arg("--data").arg(dir.join("data"));
    } else {
        command.arg("--memory");
    }
    let config = dir.join("petrel.toml");
    if config.exists() {
        command.arg("--config").arg(config);
    }
    let log = File::options()
        .create(true)
        .append(true)
        .open(dir.join("log"))?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .with_context(|| format!("starting {}", binary.display()))?;
    match port(&mut child) {
        Ok(address) => Ok((child, address)),
        Err(error) => {
            let _ = child.kill();
            let _ = child.wait();
            let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
            Err(error.context(format!("the host did not come up; its log:\n{log}")))
        }
    }
}

/// Reads `listening on ADDRESS` from the child's output, and keeps draining what follows so
/// that the child never blocks on a full pipe.
fn port(child: &mut Child) -> Result<SocketAddr> {
    let output = child.stdout.take().context("no pipe to the host")?;
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output)
            .lines()
            .map_while(std::io::Result::ok)
        {
            if let Some(address) = line.trim().strip_prefix("listening on ") {
                let _ = send.send(address.to_owned());
            }
        }
    });
    let address = receive
        .recv_timeout(PATIENCE)
        .context("no line \"listening on ADDRESS\"")?;
    address
        .parse()
        .with_context(|| format!("{address:?} is not an address"))
}

/// The binary under test: `PETREL_BIN`, or `petrel` in the release directory beside the tests'.
pub fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("PETREL_BIN") {
        return Ok(path.into());
    }
    let own = std::env::current_exe()?;
    own.ancestors()
        .flat_map(|dir| [dir.join("petrel"), dir.join("release/petrel")])
        .find(|path| path.is_file())
        .context("no petrel binary: run `cargo build --release -p petrel`, or set PETREL_BIN")
}
