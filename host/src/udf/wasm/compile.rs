//! From the bytes of a module to a component that is checked and compiled.

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::{Component, ComponentExportIndex, Instance, Val};

use super::calls::Calls;
use super::compiled::{Aggregations, Compiled, Function};
use super::engine::Shared;
use super::failure::failure;
use super::record_functions::{self, Call};
use super::signatures::Signatures;
use super::state::State;
use super::wasi;
use super::wasi_state::Outside;
use crate::model::Limits;
use crate::udf::log::Log;
use crate::udf::{Allowance, FunctionInfo, ModuleSource};

/// The interfaces that a component may export, one of these two at least. Those of 0.2.0 are found
/// under these names too, as the component model has it for compatible versions.
const FUNCTIONS: &str = "petrel:udf/functions@0.2.2";
const AGGREGATIONS: &str = "petrel:udf/aggregations@0.2.2";
/// What a component of the world `portable` exports in their place.
const RECORD_FUNCTIONS: &str = "petrel:udf/record-functions@0.2.2";
const SIGNATURES: &str = "petrel:udf/signatures@0.2.2";

/// The most that a component may say of itself at a time, in bytes.
const DESCRIPTION: usize = 1 << 20;

/// Why a module is refused, in words for its author.
type Result<T> = std::result::Result<T, String>;

/// Compiles and checks a component, and asks it for its functions.
pub(super) fn compile(
    shared: &Arc<Shared>,
    source: &ModuleSource,
    allowance: &Allowance,
) -> Result<Compiled> {
    let limits = &allowance.limits;
    check_header(&source.bytes, limits)?;
    let engine = &shared.engine;
    let compiled = match &shared.cache {
        Some(cache) => cache.component(engine, &source.bytes),
        None => Component::from_binary(engine, &source.bytes),
    };
    let component = compiled.map_err(|e| {
        format!(
            "the component is truncated or damaged: {e:#}; build it again with `petrel udf build`"
        )
    })?;
    let imports_wasi = check_imports(&component)?;
    let interface = |name: &'static str| {
        let index = component.get_export_index(None, name)?;
        Some(Interface {
            component: &component,
            name,
            index,
        })
    };
    let (functions, aggregations) = (interface(FUNCTIONS), interface(AGGREGATIONS));
    let portable = interface(RECORD_FUNCTIONS);
    if functions.is_none() && aggregations.is_none() && portable.is_none() {
        return Err(wrong_world(&component));
    }
    let pre = shared.linker.instantiate_pre(&component).map_err(|e| {
        format!(
            "an import of the component is not the host's: {e:#}; \
             build it with the petrel-udf that came with the host, and for WASI 0.2"
        )
    })?;
    let log = Log::new(&source.file, limits);
    let mut compiled = Compiled {
        shared: shared.clone(),
        file: source.file.as_str().into(),
        limits: limits.clone(),
        pre,
        outside: imports_wasi.then(|| Outside::new(&source.package, &log, allowance)),
        isolation: allowance.isolation,
        log,
        run: None,
        call: None,
        functions: Vec::new(),
        aggregations: None,
        built_with: None,
    };
    if let Some(portable) = portable {
        if functions.is_some() || aggregations.is_some() {
            return Err(format!(
                "the component exports {RECORD_FUNCTIONS} beside what belongs to the world petrel:udf/udf; \
                 build it for one of the two"
            ));
        }
        let describe = portable.export("describe")?;
        compiled.call = Some(portable.export("call")?);
        compiled.functions = ask(&compiled, |store, instance| {
            record_functions::describe(store, instance, describe)
        })?;
        return Ok(compiled);
    }
    if let Some(functions) = functions {
        compiled.run = Some(functions.export("run")?);
        compiled.functions = functions.describe(&compiled)?;
    }
    if let Some(aggregations) = aggregations {
        let export = |name| aggregations.export(name);
        compiled.aggregations = Some(Aggregations {
            begin: export("begin")?,
            fold: export("fold")?,
            take: export("take")?,
            merge: export("merge")?,
            finish: export("finish")?,
            described: Vec::new(),
        });
        let described = aggregations.describe(&compiled)?;
        if let Some(aggregations) = &mut compiled.aggregations {
            aggregations.described = described;
        }
    }
    if let Some(signatures) = interface(SIGNATURES) {
        let exports = Signatures {
            describe: signatures.export("describe")?,
            built_with: signatures.export("built-with")?,
        };
        let mut said = ask(&compiled, |store, instance| exports.ask(store, instance))?;
        let aggregations = compiled.aggregations.iter_mut();
        let aggregations = aggregations.flat_map(|a| &mut a.described);
        for function in compiled.functions.iter_mut().chain(aggregations) {
            said.add_to(&mut function.info);
        }
        compiled.built_with = Some(said.built_with);
    }
    Ok(compiled)
}

