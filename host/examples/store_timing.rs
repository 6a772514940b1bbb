//! Times the stores: nanoseconds per read, commit and scanned record, and memory per record.
//!
//! `cargo run --release -p petrel --example store_timing [records]`

use std::hint::black_box;
use std::time::Instant;

use petrel::model::{
    BodyBuilder, Digest, Meta, PARTITIONS, Particle, ParticleType, Record, Value, now_millis,
};
use petrel::store::{
    Change, Commit, Cursor, Durability, Durable, DurableOptions, Expected, MemoryStore,
    RecordStore, ScanPage,
};

fn main() -> anyhow::Result<()> {
    let records = match std::env::args().nth(1) {
        Some(n) => n.parse()?,
        None => 1_000_000,
    };
    // Digests come ready-made, as a client sends them; their memory is taken before the store's.
    let digests: Vec<Digest> = (0..records)
        .map(|n| Digest::of("users", &Value::Int(n)))
        .collect::<Result<_, _>>()?;

    let before = resident_kib();
    let memory = MemoryStore::new();
    measure("memory", &memory, &digests)?;
    let used = resident_kib().saturating_sub(before);
    println!(
        "memory: {} MiB resident for {records} records, {} bytes each",
        used / 1024,
        used * 1024 / records.max(1) as u64,
    );
    drop(memory);

    let dir = tempfile::tempdir()?;
    let before = resident_kib();
    {
        let data = Durable::open(dir.path(), DurableOptions::default())?;
        measure("durable, buffered", &*data.namespace("test")?, &digests)?;
        let used = resident_kib().saturating_sub(before);
        println!("durable, buffered: {} MiB resident", used / 1024);
    }
    let start = Instant::now();
    let options = DurableOptions {
        durability: Durability::Synced,
        ..DurableOptions::default()
    };
    let data = Durable::open(dir.path(), options)?;
    let store = data.namespace("test")?;
    println!(
        "durable: reopened with {} records in {:?}",
        store.count().0,
        start.elapsed()
    );
    let few = &digests[..digests.len().min(1000)];
    each("durable, synced", "read + commit", few.len(), || {
        update(&*store, few)
    })?;
    each(
        "durable, synced",
        "read + commit in batches of 256",
        digests.len(),
        || update_together(&*store, &digests),
    )
}

fn measure(name: &str, store: &dyn RecordStore, digests: &[Digest]) -> anyhow::Result<()> {
    let n = digests.len();
    each(name, "insert", n, || insert(store, digests))?;
    each(name, "read", n, || {
        for digest in digests {
            black_box(store.read(digest)?);
        }
        Ok(())
    })?;
    each(name, "read + commit", n, || update(store, digests))?;
    let mut in_order = digests.to_vec();
    in_order.sort_unstable_by_key(|digest| (digest.partition(), *digest));
    each(name, "read + commit, in scan order", n, || {
        update(store, &in_order)
    })?;
    each(
        name,
        "read + commit in batches of 256, in scan order",
        n,
        || update_together(store, &in_order),
    )?;
    drop(in_order);
    each(name, "scan, per record", n, || scan(store, None))?;
    each(name, "scan of another set, per record", n, || {
        scan(store, Some(9))
    })?;
    each(name, "count, per call", 1, || {
        black_box(store.count());
        Ok(())
    })
}

fn each(
    name: &str,
    what: &str,
    n: usize,
    work: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let start = Instant::now();
    work()?;
    let ns = start.elapsed().as_nanos() / n.max(1) as u128;
    println!("{name}: {what}: {ns} ns");
    Ok(())
}

/// A record of about 90 body bytes: an integer, 16 characters, a list of 16 small integers.
fn record(body: &mut BodyBuilder, n: usize) -> Record {
    let list: [u8; 17] = std::array::from_fn(|i| if i == 0 { 0x90 } else { i as u8 });
    body.start(None);
    body.bin(b"v", Particle::new(ParticleType::INTEGER, &n.to_be_bytes()));
    body.bin(
        b"s",
        Particle::new(ParticleType::STRING, b"sixteen letters!"),
    );
    body.bin(b"l", Particle::new(ParticleType::LIST, &list));
    body.bin(b"pad", Particle::new(ParticleType::BLOB, &[0; 16]));
    Record {
        meta: Meta {
            generation: 1,
            set: 1,
            void_time: 0,
            last_update: now_millis(),
        },
        body: body.finish(),
    }
}

fn insert(store: &dyn RecordStore, digests: &[Digest]) -> anyhow::Result<()> {
    let mut body = BodyBuilder::new();
    for (n, digest) in digests.iter().enumerate() {
        let change = Change::Put(record(&mut body, n));
        store.commit(digest, Expected::Absent, change)?;
    }
    Ok(())
}

fn update(store: &dyn RecordStore, digests: &[Digest]) -> anyhow::Result<()> {
    let mut body = BodyBuilder::new();
    for (n, digest) in digests.iter().enumerate() {
        let expected = match store.read(digest)? {
            Some(at) => Expected::Version(at.version),
            None => Expected::Absent,
        };
        let change = Change::Put(record(&mut body, n + 1));
        store.commit(digest, expected, change)?;
    }
    Ok(())
}

fn update_together(store: &dyn RecordStore, digests: &[Digest]) -> anyhow::Result<()> {
    let mut body = BodyBuilder::new();
    for batch in digests.chunks(256) {
        let mut commits = Vec::with_capacity(batch.len());
        for (n, digest) in batch.iter().enumerate() {
            let expected = match store.read(digest)? {
                Some(at) => Expected::Version(at.version),
                None => Expected::Absent,
            };
            commits.push(Commit {
                digest: *digest,
                expected,
                change: Change::Put(record(&mut body, n + 2)),
            });
        }
        for outcome in store.commit_all(commits) {
            outcome?;
        }
    }
    Ok(())
}

fn scan(store: &dyn RecordStore, set: Option<u16>) -> anyhow::Result<()> {
    let page = ScanPage {
        set,
        records: 256,
        bytes: 1 << 20,
    };
    let mut out = Vec::new();
    for partition in 0..PARTITIONS as u16 {
        let mut cursor = Cursor::default();
        loop {
            out.clear();
            let more = store.scan(partition, &mut cursor, &page, &mut out)?;
            for scanned in &out {
                black_box(scanned.versioned.record.body.as_bytes().last());
            }
            if !more {
                break;
            }
        }
    }
    Ok(())
}

/// Resident memory of this process, in KiB; 0 where the system does not say.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}
