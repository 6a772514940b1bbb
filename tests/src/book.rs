//! The Rust in the README and the book, compiled and run by `cargo test --doc`.

#![doc = include_str!("../../README.md")]
#![doc = include_str!("../../docs/src/aggregation.md")]
#![doc = include_str!("../../docs/src/embedded.md")]
#![doc = include_str!("../../docs/src/functions-in-rust.md")]
#![doc = include_str!("../../docs/src/grants.md")]
#![doc = include_str!("../../docs/src/indexes.md")]
