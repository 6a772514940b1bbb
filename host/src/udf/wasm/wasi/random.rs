//! `wasi:random`: numbers that are the same in every instance.

use rand::Rng;
use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use super::super::state::State;
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
        random.func_wrap(number_name, |store, ()| Ok((number(store)?,)))?;
    }
    interface(linker, "wasi:random/insecure-seed")?.func_wrap(
        "insecure-seed",
        |mut store: StoreContextMut<'_, State>, ()| {
            let random = &mut store.data_mut().wasi()?.random;
            Ok(((random.next_u64(), random.next_u64()),))
        },
    )
}

fn bytes(mut store: StoreContextMut<'_, State>, len: u64) -> wasmtime::Result<(Vec<u8>,)> {
    if len > MOST {
        let message = format!("{len} random bytes were asked for at once; {MOST} is the most");
        return Err(wasmtime::Error::msg(message));
    }
    let mut bytes = vec![0; len as usize];
    store.data_mut().wasi()?.random.fill_bytes(&mut bytes);
    Ok((bytes,))
}

fn number(mut store: StoreContextMut<'_, State>) -> wasmtime::Result<u64> {
    Ok(store.data_mut().wasi()?.random.next_u64())
}
