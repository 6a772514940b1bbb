//! Components made from the text of a core module, and records to run them on.

use std::sync::{Arc, LazyLock};

use petrel::change::{RecordContext, Scope};
use petrel::model::{BodyBuilder, Digest, Limits, Meta, Particle, Record, Value, msgpack};
use petrel::udf::wasm::WasmRuntime;
use petrel::udf::{Budget, Instance, Module, ModuleSource, Runtime, UdfResult};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Every import of the world, as a core module has it.
pub const IMPORTS: &str = r#"
    (import "petrel:udf/this-record@0.2.2" "exists" (func $exists (result i32)))
    (import "petrel:udf/this-record@0.2.2" "key" (func $key (param i32)))
    (import "petrel:udf/this-record@0.2.2" "metadata" (func $metadata (param i32)))
    (import "petrel:udf/this-record@0.2.2" "bin-names" (func $bin-names (param i32)))
    (import "petrel:udf/this-record@0.2.2" "get" (func $get (param i32 i32 i32)))
    (import "petrel:udf/this-record@0.2.2" "set" (func $set (param i32 i32 i32 i32 i32)))
    (import "petrel:udf/this-record@0.2.2" "set-expiry" (func $set-expiry (param i32 i32)))
    (import "petrel:udf/this-record@0.2.2" "create" (func $create (param i32)))
    (import "petrel:udf/this-record@0.2.2" "update" (func $update (param i32)))
    (import "petrel:udf/this-record@0.2.2" "remove" (func $remove (param i32)))
    (import "petrel:udf/logging@0.2.2" "log" (func $log (param i32 i32 i32)))"#;

/// A component with the functions `f`, which does what `body` says, and `good`, which returns nil.
/// `more` are further fields of the core module.
///
/// The body is of type `(param $arguments i32) (param $count i32) (result i32)`. At 256 is room for a
/// result, which says at first that the value is the one node at 512: nil. At 768 is `v`, a bin's name.
/// From 4096 on the allocator gives out memory, and takes none back.
pub fn component(body: &str, more: &str) -> Vec<u8> {
    let realloc = r#"
        (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
            (local $start i32)
            (local.set $start (global.get $free))
            (global.set $free (i32.and (i32.const -8)
                (i32.add (i32.const 7) (i32.add (local.get $start) (local.get $size)))))
            (block $enough
                (br_if $enough (i32.le_u (global.get $free) (i32.mul (memory.size) (i32.const 65536))))
                (br_if $enough (i32.ge_s (i32.const 0) (memory.grow (i32.add (i32.const 1)
                    (i32.shr_u (local.get $size) (i32.const 16))))))
            )
            (local.get $start))"#;
    let realloc = if more.contains("cabi_realloc") {
        ""
    } else {
        realloc
    };
    let describe = match more.contains("#describe") {
        true => "",
        false => {
            r#"(func (export "petrel:udf/record-functions@0.2.2#describe") (result i32) (i32.const 32))"#
        }
    };
    encode(&format!(
        r#"(module {IMPORTS}
            (memory (export "memory") 1)
            (global $free (mut i32) (i32.const 4096))
            (table $table 1 funcref)
            (data (i32.const 16) "fgood")
            (data (i32.const 32) "\40\00\00\00\02\00\00\00")
            (data (i32.const 64) "\10\00\00\00\01\00\00\00")
            (data (i32.const 92) "\11\00\00\00\04\00\00\00")
            (data (i32.const 256) "\00\00\00\00\00\02\00\00\01\00\00\00")
            (data (i32.const 384) "\00\00\00\00\00\02\00\00\01\00\00\00")
            (data (i32.const 768) "v")
            {realloc} {more} {describe}
            (func $f (param $arguments i32) (param $count i32) (result i32) {body})
            (func (export "petrel:udf/record-functions@0.2.2#call")
                (param $function i32) (param $arguments i32) (param $count i32) (result i32)
                (if (result i32) (local.get $function)
                    (then (i32.store8 (i32.const 512) (i32.const 0)) (i32.const 384))
                    (else (call $f (local.get $arguments) (local.get $count))))))"#
    ))
}

/// The component of a core module's text.
pub fn encode(core: &str) -> Vec<u8> {
    let core = wat::parse_str(core).expect("the text is a module");
    of_world(core).expect("the module fits the world")
}

/// The component of a core module that fits the world `portable`.
pub fn of_world(mut core: Vec<u8>) -> Result<Vec<u8>, String> {
    let mut resolve = Resolve::default();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");
    let (package, _) = resolve.push_path(folder).expect("the WIT is good");
    let world = resolve
        .select_world(&[package], Some("portable"))
        .expect("the world is there");
    embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8)
        .and_then(|()| ComponentEncoder::default().validate(true).module(&core))
        .and_then(|mut encoder| encoder.encode())
        .map_err(|e| format!("{e:#}"))
}

pub fn limits() -> Limits {
    Limits {
        time_ms: 200,
        memory_bytes: 32 << 20,
        ..Limits::default()
    }
}

pub fn compile(bytes: Vec<u8>) -> Result<Arc<dyn Module>, String> {
    static RUNTIME: LazyLock<WasmRuntime> =
        LazyLock::new(|| WasmRuntime::new(256 << 10, 8).expect("the engine starts"));
    let source = ModuleSource {
        file: "m.wasm".into(),
        package: "m".into(),
        bytes: bytes.into(),
    };
    RUNTIME
        .compile(source, &limits())
        .map_err(|e| e.to_string())
}

pub fn instance(bytes: Vec<u8>) -> Box<dyn Instance> {
    let module = compile(bytes).expect("the component is good");
    module.instantiate().expect("it starts")
}

/// A record with these bins, or none.
pub fn record(bins: Option<&[(&str, Value)]>) -> RecordContext {
    let record = bins.map(|bins| {
        let mut builder = BodyBuilder::new();
        builder.start(None);
        for (name, value) in bins {
            let mut data = Vec::new();
            value.write_particle(&mut data);
            builder.bin(name.as_bytes(), Particle::new(value.kind(), &data));
        }
        Record {
            meta: Meta {
                generation: 3,
                set: 1,
                void_time: 1060,
                last_update: 5,
            },
            body: builder.finish(),
        }
    });
    RecordContext::new(Digest([9; 20]), 1, Some("key".into()), record)
}

pub fn scope() -> Scope {
    Scope {
        namespace: "test".into(),
        sets: Arc::new(vec!["".into(), "users".into()]),
        now: 1000,
        default_ttl: 0,
    }
}

/// Calls a function on one record.
pub fn call(
    instance: &mut dyn Instance,
    function: &str,
    arguments: &[Value],
    record: &mut RecordContext,
) -> UdfResult {
    let arguments = msgpack::pack_list(arguments.iter().cloned());
    let open = instance.open(function, &arguments)?;
    let mut results = Vec::new();
    let records = std::slice::from_mut(record);
    open.each(records, &scope(), &Budget::default(), &mut results);
    results.pop().expect("a record has a result")
}
