//! `wasi:filesystem`: no directory is granted, so nothing can be opened.

use wasmtime::component::{Linker, Resource, Val};

use super::super::state::State;
use super::define::{interface, resource};

/// A `descriptor`, of which there is none.
struct Descriptor;

/// A `directory-entry-stream`, of which there is none.
struct DirectoryEntryStream;

/// What can be done with a descriptor.
const METHODS: &[&str] = &[
    "advise",
    "append-via-stream",
    "create-directory-at",
    "get-flags",
    "get-type",
    "is-same-object",
    "link-at",
    "metadata-hash",
    "metadata-hash-at",
    "open-at",
    "read",
    "read-directory",
    "read-via-stream",
    "readlink-at",
    "remove-directory-at",
    "rename-at",
    "set-size",
    "set-times",
    "set-times-at",
    "stat",
    "stat-at",
    "symlink-at",
    "sync",
    "sync-data",
    "unlink-file-at",
    "write",
    "write-via-stream",
];

pub(super) fn add(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut types = interface(linker, "wasi:filesystem/types")?;
    resource::<Descriptor>(&mut types, "descriptor")?;
    resource::<DirectoryEntryStream>(&mut types, "directory-entry-stream")?;
    for method in METHODS {
        types.func_new(&format!("[method]descriptor.{method}"), |_, _, _, _| {
            Err(wasmtime::Error::msg("no directory is granted"))
        })?;
    }
    types.func_new(
        "[method]directory-entry-stream.read-directory-entry",
        |_, _, _, _| Err(wasmtime::Error::msg("no directory is granted")),
    )?;
    types.func_new("filesystem-error-code", |_, _, _, codes| {
        codes.fill(Val::Option(None));
        Ok(())
    })?;
    interface(linker, "wasi:filesystem/preopens")?.func_wrap("get-directories", |_, ()| {
        Ok((Vec::<(Resource<Descriptor>, String)>::new(),))
    })
}
