//! Registers, shows, lists and removes modules.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::host::Host;
use super::params::{Answer, Params};
use crate::udf::{FunctionInfo, ModuleInfo, package_of};

fn filename<'a>(p: &Params<'a>) -> Result<&'a str, String> {
    p.get("filename")
        .ok_or_else(|| "error=invalid_filename".into())
}

/// `udf-put:filename=;content=BASE64;content-len=;udf-type=`.
pub async fn put(host: &Host, p: &Params<'_>) -> Answer {
    let file = filename(p)?;
    let content = p.get("content").ok_or("error=invalid_content")?;
    let bytes = STANDARD
        .decode(content)
        .map_err(|_| "error=invalid_base64_content")?;
    let registry = host.dispatcher.registry();
    match registry.register(file, bytes.into()).await {
        Ok(()) => Ok("ok".into()),
        // The message may hold any character, so it travels in base64.
        Err(e) => Err(format!(
            "error=compile_error;file={};line={};message={}",
            e.file,
            e.line,
            STANDARD.encode(e.message.as_bytes())
        )),
    }
}

/// `udf-get:filename=`.
pub fn get(host: &Host, p: &Params<'_>) -> Answer {
    let file = filename(p)?;
    match host.dispatcher.registry().get(file) {
        Some((runtime, bytes)) => Ok(format!(
            "type={};content={};",
            runtime,
            STANDARD.encode(&bytes)
        )),
        None => Err("error=not_found".into()),
    }
}

/// `udf-list`.
pub fn list(host: &Host) -> String {
    let modules = host.dispatcher.registry().list();
    let entry = |m: &ModuleInfo| format!("filename={},hash={},type={};", m.file, m.hash, m.runtime);
    modules.iter().map(entry).collect()
}

/// `udf-functions:filename=`, which is petrel's own: what a module offers. `info` is all of
/// [`FunctionInfo`] as JSON, which may hold any character, so that it travels in base64.
pub fn functions(host: &Host, p: &Params<'_>) -> Answer {
    let file = filename(p)?;
    let functions = host.dispatcher.registry().functions(file);
    let functions = functions.ok_or("error=not_found")?;
    let entry = |f: &FunctionInfo| {
        let arguments = f.arguments.map_or(String::new(), |n| n.to_string());
        let kind = if f.aggregation {
            "aggregation"
        } else {
            "function"
        };
        let info = STANDARD.encode(serde_json::to_vec(f).unwrap_or_default());
        format!(
            "name={},arguments={arguments},kind={kind},info={info};",
            f.name
        )
    };
    // The few that would fall apart here can still be called.
    let whole = |f: &&FunctionInfo| !f.name.contains([';', ',', '=', '\n', '\t']);
    Ok(functions.iter().filter(whole).map(entry).collect())
}

/// `udf-grants:filename=`, which is petrel's own: what a module may reach beside its record, as the lines
/// of a configuration file in base64.
pub fn grants(host: &Host, p: &Params<'_>) -> Answer {
    let file = filename(p)?;
    let registry = host.dispatcher.registry();
    registry.functions(file).ok_or("error=not_found")?;
    match toml::to_string(&registry.grants(package_of(file))) {
        Ok(text) => Ok(format!("grants={};", STANDARD.encode(text))),
        Err(_) => Err("error=a_path_is_not_text".into()),
    }
}

/// `udf-remove:filename=`. To remove what is not there is no error.
pub async fn remove(host: &Host, p: &Params<'_>) -> Answer {
    let file = filename(p)?;
    match host.dispatcher.registry().remove(file).await {
        Ok(_) => Ok("ok".into()),
        Err(e) => Err(super::params::error(e.code, &e.message)),
    }
}
