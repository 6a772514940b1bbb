//! The Wasm runtime: components of the world `petrel:udf/udf`, run in batches, and of
//! `petrel:udf/portable`, run record by record.

mod aggregate;
mod cache;
mod calls;
mod compile;
mod compiled;
mod engine;
mod failure;
mod hand;
mod instance;
mod live;
mod module;
mod outcome;
mod pace;
mod pack;
mod portable;
mod record_functions;
mod runtime;
mod signatures;
mod state;
mod this_record;
mod ticker;
mod values;
mod wasi;
mod wasi_state;

pub use cache::CodeCache;
pub use runtime::WasmRuntime;

#[cfg(test)]
mod tests;
