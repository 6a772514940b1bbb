//! `wasi:cli`: the variables that were granted, and no arguments; what is written becomes lines of the
//! log.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};

use super::super::state::{Ended, State};
use super::super::wasi_state::Denial;
use super::define::{interface, resource};
use super::io::{InputStream, OutputStream};

/// `terminal-input`, of which there is none.
struct TerminalInput;

/// `terminal-output`, of which there is none.
struct TerminalOutput;

pub(super) fn add(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut environment = interface(linker, "wasi:cli/environment")?;
    environment.func_wrap(
        "get-environment",
        |mut store: StoreContextMut<'_, State>, ()| {
            let wasi = store.data_mut().wasi()?;
            let granted = &wasi.outside.granted;
            if granted.grants.environment.is_empty() {
                wasi.tell(Denial::Environment);
            }
            Ok((granted.environment.clone(),))
        },
    )?;
    environment.func_wrap("get-arguments", |_, ()| Ok((Vec::<String>::new(),)))?;
    environment.func_wrap("initial-cwd", |_, ()| Ok((None::<String>,)))?;

    let mut exit = interface(linker, "wasi:cli/exit")?;
    exit.func_wrap("exit", |store, (status,): (Result<(), ()>,)| {
        Err::<(), _>(ended(store, u8::from(status.is_err())))
    })?;
    exit.func_wrap("exit-with-code", |store, (code,): (u8,)| {
        Err::<(), _>(ended(store, code))
    })?;

    interface(linker, "wasi:cli/stdin")?.func_wrap(
        "get-stdin",
        |mut store: StoreContextMut<'_, State>, ()| {
            let resources = &mut store.data_mut().wasi()?.resources;
            Ok((resources.push(InputStream::Empty)?,))
        },
    )?;
    interface(linker, "wasi:cli/stdout")?.func_wrap("get-stdout", |store, ()| {
        output(store, OutputStream::Stdout)
    })?;
    interface(linker, "wasi:cli/stderr")?.func_wrap("get-stderr", |store, ()| {
        output(store, OutputStream::Stderr)
    })?;

    resource::<TerminalInput>(
        &mut interface(linker, "wasi:cli/terminal-input")?,
        "terminal-input",
    )?;
    resource::<TerminalOutput>(
        &mut interface(linker, "wasi:cli/terminal-output")?,
        "terminal-output",
    )?;
    interface(linker, "wasi:cli/terminal-stdin")?.func_wrap("get-terminal-stdin", |_, ()| {
        Ok((None::<Resource<TerminalInput>>,))
    })?;
    for of in ["stdout", "stderr"] {
        interface(linker, &format!("wasi:cli/terminal-{of}"))?
            .func_wrap(&format!("get-terminal-{of}"), |_, ()| {
                Ok((None::<Resource<TerminalOutput>>,))
            })?;
    }
    Ok(())
}

fn output(
    mut store: StoreContextMut<'_, State>,
    stream: OutputStream,
) -> wasmtime::Result<(Resource<OutputStream>,)> {
    Ok((store.data_mut().wasi()?.resources.push(stream)?,))
}

/// A function that exits has not returned: its call fails, whatever the status.
fn ended(mut store: StoreContextMut<'_, State>, status: u8) -> wasmtime::Error {
    store.data_mut().ended = Some(Ended::Exited(status));
    wasmtime::Error::msg("the function exited")
}
