//! Work over ranges of an index.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::Dispatcher;
use super::tests::{host, name, operate, request, run, task, value, waiting_host, write};
use crate::index::{Bounds, Definition, Kind, Place, Range, State};
use crate::model::{Digest, ResultCode};
use crate::ops::{Op, OpKind};
use crate::request::{BinSelection, Filter, IndexRange, IndexRef, QuerySpec, Target, Work};
use crate::task::Status;

/// An index of "v" over the namespace, built.
async fn index(host: &Dispatcher) {
    let indexes = host.namespaces()[0].indexes();
    let place = Place::of_bin(b"v", Kind::Numeric).unwrap();
    let definition = Definition::new("v_idx", "", place).unwrap();
    indexes.create(definition).await.unwrap();
    while indexes.named("v_idx").unwrap().state() != State::Readable {
        tokio::task::yield_now().await;
    }
}

fn from_to(from: i64, to: i64) -> IndexRange {
    IndexRange {
        index: IndexRef::Named("v_idx".into()),
        bounds: Bounds::Integers(from, to),
    }
}

/// The `n`th of many records of one partition.
fn neighbour(n: u64) -> Target {
    let mut digest = [0; 20];
    digest[12..].copy_from_slice(&n.to_be_bytes());
    Target {
        digest: Digest(digest),
        set: b"s".as_slice().into(),
        user_key: None,
    }
}

async fn adds_once(host: Arc<Dispatcher>) {
    const COUNT: u64 = 700;
    let namespace = host.namespaces()[0].clone();
    index(&host).await;
    for n in 0..COUNT {
        let written = operate(vec![write("v", n as i64)]);
        host.call(&namespace, written, neighbour(n)).await;
    }
    let add = Op {
        kind: OpKind::Add,
        ..write("v", 100)
    };
    let mut spec = task(1, operate(vec![add]), "s");
    spec.range = Some(from_to(0, 1_000_000));
    let task = host.background(spec).unwrap();
    assert_eq!(task.wait().await, Status::Done);
    assert_eq!(task.counts.succeeded.load(Relaxed), COUNT);
    let all = QuerySpec {
        set: Some(b"s".to_vec()),
        range: Some(from_to(100, COUNT as i64 + 99)),
        filter: None,
        bins: BinSelection::Some([name("v")].into()),
        partitions: None,
        max_records: 0,
        records_per_second: 0,
    };
    let mut query = host.query(&namespace, all).unwrap();
    let mut found = Vec::new();
    while let Some(page) = query.next().await {
        found.extend(
            page.found
                .iter()
                .map(|f| f.body.bin(b"v").unwrap().as_int().unwrap()),
        );
    }
    let expected: Vec<i64> = (100..COUNT as i64 + 100).collect();
    assert_eq!(found, expected, "in the order of the values");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_adds_to_what_it_goes_by_adds_once() {
    adds_once(host()).await;
    adds_once(waiting_host()).await;
}

#[tokio::test]
async fn a_record_that_left_the_range_is_left_alone() {
    let host = host();
    for id in [1, 2] {
        run(&host, operate(vec![write("v", id)]), id).await;
    }
    let range = Range {
        place: Place::of_bin(b"v", Kind::Numeric).unwrap(),
        bounds: Bounds::Integers(2, 9),
    };
    // As for a record that was in it when its entry was read.
    let in_range = Filter::default().within(Arc::new(range));
    for id in [1, 2] {
        let mut delete = request(Work::Delete);
        delete.filter = Some(in_range.clone());
        let code = run(&host, delete, id).await.code;
        let expected = [ResultCode::FilteredOut, ResultCode::Ok][id as usize - 1];
        assert_eq!(code, expected);
    }
    assert_eq!(
        (value(&host, 1).await, value(&host, 2).await),
        (Some(1), None)
    );
}