/// An interface that a component exports.
struct Interface<'a> {
    component: &'a Component,
    name: &'static str,
    index: ComponentExportIndex,
}

impl Interface<'_> {
    /// One of its functions.
    fn export(&self, name: &str) -> Result<ComponentExportIndex> {
        self.component
            .get_export_index(Some(&self.index), name)
            .ok_or_else(|| format!("the component exports {} without `{name}`", self.name))
    }

    /// Starts the component once and has it describe what the interface offers.
    fn describe(&self, compiled: &Compiled) -> Result<Vec<Function>> {
        let aggregation = self.name == AGGREGATIONS;
        let describe = self.export("describe")?;
        let mut returned = [Val::Bool(false)];
        ask(compiled, |store, instance| {
            let describe = instance
                .get_func(&mut *store, describe)
                .ok_or_else(|| wasmtime::Error::msg("`describe` is not a function"))?;
            describe.call(store, &[], &mut returned)
        })?;
        let [Val::List(described)] = returned else {
            return Err("`describe` does not return a list".into());
        };
        described
            .iter()
            .map(|info| function(info, aggregation))
            .collect::<Option<_>>()
            .ok_or_else(|| format!("`describe` is not the one of {}", self.name))
    }
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

/// Checks that every import is one that the host has; whether WASI is among them.
fn check_imports(component: &Component) -> Result<bool> {
    let ty = component.component_type();
    let mut wasi = false;
    for (name, _) in ty.imports(component.engine()) {
        if name.starts_with("wasi:") {
            wasi = true;
            if let Some(why) = wasi::refused(name) {
                return Err(why);
            }
        } else if !name.starts_with("petrel:udf/") {
            return Err(format!(
                "the component imports {name}; a UDF component may import only petrel:udf and WASI: \
                 remove what needs it"
            ));
        }
    }
    Ok(wasi)
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
        "the component exports none of {FUNCTIONS}, {AGGREGATIONS} and {RECORD_FUNCTIONS}; it exports {exports}: \
         in Rust, write it with the crate petrel-udf and mark its functions with #[udf], its \
         aggregations with #[aggregate]; in other languages, build it for the world petrel:udf/portable"
    )
}

/// Starts the component, checks the types of what it exports, and has `question` ask it.
fn ask<T>(
    compiled: &Compiled,
    question: impl FnOnce(&mut Store<State>, &Instance) -> wasmtime::Result<T>,
) -> Result<T> {
    let limits = &compiled.limits;
    let mut store = compiled.store();
    store.set_hostcall_fuel(DESCRIPTION);
    compiled.shared.ticker.keep_ticking();
    let answered = compiled.pre.instantiate(&mut store).and_then(|instance| {
        if let Some(run) = compiled.run {
            instance.get_typed_func::<(u32, Vec<u8>), ()>(&mut store, run)?;
        }
        if let Some(call) = compiled.call {
            let _: Call = instance.get_typed_func(&mut store, call)?;
        }
        if let Some(exports) = &compiled.aggregations {
            Calls::find(&mut store, &instance, exports)?;
        }
        question(&mut store, &instance)
    });
    store.data_mut().end();
    answered.map_err(|e| {
        let error = failure(&e, store.data(), limits, &compiled.file);
        format!("the component cannot say what it offers: {}", error.message)
    })
}

/// Reads a `function-info` or an `aggregation-info`.
fn function(info: &Val, aggregation: bool) -> Option<Function> {
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
                Val::String(s) => Some(s.clone()),
                _ => None,
            };
            Some(names.iter().map(name).collect::<Option<Vec<_>>>()?)
        }
        _ => return None,
    };
    let as_bytes = |names: &Vec<String>| names.iter().map(|name| name.as_bytes().into()).collect();
    Some(Function {
        bins: bins.as_ref().map(as_bytes),
        info: FunctionInfo {
            name: name.clone(),
            arguments,
            aggregation,
            reads: bins,
            ..FunctionInfo::default()
        },
    })
}
