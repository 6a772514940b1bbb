//! `wasi:io`: streams that never block; nothing but a clock is waited for.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Linker, LinkerInstance, Lower, Resource, WasmList};

use super::super::state::State;
use super::define::{interface, resource};
use super::failure::Failure;

/// The most bytes that one call reads or writes.
const CHUNK: u64 = 64 << 10;

/// An `error` of a stream.
pub(super) struct Error(pub(super) std::io::Error);

/// A `pollable`.
#[derive(Clone, Copy)]
pub(super) enum Pollable {
    /// What it waits for is there.
    Ready,
    /// It waits for this moment.
    At(Instant),
}

impl Pollable {
    /// How long it has to wait yet.
    fn rest(self) -> Duration {
        match self {
            Self::Ready => Duration::ZERO,
            Self::At(then) => then.saturating_duration_since(Instant::now()),
        }
    }
}

/// An `input-stream`.
pub(super) enum InputStream {
    Empty,
    /// A file, and where to go on.
    File(Arc<File>, u64),
}

/// An `output-stream`.
pub(super) enum OutputStream {
    Stdout,
    Stderr,
    /// A file, and where to go on; `None` for its end.
    File(Arc<File>, Option<u64>),
}

/// A `stream-error`.
#[derive(ComponentType, Lower)]
#[component(variant)]
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
        |mut store: StoreContextMut<'_, State>, (pollable,): (Resource<Pollable>,)| {
            let pollable = store.data_mut().wasi()?.resources.get(&pollable)?;
            Ok((pollable.rest().is_zero(),))
        },
    )?;
    poll.func_wrap(
        "[method]pollable.block",
        |mut store: StoreContextMut<'_, State>, (pollable,): (Resource<Pollable>,)| {
            wait_for(store.data_mut(), &[pollable])?;
            Ok(())
        },
    )?;
    poll.func_wrap(
        "poll",
        |mut store: StoreContextMut<'_, State>, (pollables,): (Vec<Resource<Pollable>>,)| {
            Ok((wait_for(store.data_mut(), &pollables)?,))
        },
    )?;

    let mut streams = interface(linker, "wasi:io/streams")?;
    resource::<InputStream>(&mut streams, "input-stream")?;
    resource::<OutputStream>(&mut streams, "output-stream")?;
    input(&mut streams)?;
    output(&mut streams)
}

/// Waits for the first of several; gives the places of those that are there.
fn wait_for(state: &mut State, pollables: &[Resource<Pollable>]) -> wasmtime::Result<Vec<u32>> {
    let wasi = state.wasi()?;
    let mut awaited = Vec::with_capacity(pollables.len());
    for pollable in pollables {
        awaited.push(*wasi.resources.get(pollable)?);
    }
    let Some(rest) = awaited.iter().map(|pollable| pollable.rest()).min() else {
        return Err(wasmtime::Error::msg("poll was given nothing to wait for"));
    };
    if !rest.is_zero() {
        state.wait_until(Instant::now() + rest)?;
    }
    let there = awaited.iter().map(|pollable| pollable.rest().is_zero());
    Ok((0..)
        .zip(there)
        .filter_map(|(at, there)| there.then_some(at))
        .collect())
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
    Ok((store.data_mut().wasi()?.resources.push(Pollable::Ready)?,))
}

/// The answer of a stream, `None` where it has come to its end.
fn answer<T>(
    store: &mut StoreContextMut<'_, State>,
    ask: impl FnOnce(&mut State) -> Result<Option<T>, Failure<std::io::Error>>,
) -> Answer<T> {
    let state = store.data_mut();
    match ask(state) {
        Ok(Some(answer)) => Ok((Ok(answer),)),
        Ok(None) => Ok((Err(StreamError::Closed),)),
        Err(Failure::Answer(e)) => {
            let error = state.wasi()?.resources.push(Error(e))?;
            Ok((Err(StreamError::Failed(error)),))
        }
        Err(Failure::Fault(e)) => Err(e),
    }
}

/// Reads at most `len` bytes of a file, and of a long one only so many as one call gives.
pub(super) fn read_at(file: &File, len: u64, at: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; len.min(CHUNK) as usize];
    let read = file.read_at(&mut bytes, at)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Reads at most `len` bytes; `None` at the end.
fn read(
    state: &mut State,
    stream: &Resource<InputStream>,
    len: u64,
) -> Result<Option<Vec<u8>>, Failure<std::io::Error>> {
    match state.wasi()?.resources.get_mut(stream)? {
        InputStream::Empty => Ok(None),
        InputStream::File(file, at) => {
            let bytes = read_at(file, len, *at)?;
            *at += bytes.len() as u64;
            Ok(Some(bytes).filter(|bytes| len == 0 || !bytes.is_empty()))
        }
    }
}

fn write(
    state: &mut State,
    stream: &Resource<OutputStream>,
    bytes: &[u8],
) -> Result<Option<()>, Failure<std::io::Error>> {
    let wasi = state.wasi()?;
    match wasi.resources.get_mut(stream)? {
        OutputStream::Stdout => wasi.stdout.write(bytes),
        OutputStream::Stderr => wasi.stderr.write(bytes),
        OutputStream::File(file, at) => {
            let to = match at {
                Some(at) => *at,
                None => file.metadata()?.len(),
            };
            file.write_all_at(bytes, to)?;
            if let Some(at) = at {
                *at += bytes.len() as u64;
            }
        }
    }
    Ok(Some(()))
}
