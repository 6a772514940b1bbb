//! Figures and settings of the host.

use std::sync::atomic::Ordering::Relaxed;

use super::super::host::Host;
use super::params::{Answer, Params};
use crate::task::Status;

/// `statistics`.
pub fn statistics(host: &Host) -> String {
    let (mut objects, mut bytes) = (0, 0);
    for ns in host.dispatcher.namespaces() {
        let (n, b) = ns.count();
        objects += n;
        bytes += b;
    }
    let tasks = host.dispatcher.tasks().all();
    let active = tasks
        .iter()
        .filter(|t| t.status() == Status::Active)
        .count();
    let counters = &host.counters;
    format!(
        "cluster_size=1;cluster_key=B9;cluster_integrity=true;cluster_is_member=true;\
         uptime={};objects={objects};data_used_bytes={bytes};tombstones=0;\
         client_connections={};client_connections_opened={};client_connections_refused={};\
         queries_active={active};udf_modules={};migrate_partitions_remaining=0;\
         failed_best_practices=false",
        host.started.elapsed().as_secs(),
        counters.open.load(Relaxed),
        counters.accepted.load(Relaxed),
        counters.refused.load(Relaxed),
        host.dispatcher.registry().list().len(),
    )
}

/// `get-config:context=service`, `get-config:context=namespace;id=NAME`.
pub fn config(host: &Host, p: &Params<'_>) -> Answer {
    match p.get("context") {
        Some("namespace") => {
            super::namespaces::namespace(host, p.any(&["namespace", "id"]).unwrap_or_default())
        }
        _ => {
            let network = &host.config.network;
            Ok(format!(
                "cluster-name={};proto-fd-max={};proto-fd-idle-ms={};max-frame-bytes={};\
                 udf-memory-bytes={};udf-time-ms={}",
                host.config.cluster_name.as_deref().unwrap_or("null"),
                network.max_connections,
                network.idle_timeout_secs * 1000,
                network.max_frame_bytes,
                host.config.limits.memory_bytes,
                host.config.limits.time_ms,
            ))
        }
    }
}
