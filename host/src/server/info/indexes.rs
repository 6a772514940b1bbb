//! Creates, shows, lists and drops secondary indexes.

use std::sync::Arc;

use super::super::host::Host;
use super::params::{Answer, Params, error};
use crate::dispatch::Namespace;
use crate::index::{Collection, Context, Definition, Index, IndexError, Kind, Place, State};
use crate::model::{Error, ResultCode};

/// `sindex-create:namespace=;set=;indexname=;bin=;type=;indextype=;context=`; older clients say
/// `indexdata=BIN,TYPE`. What is made is built in the background.
pub async fn create(host: &Host, p: &Params<'_>) -> Answer {
    let name = required(p, "indexname")?;
    let namespace_name = namespace_name(p)?.ok_or_else(no_namespace)?;
    if p.get("indextype")
        .is_some_and(|t| t.eq_ignore_ascii_case("set"))
    {
        return Err(unsupported("set"));
    }
    let set = optional(p, "set")?.unwrap_or_default();
    let context = match optional(p, "context")? {
        Some(text) => Context::from_base64(text).map_err(refusal)?,
        None => Context::default(),
    };
    let collection = match optional(p, "indextype")? {
        Some(text) => collection(text)?,
        None => Collection::Default,
    };
    let (bin, kind) = bin_and_kind(p, collection)?;
    let place = Place::of_bin(bin.as_bytes(), kind).map_err(refusal)?;
    let place = place.over(collection).within(context);
    let definition = Definition::new(name, set, place).map_err(refusal)?;
    let namespace = local(host, namespace_name)?;
    match namespace.indexes().create(definition).await {
        Ok(()) => Ok("ok".into()),
        Err(e) => Err(refusal(e)),
    }
}

/// `sindex-delete:namespace=;indexname=`. To drop what is not there is no error.
pub async fn delete(host: &Host, p: &Params<'_>) -> Answer {
    let name = required(p, "indexname")?;
    let namespace = namespace_name(p)?.ok_or_else(no_namespace)?;
    if let Ok(namespace) = local(host, namespace) {
        namespace.indexes().drop(name).await.map_err(refusal)?;
    }
    Ok("ok".into())
}

/// `sindex-exists:namespace=;indexname=`.
pub fn exists(host: &Host, p: &Params<'_>) -> Answer {
    let (namespace, name) = named(host, p)?;
    Ok(namespace.indexes().named(name).is_some().to_string())
}

/// `sindex-stat:namespace=;indexname=`.
pub fn statistics(host: &Host, p: &Params<'_>) -> Answer {
    let (namespace, name) = named(host, p)?;
    statistics_of(namespace, name)
}

/// `sindex-list`, `sindex-list:namespace=`.
pub fn list(host: &Host, p: &Params<'_>) -> Answer {
    if !matches!(optional(p, "b64")?, None | Some("true" | "false")) {
        return Err(error(ResultCode::ParameterError, "bad b64"));
    }
    Ok(match namespace_name(p)? {
        Some(name) => lines(local(host, name)?).join(";"),
        None => all(host),
    })
}

/// The older `sindex`, `sindex/NAMESPACE` and `sindex/NAMESPACE/INDEX`.
pub fn sindex(host: &Host, p: &Params<'_>) -> Answer {
    if p.argument.is_empty() {
        return Ok(all(host));
    }
    let (namespace, index) = match p.argument.split_once('/') {
        Some((namespace, index)) => (namespace, Some(index)),
        None => (p.argument, None),
    };
    match (local(host, namespace), index) {
        (Err(_), _) => Ok("ns_type=unknown".into()),
        (Ok(namespace), None) => Ok(lines(namespace).join(";")),
        (Ok(namespace), Some(index)) => statistics_of(namespace, index),
    }
}

fn all(host: &Host) -> String {
    let namespaces = host.dispatcher.namespaces().iter();
    namespaces
        .flat_map(|ns| lines(ns))
        .collect::<Vec<_>>()
        .join(";")
}

fn lines(namespace: &Namespace) -> Vec<String> {
    let line = |index: &Arc<Index>| {
        let Definition { name, set, place } = index.definition();
        let or_null = |text: &str| {
            if text.is_empty() {
                "null".to_owned()
            } else {
                text.to_owned()
            }
        };
        format!(
            "ns={}:indexname={name}:set={}:bin={}:type={}:indextype={}:context={}:exp=null:state={}",
            namespace.name,
            or_null(set),
            place.bin(),
            place.kind.name(),
            place.collection.name(),
            or_null(&place.context.to_base64()),
            match index.state() {
                State::Readable => "RW",
                State::Building => "WO",
                State::Failed => "ERROR",
            }
        )
    };
    namespace.indexes().all().iter().map(line).collect()
}

