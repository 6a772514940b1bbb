//! Writes components that wasm-smith makes up to a folder: some of any kind, which hosts refuse, and
//! some of the world `portable`, whose code is anything but for two functions: `describe`, so that there is
//! a function `f` to be called, and the allocator.
//!
//!     cargo run --release --manifest-path fuzz/Cargo.toml -- target/generated 1000

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use arbitrary::Unstructured;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{CodeSection, Function, MemArg};
use wasm_smith::{Component, Config, Module};
use wasmparser::{ExternalKind, FunctionBody, Parser, Payload, TypeRef};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The imports and exports of the world, as a core module has them.
const SHAPE: &str = include_str!("portable.wat");

/// The bytes that a component is made up from.
fn bytes(seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    StdRng::seed_from_u64(seed).fill_bytes(&mut bytes);
    bytes
}

/// Puts bodies of our own in the place of two functions.
struct Tame {
    /// The index of the next function's body.
    next: u32,
    describe: u32,
    realloc: u32,
}

impl Reencode for Tame {
    type Error = std::convert::Infallible;

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        let index = self.next;
        self.next += 1;
        if index == self.describe {
            code.function(&describe());
        } else if index == self.realloc {
            let mut always = Function::new([]);
            always.instructions().i32_const(8192).end();
            code.function(&always);
        } else {
            reencode::utils::parse_function_body(self, code, body)?;
        }
        Ok(())
    }
}

/// Describes one function, `f`, with whatever arguments.
fn describe() -> Function {
    let mut function = Function::new([]);
    let mut store = |at: i32, word: i32| {
        let place = MemArg {
            offset: 0,
            align: 2,
            memory_index: 0,
        };
        let mut code = function.instructions();
        code.i32_const(at).i32_const(word).i32_store(place);
    };
    // The list, its element of 28 bytes, and the name.
    for (at, word) in [(32, 64), (36, 1), (64, 16), (68, 1), (16, 0x66)] {
        store(at, word);
    }
    for at in (72..92).step_by(4) {
        store(at, 0);
    }
    function.instructions().i32_const(32).end();
    function
}

/// The module with a `describe` and an allocator that work.
fn tame(module: &[u8]) -> Result<Vec<u8>> {
    let mut tame = Tame {
        next: 0,
        describe: u32::MAX,
        realloc: u32::MAX,
    };
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    tame.next += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    match (export.kind, export.name) {
                        (ExternalKind::Func, "cabi_realloc") => tame.realloc = export.index,
                        (ExternalKind::Func, name) if name.ends_with("#describe") => {
                            tame.describe = export.index;
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    let mut tamed = wasm_encoder::Module::new();
    tame.parse_core_module(&mut tamed, Parser::new(0), module)
        .map_err(|e| anyhow::anyhow!("{e}"))?;
    Ok(tamed.finish())
}

/// A component of the world, if the module that was made up fits it.
fn portable(config: &Config, bytes: &[u8]) -> Option<Vec<u8>> {
    let module = Module::new(config.clone(), &mut Unstructured::new(bytes)).ok()?;
    let mut core = tame(&module.to_bytes()).ok()?;
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let (package, _) = resolve.push_path(wit).ok()?;
    let world = resolve.select_world(&[package], Some("portable")).ok()?;
    embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8).ok()?;
    let mut encoder = ComponentEncoder::default()
        .validate(true)
        .module(&core)
        .ok()?;
    encoder.encode().ok()
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().context("name a folder")?;
    let count = arguments.next().map_or(Ok(1000), |n| n.parse::<u64>())?;
    let folder = Path::new(&folder);
    fs::create_dir_all(folder)?;
    let config = Config {
        module_shape: Some(wat::parse_str(SHAPE)?),
        max_memory32_bytes: 1 << 20,
        max_table_elements: 1000,
        max_data_segments: 0,
        allow_start_export: false,
        gc_enabled: false,
        exceptions_enabled: false,
        threads_enabled: false,
        memory64_enabled: false,
        ..Config::default()
    };
    let (mut any, mut fitting) = (0, 0);
    for seed in 0..count {
        let bytes = bytes(seed);
        if let Ok(component) = Component::new(Config::default(), &mut Unstructured::new(&bytes)) {
            fs::write(
                folder.join(format!("any-{seed}.wasm")),
                component.to_bytes(),
            )?;
            any += 1;
        }
        if let Some(component) = portable(&config, &bytes) {
            fs::write(folder.join(format!("portable-{seed}.wasm")), component)?;
            fitting += 1;
        }
    }
    println!("{any} components of any kind and {fitting} of the world portable");
    Ok(())
}
