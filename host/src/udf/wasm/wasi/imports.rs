//! Which interfaces of WASI there are.

use wasmtime::component::Linker;

use super::super::state::State;
use super::{cli, clocks, filesystem, io, random};

/// The interfaces that a component may import.
const INTERFACES: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// Why a component that imports `name` is refused, with what its author can do; `None` for an
/// interface that is there.
pub(in super::super) fn refused(name: &str) -> Option<String> {
    let (interface, version) = name.split_once('@').unwrap_or((name, ""));
    let remedy = match interface.split_once('/').map_or(interface, |(p, _)| p) {
        "wasi:sockets" => {
            "no function may open sockets, and no grant allows it; build it without them \
             (`componentize-py componentize --stub-wasi` does)"
        }
        "wasi:http" => {
            "no function may make HTTP requests, and no grant allows it; build it without them \
             (`jco componentize --disable http` does)"
        }
        _ if !INTERFACES.contains(&interface) => "the host has no such interface",
        _ if !version.starts_with("0.2.") => "the host has WASI 0.2; build it for wasm32-wasip2",
        _ => return None,
    };
    Some(format!("the component imports {name}: {remedy}"))
}

/// Adds all of it to what components are linked with.
pub(in super::super) fn add(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    cli::add(linker)?;
    clocks::add(linker)?;
    filesystem::add(linker)?;
    io::add(linker)?;
    random::add(linker)
}
