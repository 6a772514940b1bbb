//! What the host offers to components of the world `portable`: the record in hand, and the log.

use tracing::Level;
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, Lower, WasmStr};

use super::failure::Misuse;
use super::hand::Hand;
use super::state::State;
use super::values::{self, Node};
use crate::change::MAX_CHANGES;
use crate::model::{BinName, MAX_BIN_NAME, Particle, ParticleType, Ttl, Value};

/// The interfaces that a component may import, beside the types in `values`.
const THIS_RECORD: &str = "petrel:udf/this-record@0.2.2";
const LOGGING: &str = "petrel:udf/logging@0.2.2";

/// What a bin takes in the host beside its value, about.
const BIN_BYTES: usize = 64;

type Store<'a> = StoreContextMut<'a, State>;

/// What `set`, `create`, `update` and `remove` say to their function.
type Said = (Result<(), String>,);

#[derive(ComponentType, Lower)]
#[component(record)]
struct RecordKey {
    namespace: String,
    set: String,
    #[component(name = "user-key")]
    user_key: Vec<Node>,
    digest: Vec<u8>,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct RecordMetadata {
    generation: u16,
    ttl: Option<u32>,
    #[component(name = "last-update")]
    last_update: u64,
}

#[derive(ComponentType, Lift)]
#[component(variant)]
enum Expiry {
    #[component(name = "default")]
    Default,
    #[component(name = "never")]
    Never,
    #[component(name = "keep")]
    Keep,
    #[component(name = "seconds")]
    Seconds(u32),
}

#[derive(Clone, Copy, ComponentType, Lift)]
#[expect(dead_code, reason = "made by what `Lift` derives")]
#[component(enum)]
#[repr(u8)]
enum LogLevel {
    #[component(name = "trace")]
    Trace,
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warning")]
    Warning,
    #[component(name = "error")]
    Error,
}

/// Adds them to the imports that a component is given.
pub(super) fn add(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut logging = linker.instance(LOGGING)?;
    logging.func_wrap(
        "log",
        |store: Store<'_>, (level, message): (LogLevel, WasmStr)| {
            let level = match level {
                LogLevel::Trace => Level::TRACE,
                LogLevel::Debug => Level::DEBUG,
                LogLevel::Info => Level::INFO,
                LogLevel::Warning => Level::WARN,
                LogLevel::Error => Level::ERROR,
            };
            let message = message.to_str(&store)?;
            store.data().log.write(level, message.as_bytes());
            Ok(())
        },
    )?;
    let mut record = linker.instance(THIS_RECORD)?;
    record.func_wrap("exists", |store: Store<'_>, ()| Ok((held(&store)?.exists,)))?;
    record.func_wrap("key", |mut store: Store<'_>, ()| Ok((key(&mut store)?,)))?;
    record.func_wrap("metadata", |store: Store<'_>, ()| {
        Ok((metadata(held(&store)?),))
    })?;
    record.func_wrap("bin-names", |store: Store<'_>, ()| {
        let names = held(&store)?.record.bin_names();
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        Ok((names.into_iter().map(text).collect::<Vec<_>>(),))
    })?;
    record.func_wrap("get", |mut store: Store<'_>, (bin,): (WasmStr,)| {
        Ok((get(&mut store, &bin)?,))
    })?;
    record.func_wrap(
        "set",
        |mut store: Store<'_>, (bin, value): (WasmStr, Vec<Node>)| -> wasmtime::Result<Said> {
            Ok((set(&mut store, &bin, value)?,))
        },
    )?;
    record.func_wrap(
        "set-expiry",
        |mut store: Store<'_>, (expiry,): (Expiry,)| {
            held_mut(&mut store)?.record.set_ttl(match expiry {
                Expiry::Default => Ttl::Default,
                Expiry::Never => Ttl::Never,
                Expiry::Keep => Ttl::Keep,
                Expiry::Seconds(seconds) => Ttl::Seconds(seconds),
            });
            Ok(())
        },
    )?;
    type Change = fn(&mut Hand) -> Result<(), &'static str>;
    let changes: [(_, Change); 3] = [("create", create), ("update", update), ("remove", remove)];
    for (name, change) in changes {
        record.func_wrap(
            name,
            move |mut store: Store<'_>, ()| -> wasmtime::Result<Said> {
                Ok((change(held_mut(&mut store)?).map_err(str::to_owned),))
            },
        )?;
    }
    Ok(())
}

