//! `wasi:random`: numbers that are the same in every instance, unless others were granted.

use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use super::super::state::State;
use super::super::wasi_state::Wasi;
use super::define::interface;

/// The most bytes that one call gives.
const MOST: u64 = 1 << 20;

pub(super) fn add(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    for (name, bytes_name, number_name) in [
        ("wasi:random/random", "get-random-bytes", "get-random-u64"),
        (
            "wasi:random/insecure",
            "get-insecure-random-bytes",
            "get-insecure-random-u64",
        ),
    ] {
        let mut random = interface(linker, name)?;
        random.func_wrap(bytes_name, |store, (len,): (u64,)| bytes(store, len))?;
        random.func_wrap(number_name, |mut store: StoreContextMut<'_, State>, ()| {
            Ok((number(store.data_mut().wasi()?),))
        })?;
    }
    interface(linker, "wasi:random/insecure-seed")?.func_wrap(
        "insecure-seed",
        |mut store: StoreContextMut<'_, State>, ()| {
            let wasi = store.data_mut().wasi()?;
            Ok(((number(wasi), number(wasi)),))
        },
    )
}

fn bytes(mut store: StoreContextMut<'_, State>, len: u64) -> wasmtime::Result<(Vec<u8>,)> {
    if len > MOST {
        let message = format!("{len} random bytes were asked for at once; {MOST} is the most");
        return Err(wasmtime::Error::msg(message));
    }
    let mut bytes = vec![0; len as usize];
    store.data_mut().wasi()?.random(&mut bytes);
    Ok((bytes,))
}

fn number(wasi: &mut Wasi) -> u64 {
    let mut bytes = [0; 8];
    wasi.random(&mut bytes);
    u64::from_le_bytes(bytes)
}
