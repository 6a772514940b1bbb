//! Namespaces and sets: names, figures, truncation.

use std::sync::Arc;

use super::super::host::Host;
use super::params::{Answer, Params, error, missing};
use crate::dispatch::Namespace;
use crate::model::{EPOCH_OFFSET_SECS, ResultCode, now_millis};

/// `namespaces`.
pub fn names(host: &Host) -> String {
    let names: Vec<&str> = host
        .dispatcher
        .namespaces()
        .iter()
        .map(|ns| &*ns.name)
        .collect();
    names.join(";")
}

fn find<'a>(host: &'a Host, name: &str) -> Result<&'a Arc<Namespace>, String> {
    host.dispatcher
        .namespace(name.as_bytes())
        .map_err(|e| error(e.code, format_args!("unknown namespace {name}")))
}

/// `namespace/NAME`. Clients tell an unknown namespace by these words.
pub fn namespace(host: &Host, name: &str) -> Answer {
    let Ok(ns) = find(host, name) else {
        return Ok("type=unknown".into());
    };
    let (objects, bytes) = ns.count();
    Ok(format!(
        "ns_cluster_size=1;effective_replication_factor=1;objects={objects};master_objects={objects};\
         prole_objects=0;tombstones=0;data_used_bytes={bytes};memory_used_bytes={bytes};\
         stop_writes=false;hwm_breached=false;default-ttl={};nsup-period=1;replication-factor=1;\
         strong-consistency=false;allow-ttl-without-nsup=true;unavailable_partitions=0;dead_partitions=0",
        ns.default_ttl
    ))
}

/// `sets`, `sets/NAMESPACE`, `sets/NAMESPACE/SET`.
pub fn sets(host: &Host, argument: &str) -> Answer {
    let (wanted_ns, wanted_set) = argument.split_once('/').unwrap_or((argument, ""));
    let namespaces: Vec<&Arc<Namespace>> = if wanted_ns.is_empty() {
        host.dispatcher.namespaces().iter().collect()
    } else {
        vec![find(host, wanted_ns)?]
    };
    let mut out = String::new();
    for ns in namespaces {
        let (names, indexes) = (ns.sets(), ns.indexes().all());
        for (id, count) in ns.set_counts() {
            let name = names.name(id).map_or("", |n| n);
            if name.is_empty() || (!wanted_set.is_empty() && wanted_set != name) {
                continue;
            }
            out.push_str(&format!(
                "ns={}:set={name}:objects={count}:tombstones=0:data_used_bytes=0:\
                 truncate_lut=0:sindexes={}:index_populating=false;",
                ns.name,
                indexes
                    .iter()
                    .filter(|index| index.definition().set == name)
                    .count()
            ));
        }
    }
    Ok(out)
}

/// `truncate:namespace=;set=;lut=`: removes the records that were last written before `lut`
/// (nanoseconds of Unix time; now, if it is not given). Of a namespace that is not here there are none.
pub async fn truncate(host: &Host, p: &Params<'_>) -> Answer {
    let name = p.any(&["namespace", "ns"]).ok_or_else(|| {
        error(
            ResultCode::InvalidNamespace,
            "missing 'namespace' parameter",
        )
    })?;
    let before = match p.get("lut") {
        None => None,
        Some(text) => {
            let unix: u64 = text
                .parse()
                .map_err(|_| error(ResultCode::ParameterError, "bad lut"))?;
            let lut = (unix / 1_000_000).saturating_sub(EPOCH_OFFSET_SECS * 1000);
            if lut > now_millis() {
                return Err(error(ResultCode::ParameterError, "lut is in the future"));
            }
            if lut == 0 {
                return Err(error(ResultCode::ParameterError, "lut is before 2010"));
            }
            Some(lut)
        }
    };
    let set = p.get("set");
    if set.is_none() && p.name == "truncate" {
        return Err(missing("set"));
    }
    let Ok(ns) = find(host, name) else {
        return Ok("ok".into());
    };
    // The answer comes at once, as clients expect; reads may see records until the walk is done.
    let set = set.map(str::as_bytes);
    drop(host.dispatcher.truncate(ns, set, before).await);
    Ok("ok".into())
}
