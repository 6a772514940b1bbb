//! Starts the host, accepts connections, and shuts it all down in order.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::config::{Config, NamespaceConfig};
use super::connection;
use super::host::Host;
use crate::assembly::{self, HostOptions, NamespaceOptions, Storage};
use crate::dispatch::{Dispatcher, Threads};

/// How to serve.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Where to accept connections; port 0 picks a free one. `None` leaves it to the config.
    pub listen: Option<SocketAddr>,
    /// Where records and modules are kept.
    pub storage: Storage,
    /// The configuration file; without one the defaults hold.
    pub config: Option<PathBuf>,
}

/// How long accepting waits after the system refused, for instance for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until SIGTERM or Ctrl-C.
///
/// Prints `listening on ADDRESS` on standard output once clients can connect. At the signal it
/// stops accepting, lets running requests finish within `network.shutdown-secs`, and makes what
/// was written durable.
///
/// # Errors
/// When the configuration is not valid, the storage does not open, or the address is taken.
pub fn serve(options: ServeOptions) -> anyhow::Result<()> {
    let mut config = match &options.config {
        Some(path) => Config::read(path)?,
        None => Config::default(),
    };
    if let Some(listen) = options.listen {
        config.listen = listen;
    }
    let dispatcher = Arc::new(open(&config, options.storage)?);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    if config.threads.network > 0 {
        runtime.worker_threads(config.threads.network);
    }
    let runtime = runtime
        .enable_all()
        .thread_name("petrel-net")
        .build()
        .context("cannot start the network threads")?;
    runtime.block_on(accept(config, dispatcher.clone()))?;
    runtime.shutdown_timeout(Duration::from_secs(1));
    futures::executor::block_on(dispatcher.flush())?;
    tracing::info!("stopped");
    Ok(())
}

/// Opens the host as the configuration has it.
fn open(config: &Config, storage: Storage) -> anyhow::Result<Dispatcher> {
    let default = Threads::default();
    let or = |set: usize, default: usize| if set == 0 { default } else { set };
    let namespace = |ns: &NamespaceConfig| NamespaceOptions {
        name: ns.name.clone(),
        default_ttl: ns.default_ttl,
    };
    Ok(assembly::open(HostOptions {
        storage,
        namespaces: config.namespaces.iter().map(namespace).collect(),
        settings: config.settings(),
        code_cache: config.code_cache.clone(),
        threads: Threads {
            callers: or(config.threads.network, default.callers),
            foreground: or(config.threads.foreground, default.foreground),
            background: or(config.threads.background, default.background),
        },
        ..HostOptions::default()
    })?)
}

async fn accept(config: Config, dispatcher: Arc<Dispatcher>) -> anyhow::Result<()> {
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.listen))?;
    let address = listener.local_addr()?;
    let host = Arc::new(Host::new(config, dispatcher, address));
    let mut stop = std::pin::pin!(stop_signal());
    let mut connections = JoinSet::new();
    {
        let mut out = std::io::stdout().lock();
        writeln!(out, "listening on {address}")?;
        out.flush()?;
    }
    tracing::info!(%address, node = host.node, "accepting connections");
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            signal = &mut stop => {
                signal?;
                break;
            }
            Some(_) = connections.join_next() => continue,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(e) => {
                tracing::warn!("cannot accept a connection: {e}; raise the limit of open files");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let max = host.config.network.max_connections;
        if host.counters.open.load(Relaxed) >= max {
            host.counters.refused.fetch_add(1, Relaxed);
            tracing::warn!(%peer, "connection refused: {max} are open (network.max-connections)");
            continue;
        }
        host.counters.accepted.fetch_add(1, Relaxed);
        let open = Open::new(host.clone());
        connections.spawn(async move {
            if let Err(e) = connection::run(open.0.clone(), socket, peer).await {
                tracing::debug!(%peer, "connection ended: {e}");
            }
        });
    }
    drop(listener);
    host.stop();
    finish(&host, connections).await;
    Ok(())
}

/// Counts a connection for as long as it lives, however it ends.
struct Open(Arc<Host>);

impl Open {
    fn new(host: Arc<Host>) -> Self {
        host.counters.open.fetch_add(1, Relaxed);
        Self(host)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.counters.open.fetch_sub(1, Relaxed);
    }
}

/// Lets connections finish what they do, within the configured time.
async fn finish(host: &Host, mut connections: JoinSet<()>) {
    tracing::info!(connections = connections.len(), "stopping");
    for task in host.dispatcher.tasks().all() {
        task.abort();
    }
    let limit = Duration::from_secs(host.config.network.shutdown_secs);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limit, all).await.is_err() {
        tracing::warn!("some requests did not finish within {limit:?} and are cut off");
    }
}

#[cfg(unix)]
async fn stop_signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut term = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = term.recv() => {}
        done = tokio::signal::ctrl_c() => done?,
    }
    Ok(())
}

#[cfg(not(unix))]
async fn stop_signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
