//! `wasi:io`: streams that never block, and waiting that ends at once.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Linker, LinkerInstance, Lower, Resource, WasmList};

use super::super::state::State;
use super::define::{interface, resource};

/// The most bytes that one call reads or writes.
const CHUNK: u64 = 64 << 10;

/// An `error` of a stream.
struct Error(std::io::Error);

/// A `pollable`: what it waits for is always there.
pub(super) struct Pollable;

/// An `input-stream`.
pub(super) enum InputStream {
    Empty,
}

/// An `output-stream`.
pub(super) enum OutputStream {
    Stdout,
    Stderr,
}

/// A `stream-error`.
#[derive(ComponentType, Lower)]
#[component(variant)]
#[allow(dead_code)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    Failed(Resource<Error>),
    #[component(name = "closed")]
    Closed,
}

type Answer<T> = wasmtime::Result<(Result<T, StreamError>,)>;

pub(super) fn add(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut errors = interface(linker, "wasi:io/error")?;
    resource::<Error>(&mut errors, "error")?;
    errors.func_wrap(
        "[method]error.to-debug-string",
        |mut store: StoreContextMut<'_, State>, (error,): (Resource<Error>,)| {
            let error = store.data_mut().wasi()?.resources.get(&error)?;
            Ok((error.0.to_string(),))
        },
    )?;

    let mut poll = interface(linker, "wasi:io/poll")?;
    resource::<Pollable>(&mut poll, "pollable")?;
    poll.func_wrap(
        "[method]pollable.ready",
        |_, (_pollable,): (Resource<Pollable>,)| Ok((true,)),
    )?;
    poll.func_wrap(
        "[method]pollable.block",
        |_, (_pollable,): (Resource<Pollable>,)| Ok(()),
    )?;
    poll.func_wrap("poll", |_, (pollables,): (Vec<Resource<Pollable>>,)| {
        if pollables.is_empty() {
            return Err(wasmtime::Error::msg("poll was given nothing to wait for"));
        }
        Ok(((0..pollables.len() as u32).collect::<Vec<_>>(),))
    })?;

    let mut streams = interface(linker, "wasi:io/streams")?;
    resource::<InputStream>(&mut streams, "input-stream")?;
    resource::<OutputStream>(&mut streams, "output-stream")?;
    input(&mut streams)?;
    output(&mut streams)
}

fn input(streams: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    for name in ["read", "blocking-read"] {
        streams.func_wrap(
            &format!("[method]input-stream.{name}"),
            |mut store, (stream, len): (Resource<InputStream>, u64)| {
                answer(&mut store, |state| read(state, &stream, len))
            },
        )?;
    }
    for name in ["skip", "blocking-skip"] {
        streams.func_wrap(
            &format!("[method]input-stream.{name}"),
            |mut store, (stream, len): (Resource<InputStream>, u64)| {
                answer(&mut store, |state| {
                    Ok(read(state, &stream, len)?.map(|bytes| bytes.len() as u64))
                })
            },
        )?;
    }
    streams.func_wrap(
        "[method]input-stream.subscribe",
        |store, (_stream,): (Resource<InputStream>,)| subscribe(store),
    )
}

fn output(streams: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    let name = |name: &str| format!("[method]output-stream.{name}");
    streams.func_wrap(
        &name("check-write"),
        |_, (_stream,): (Resource<OutputStream>,)| Ok((Ok::<_, StreamError>(CHUNK),)),
    )?;
    for method in ["write", "blocking-write-and-flush"] {
        streams.func_wrap(
            &name(method),
            |mut store: StoreContextMut<'_, State>,
             (stream, contents): (Resource<OutputStream>, WasmList<u8>)| {
                permitted(contents.len() as u64)?;
                let contents = contents.as_le_slice(&store).to_vec();
                answer(&mut store, |state| write(state, &stream, &contents))
            },
        )?;
    }
    for method in ["write-zeroes", "blocking-write-zeroes-and-flush"] {
        streams.func_wrap(
            &name(method),
            |mut store, (stream, len): (Resource<OutputStream>, u64)| {
                permitted(len)?;
                answer(&mut store, |state| {
                    write(state, &stream, &vec![0; len as usize])
                })
            },
        )?;
    }
    for method in ["flush", "blocking-flush"] {
        streams.func_wrap(&name(method), |_, (_stream,): (Resource<OutputStream>,)| {
            Ok((Ok::<_, StreamError>(()),))
        })?;
    }
    for method in ["splice", "blocking-splice"] {
        streams.func_wrap(
            &name(method),
            |mut store, (to, from, len): (Resource<OutputStream>, Resource<InputStream>, u64)| {
                answer(&mut store, |state| {
                    let Some(bytes) = read(state, &from, len)? else {
                        return Ok(None);
                    };
                    let written = write(state, &to, &bytes)?;
                    Ok(written.map(|()| bytes.len() as u64))
                })
            },
        )?;
    }
    streams.func_wrap(
        &name("subscribe"),
        |store, (_stream,): (Resource<OutputStream>,)| subscribe(store),
    )
}

/// A component that writes more than it was permitted breaks the contract.
fn permitted(len: u64) -> wasmtime::Result<()> {
    if len > CHUNK {
        let message = format!("{len} bytes were written at once; {CHUNK} is the most");
        return Err(wasmtime::Error::msg(message));
    }
    Ok(())
}

fn subscribe(mut store: StoreContextMut<'_, State>) -> wasmtime::Result<(Resource<Pollable>,)> {
    Ok((store.data_mut().wasi()?.resources.push(Pollable)?,))
}

/// The answer of a stream, `None` where it has come to its end.
fn answer<T>(
    store: &mut StoreContextMut<'_, State>,
    ask: impl FnOnce(&mut State) -> wasmtime::Result<Option<T>>,
) -> Answer<T> {
    Ok((ask(store.data_mut())?.ok_or(StreamError::Closed),))
}

/// Reads at most `len` bytes; `None` at the end.
fn read(
    state: &mut State,
    stream: &Resource<InputStream>,
    _len: u64,
) -> wasmtime::Result<Option<Vec<u8>>> {
    match state.wasi()?.resources.get_mut(stream)? {
        InputStream::Empty => Ok(None),
    }
}

fn write(
    state: &mut State,
    stream: &Resource<OutputStream>,
    bytes: &[u8],
) -> wasmtime::Result<Option<()>> {
    let wasi = state.wasi()?;
    match wasi.resources.get_mut(stream)? {
        OutputStream::Stdout => wasi.stdout.write(bytes),
        OutputStream::Stderr => wasi.stderr.write(bytes),
    }
    Ok(Some(()))
}
