//! The Wasm runtime: components of the world `petrel:udf/udf`, run in batches.

mod aggregate;
mod cache;
mod calls;
mod compile;
mod compiled;
mod engine;
mod failure;
mod instance;
mod live;
mod module;
mod outcome;
mod pace;
mod pack;
mod runtime;
mod signatures;
mod state;
mod ticker;
mod wasi;
mod wasi_state;

pub use cache::CodeCache;
pub use runtime::WasmRuntime;

#[cfg(test)]
mod tests;