fn statistics_of(namespace: &Namespace, name: &str) -> Answer {
    let index = namespace.indexes().named(name);
    let index = index.ok_or_else(|| error(ResultCode::IndexNotFound, "no index"))?;
    let s = index.statistics();
    Ok(format!(
        "entries={};used_bytes={};entries_per_bval={};entries_per_rec={};load_pct={};load_time={};\
         stat_gc_recs=0",
        s.entries,
        s.used_bytes,
        s.entries_per_value,
        s.entries_per_record,
        s.load_percent,
        s.load_seconds
    ))
}

fn named<'a>(host: &'a Host, p: &Params<'a>) -> Result<(&'a Arc<Namespace>, &'a str), String> {
    let name = required(p, "indexname")?;
    let namespace = namespace_name(p)?.ok_or_else(no_namespace)?;
    Ok((local(host, namespace)?, name))
}

fn local<'a>(host: &'a Host, name: &str) -> Result<&'a Arc<Namespace>, String> {
    let found = host.dispatcher.namespace(name.as_bytes());
    found.map_err(|e| error(e.code, "namespace not found on node"))
}

fn namespace_name<'a>(p: &Params<'a>) -> Result<Option<&'a str>, String> {
    match p.value("namespace").or_else(|| p.value("ns")) {
        Some("") => Err(error(
            ResultCode::InvalidNamespace,
            "missing 'namespace' value",
        )),
        name => Ok(name),
    }
}

fn no_namespace() -> String {
    error(ResultCode::InvalidNamespace, "missing 'namespace'")
}

fn optional<'a>(p: &Params<'a>, key: &str) -> Result<Option<&'a str>, String> {
    match p.value(key) {
        Some("") => Err(bad(format_args!("missing '{key}' value"))),
        value => Ok(value),
    }
}

fn required<'a>(p: &Params<'a>, key: &str) -> Result<&'a str, String> {
    optional(p, key)?.ok_or_else(|| bad(format_args!("missing '{key}'")))
}

fn bin_and_kind<'a>(p: &Params<'a>, of: Collection) -> Result<(&'a str, Kind), String> {
    let (bin, kind) = match (optional(p, "indexdata")?, optional(p, "type")?) {
        (None, None) => return Err(bad("both 'indexdata' and 'type' are missing")),
        (Some(_), Some(_)) => return Err(bad("both 'indexdata' and 'type' are specified")),
        (None, Some(text)) => {
            let kind = kind(text, "'type'", of)?;
            match (optional(p, "bin")?, optional(p, "exp")?) {
                (Some(bin), None) => (bin, kind),
                (Some(_), Some(_)) => return Err(bad("both 'bin' and 'exp' are specified")),
                (None, Some(_)) => return Err(unsupported("expression")),
                (None, None) => return Err(bad("both 'bin' and 'exp' are missing")),
            }
        }
        (Some(data), None) => {
            let (bin, text) = data
                .split_once(',')
                .ok_or_else(|| bad("'indexdata' missing bin type"))?;
            if bin.is_empty() {
                return Err(bad("'indexdata' missing bin name"));
            }
            (bin, kind(text, "'indexdata' bin type", of)?)
        }
    };
    Ok((bin, kind))
}

fn kind(text: &str, what: &str, of: Collection) -> Result<Kind, String> {
    let is = |name: &str| text.eq_ignore_ascii_case(name);
    // From level 8.2 on, clients may say what kind of number.
    if is("integer") {
        return Ok(Kind::Numeric);
    }
    if let Some(kind) = [Kind::Numeric, Kind::String, Kind::Blob]
        .into_iter()
        .find(|kind| is(kind.name()))
    {
        return Ok(kind);
    }
    if !is("geo2dsphere") {
        return Err(bad(format_args!(
            "bad {what} - must be one of 'numeric', 'string', 'blob', 'geo2dsphere'"
        )));
    }
    match of {
        Collection::MapKeys => Err(bad(
            "bad 'indexdata' bin type for 'indextype' 'mapkeys' - must be one of 'numeric', \
             'string', 'blob'",
        )),
        _ => Err(unsupported("geo2dsphere")),
    }
}

fn collection(text: &str) -> Result<Collection, String> {
    [
        Collection::Default,
        Collection::List,
        Collection::MapKeys,
        Collection::MapValues,
    ]
    .into_iter()
    .find(|collection| text.eq_ignore_ascii_case(collection.name()))
    .ok_or_else(|| {
        bad("bad 'indextype' - must be one of 'default', 'list', 'mapkeys', 'mapvalues'")
    })
}

fn bad(what: impl std::fmt::Display) -> String {
    error(ResultCode::ParameterError, what)
}

fn unsupported(what: &'static str) -> String {
    refusal(IndexError::Unsupported(what))
}

fn refusal(e: IndexError) -> String {
    let e = Error::from(e);
    error(e.code, e.message)
}
