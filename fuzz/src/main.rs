//! Writes components that wasm-smith makes up to a folder: some of any kind, which hosts refuse, and
//! some of the world `portable`, whose code is anything.
//!
//!     cargo run --release --manifest-path fuzz/Cargo.toml -- target/generated 1000

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use arbitrary::Unstructured;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use wasm_smith::{Component, Config, Module};
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

/// A component of the world, if the module that was made up fits it.
fn portable(config: &Config, bytes: &[u8]) -> Option<Vec<u8>> {
    let module = Module::new(config.clone(), &mut Unstructured::new(bytes)).ok()?;
    let mut core = module.to_bytes();
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
