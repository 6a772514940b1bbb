//! What the benches share: records to work on, and one set of functions three times over: as
//! native Rust, as a Wasm component and as Lua.

mod aggregations;
mod examples;
mod fixture;
mod native;

pub use aggregations::{AGGREGATIONS, NativeAggregations};
pub use fixture::{Fixture, Kind, Workload, module_bytes};
