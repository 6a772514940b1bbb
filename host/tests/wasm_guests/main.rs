//! The Rust example modules, in the Wasm runtime. They must have been built first.

mod aggregations;
mod fixture;
mod functions;
mod outside;
