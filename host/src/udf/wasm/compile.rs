//! From the bytes of a module to a component that is checked and compiled.

use std::sync::Arc;

use wasmtime::component::{Component, Val};

use super::compiled::{Compiled, Function};
use super::engine::Shared;
use super::failure::failure;
use super::state::{HOST, State};
use crate::model::Limits;
use crate::udf::log::Log;
use crate::udf::{FunctionInfo, ModuleSource};

/// The interface that a component must export.
const FUNCTIONS: &str = "petrel:udf/functions@0.2.0";

/// Why a module is refused, in words for its author.
type Result<T> = std::result::Result<T, String>;

/// Compiles and checks a component, and asks it for its functions.
pub(super) fn compile(
    shared: &Arc<Shared>,
    source: &ModuleSource,
    limits: &Limits,
) -> Result<Compiled> {
    check_header(&source.bytes, limits)?;
    let engine = &shared.engine;
    let component = Component::from_binary(engine, &source.bytes).map_err(|e| {
        format!(
            "the component is truncated or damaged: {e:#}; build it again with `petrel udf build`"
        )
    })?;
    check_imports(&component)?;
    let interface = component
        .get_export_index(None, FUNCTIONS)
        .ok_or_else(|| wrong_world(&component))?;
    let export = |name: &str| {
        component
            .get_export_index(Some(&interface), name)
            .ok_or_else(|| format!("the component exports {FUNCTIONS} without `{name}`"))
    };
    let (describe, run) = (export("describe")?, export("run")?);
    let pre = shared.linker.instantiate_pre(&component).map_err(|e| {
        format!(
            "the component's import {HOST} is not the host's: {e:#}; \
             build it with the petrel-udf that came with the host"
        )
    })?;
    let mut compiled = Compiled {
        shared: shared.clone(),
        file: source.file.as_str().into(),
        log: Log::new(&source.file, limits),
        limits: limits.clone(),
        pre,
        run,
        functions: Vec::new(),
    };
    compiled.functions = ask(&compiled, describe)?;
    Ok(compiled)
}

fn check_header(bytes: &[u8], limits: &Limits) -> Result<()> {
    if bytes.len() > limits.module_bytes {
        return Err(format!(
            "the module is {} bytes long, the limit is {} (module-bytes)",
            bytes.len(),
            limits.module_bytes
        ));
    }
    match bytes {
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Err(
            "this is a core WebAssembly module, not a component; make one of it with \
             `petrel udf build`, or with `wasm-tools component new MODULE.wasm -o COMPONENT.wasm`"
                .into(),
        ),
        [0, b'a', b's', b'm', version @ ..] => Err(match version {
            [a, b, c, d, ..] => format!(
                "this is WebAssembly of an unknown version ({a:02x} {b:02x} {c:02x} {d:02x}); \
                 the host runs components"
            ),
            _ => "the component is truncated: it ends within its header".into(),
        }),
        _ => Err(r"this is not WebAssembly: it does not begin with \0asm".into()),
    }
}

fn check_imports(component: &Component) -> Result<()> {
    let ty = component.component_type();
    let foreign: Vec<&str> = ty
        .imports(component.engine())
        .map(|(name, _)| name)
        .filter(|name| !name.starts_with("petrel:udf/"))
        .collect();
    let Some(first) = foreign.first() else {
        return Ok(());
    };
    let remedy = if first.starts_with("wasi:") {
        "build it for wasm32-unknown-unknown (`petrel udf build` does), which needs no WASI"
    } else {
        "remove what needs it"
    };
    Err(format!(
        "the component imports {}; a UDF component may import only petrel:udf: {remedy}",
        foreign.join(", ")
    ))
}

fn wrong_world(component: &Component) -> String {
    let ty = component.component_type();
    let exports: Vec<&str> = ty
        .exports(component.engine())
        .map(|(name, _)| name)
        .collect();
    let exports = if exports.is_empty() {
        "nothing".to_owned()
    } else {
        exports.join(", ")
    };
    format!(
        "the component does not export {FUNCTIONS}, as the world petrel:udf/udf asks; it \
         exports {exports}: write it with the crate petrel-udf and mark its functions with #[udf]"
    )
}

/// Starts the component once and has it describe its functions.
fn ask(
    compiled: &Compiled,
    describe: wasmtime::component::ComponentExportIndex,
) -> Result<Vec<Function>> {
    let limits = &compiled.limits;
    let state = State::new(compiled.log.clone(), limits);
    let mut store = state.into_store(&compiled.shared.engine, &compiled.shared.ticker);
    compiled.shared.ticker.keep_ticking();
    let mut returned = [Val::Bool(false)];
    let called = compiled.pre.instantiate(&mut store).and_then(|instance| {
        instance.get_typed_func::<(u32, Vec<u8>), ()>(&mut store, compiled.run)?;
        let describe = instance
            .get_func(&mut store, describe)
            .ok_or_else(|| wasmtime::Error::msg("`describe` is not a function"))?;
        describe.call(&mut store, &[], &mut returned)
    });
    if let Err(e) = called {
        let error = failure(&e, store.data(), limits, &compiled.file);
        return Err(format!(
            "the component cannot say what it offers: {}",
            error.message
        ));
    }
    let [Val::List(infos)] = returned else {
        return Err(format!("`describe` is not the one of {FUNCTIONS}"));
    };
    infos
        .iter()
        .map(|info| {
            function(info).ok_or_else(|| format!("`describe` is not the one of {FUNCTIONS}"))
        })
        .collect()
}

/// Reads a `function-info`.
fn function(info: &Val) -> Option<Function> {
    let Val::Record(fields) = info else {
        return None;
    };
    let field = |name: &str| fields.iter().find(|(n, _)| n == name).map(|(_, v)| v);
    let Val::String(name) = field("name")? else {
        return None;
    };
    let arguments = match field("arguments")? {
        Val::Option(None) => None,
        Val::Option(Some(n)) => match **n {
            Val::U32(n) => Some(n as usize),
            _ => return None,
        },
        _ => return None,
    };
    let bins = match field("bins")? {
        Val::Option(None) => None,
        Val::Option(Some(names)) => {
            let Val::List(names) = &**names else {
                return None;
            };
            let name = |v: &Val| match v {
                Val::String(s) => Some(s.as_bytes().into()),
                _ => None,
            };
            Some(names.iter().map(name).collect::<Option<_>>()?)
        }
        _ => return None,
    };
    Some(Function {
        info: FunctionInfo {
            name: name.clone(),
            arguments,
        },
        bins,
    })
}
