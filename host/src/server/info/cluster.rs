//! Who this node is, and which partitions it has: all of them, in a cluster of one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::host::Host;
use super::params::{Answer, Params};
use crate::model::PARTITIONS;

/// The protocol level that clients decide by.
const BUILD: &str = "8.2.0.0";
/// What this host can do, as clients look for it.
const FEATURES: &str = "batch-any;batch-index;blob-bits;cdt-index;cdt-list;cdt-map;cluster-stable;\
float;geo;sindex-exists;peers;pipelining;pquery;pscans;query-show;relaxed-sc;replicas;\
replicas-all;replicas-master;replicas-max;truncate-namespace;udf";

/// The answer to a command about node or cluster; `None` for other commands.
pub fn answer(host: &Host, p: &Params<'_>) -> Option<Answer> {
    let text = match p.name {
        "node" => host.node.clone(),
        "name" => host.node.clone(),
        "build" => BUILD.into(),
        "edition" => "petrel".into(),
        "version" => format!("petrel {} (protocol {BUILD})", env!("CARGO_PKG_VERSION")),
        "release" => format!(
            "edition=petrel;version={BUILD};petrel={};arch={};os={}",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::ARCH,
            std::env::consts::OS
        ),
        "build_arch" => std::env::consts::ARCH.into(),
        "build_os" => std::env::consts::OS.into(),
        "compatibility-id" => "15".into(),
        "features" => FEATURES.into(),
        "cluster-name" => host
            .config
            .cluster_name
            .clone()
            .unwrap_or_else(|| "null".into()),
        "cluster-stable" => "B9".into(),
        "partitions" => PARTITIONS.to_string(),
        "partition-generation" | "rebalance-generation" => "1".into(),
        "peers-generation" => "1".into(),
        "peers-clear-std" | "peers-clear-alt" | "peers-tls-std" | "peers-tls-alt"
        | "alumni-clear-std" | "alumni-tls-std" => format!("1,{},[]", host.address.port()),
        "service" | "service-clear-std" | "services-alternate" => service(host),
        "service-clear-alt" | "service-tls-std" | "service-tls-alt" | "services"
        | "services-alumni" | "admin-clear-std" | "admin-tls-std" | "racks" => String::new(),
        "rack-ids" => each_namespace(host, |name| format!("{name}:0")),
        "replicas" => each_namespace(host, |name| format!("{name}:0,1,{}", bitmap())),
        "replicas-all" => each_namespace(host, |name| format!("{name}:1,{}", bitmap())),
        "replicas-master" => each_namespace(host, |name| format!("{name}:{}", bitmap())),
        "replicas-prole" => each_namespace(host, |name| format!("{name}:{}", empty_bitmap())),
        "replicas-max" => each_namespace(host, |name| format!("{name}:1,{}", bitmap())),
        "partition-info" => partition_info(host),
        _ => return None,
    };
    Some(Ok(text))
}

fn service(host: &Host) -> String {
    let mut address = host.address;
    if address.ip().is_unspecified() {
        // Any address of the machine will do; loopback is the one that is always there.
        address.set_ip(if address.is_ipv4() {
            std::net::Ipv4Addr::LOCALHOST.into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    address.to_string()
}

fn each_namespace(host: &Host, text: impl Fn(&str) -> String) -> String {
    let namespaces = host.dispatcher.namespaces().iter();
    let parts: Vec<String> = namespaces.map(|ns| text(&ns.name)).collect();
    parts.join(";")
}

/// One bit per partition, all set.
fn bitmap() -> String {
    STANDARD.encode([0xFF; PARTITIONS / 8])
}

fn empty_bitmap() -> String {
    STANDARD.encode([0; PARTITIONS / 8])
}

fn partition_info(host: &Host) -> String {
    let mut out = String::from("namespace:partition:state:n_replicas:replica");
    for ns in host.dispatcher.namespaces() {
        for partition in 0..PARTITIONS {
            out.push_str(&format!(";{}:{partition}:S:1:0", ns.name));
        }
    }
    out
}