fn held<'a>(store: &'a Store<'_>) -> wasmtime::Result<&'a Hand> {
    let hand = store.data().hand.holding();
    hand.ok_or_else(|| Misuse::NoRecord.into())
}

fn held_mut<'a>(store: &'a mut Store<'_>) -> wasmtime::Result<&'a mut Hand> {
    let hand = store.data_mut().hand.holding_mut();
    hand.ok_or_else(|| Misuse::NoRecord.into())
}

fn key(store: &mut Store<'_>) -> wasmtime::Result<RecordKey> {
    let hand = held(store)?;
    let (scope, record) = (&hand.scope, &hand.record);
    Ok(RecordKey {
        namespace: scope.namespace.as_ref().to_owned(),
        set: scope.set_name(record.set()).to_owned(),
        user_key: values::flat_value(&hand.user_key(), usize::MAX).unwrap_or_default(),
        digest: record.digest().0.to_vec(),
    })
}

fn metadata(hand: &Hand) -> RecordMetadata {
    let meta = hand.record.meta();
    RecordMetadata {
        generation: meta.generation,
        ttl: (meta.void_time > 0).then(|| hand.record.ttl(&hand.scope)),
        last_update: meta.last_update,
    }
}

fn get(store: &mut Store<'_>, bin: &WasmStr) -> wasmtime::Result<Vec<Node>> {
    let limit = store.data().memory_limit();
    let record = &held(store)?.record;
    let bin = bin.to_str(&*store)?;
    let nodes = match record.changed_bin(bin.as_bytes()) {
        Some(value) => values::flat_value(value, limit),
        None => {
            let nil = Particle::new(ParticleType::NULL, &[]);
            values::flat(record.stored_bin(bin.as_bytes()).unwrap_or(nil), limit)
        }
    };
    nodes.or_else(|wanted| store.data_mut().refuse_memory(wanted))
}

fn set(
    store: &mut Store<'_>,
    bin: &WasmStr,
    value: Vec<Node>,
) -> wasmtime::Result<Result<(), String>> {
    let limit = store.data().memory_limit();
    held(store)?;
    let name = bin.to_str(&*store)?;
    let Some(bin) = BinName::new(name.as_bytes()) else {
        let shown: String = name.chars().take(40).collect();
        return Ok(Err(format!(
            "bin {shown:?}: a bin's name is 1 to {MAX_BIN_NAME} bytes long"
        )));
    };
    let value = match values::value(value) {
        Ok(value) => value,
        Err(why) => return Ok(Err(format!("bin {name}: the value is not one: {why}"))),
    };
    let hand = held_mut(store)?;
    if hand.record.changes() >= MAX_CHANGES && hand.record.changed_bin(bin.as_bytes()).is_none() {
        return Ok(Err(format!(
            "bin {}: a function changes {MAX_CHANGES} bins at most",
            String::from_utf8_lossy(bin.as_bytes())
        )));
    }
    // What was set and replaced counts too: nobody replaces that much.
    hand.set_bytes += BIN_BYTES + Value::heap_bytes(&value);
    let wanted = hand.set_bytes;
    if wanted > limit {
        return store.data_mut().refuse_memory(wanted);
    }
    held_mut(store)?.record.set_bin(bin, value);
    Ok(Ok(()))
}

fn create(hand: &mut Hand) -> Result<(), &'static str> {
    if hand.exists {
        return Err("create: the record exists already");
    }
    hand.exists = true;
    hand.record.create();
    Ok(())
}

fn update(hand: &mut Hand) -> Result<(), &'static str> {
    if !hand.exists {
        return Err("update: there is no record; create it first");
    }
    hand.record.update();
    Ok(())
}

fn remove(hand: &mut Hand) -> Result<(), &'static str> {
    if !hand.exists {
        return Err("remove: there is no record");
    }
    hand.exists = false;
    hand.record.remove();
    Ok(())
}
