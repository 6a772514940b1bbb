//! The dispatcher's behaviour over a memory store, with functions written as Rust closures.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _};

use super::*;
use crate::assembly::{self, HostOptions};

use crate::change::{ExistsAction, GenerationCheck, RecordContext, Scope, WritePolicy};
use crate::model::{BinName, Key, ResultCode, Ttl, Value};
use crate::ops::{Op, OpKind};
use crate::request::{
    BinSelection, Group, QuerySpec, Reply, ReplyBins, Request, Target, TaskSpec, UdfCall, Work,
};
use crate::store::behaviour::Waiting;
use crate::task::Status;
use crate::udf::{
    Budget, FunctionInfo, Instance, Invoker, Module, Registry, UdfError, UdfErrorKind, UdfResult,
};

struct Native(fn(&mut RecordContext) -> UdfResult);

impl Module for Native {
    fn functions(&self) -> Vec<FunctionInfo> {
        Vec::new()
    }
    fn instantiate(&self) -> Result<Box<dyn Instance>, UdfError> {
        Ok(Box::new(Native(self.0)))
    }
}

impl Instance for Native {
    fn open(&mut self, _: &str, _: &[u8]) -> Result<&mut dyn Invoker, UdfError> {
        Ok(self)
    }
}

impl Invoker for Native {
    fn each(
        &mut self,
        batch: &mut [RecordContext],
        _: &Scope,
        budget: &Budget,
        results: &mut Vec<UdfResult>,
    ) {
        for record in batch {
            results.push(if budget.is_cancelled() {
                Err(UdfError::new(UdfErrorKind::Cancelled, "aborted"))
            } else {
                (self.0)(record)
            });
        }
    }
}

pub(super) fn name(text: &str) -> BinName {
    BinName::new(text.as_bytes()).unwrap()
}

fn bump(record: &mut RecordContext) -> UdfResult {
    let v = record
        .stored_bin(b"v")
        .and_then(|p| p.as_int())
        .unwrap_or(0)
        + 1;
    record.set_bin(name("v"), Value::Int(v));
    if record.exists() {
        record.update()
    } else {
        record.create()
    };
    Ok(Value::Int(v))
}

fn slow_bump(record: &mut RecordContext) -> UdfResult {
    std::thread::sleep(Duration::from_millis(2));
    bump(record)
}

fn fail_after_update(record: &mut RecordContext) -> UdfResult {
    bump(record)?;
    Err(UdfError::new(UdfErrorKind::Thrown, "boom"))
}

pub(super) fn host() -> Arc<Dispatcher> {
    with_functions(assembly::open(HostOptions::default()).unwrap())
}

/// A host over a store that answers later.
pub(super) fn waiting_host() -> Arc<Dispatcher> {
    let namespace = Arc::new(Namespace::new("test", Arc::new(Waiting::default()), 0));
    let limits = Default::default();
    let registry = Arc::new(Registry::new(Arc::default(), Vec::new(), None, limits));
    let threads = Threads {
        callers: 2,
        foreground: 2,
        background: 2,
    };
    with_functions(Dispatcher::start(vec![namespace], registry, threads, 4).unwrap())
}

fn with_functions(host: Dispatcher) -> Arc<Dispatcher> {
    for (file, function) in [
        ("bump.native", bump as fn(&mut RecordContext) -> UdfResult),
        ("slow.native", slow_bump),
        ("fail.native", fail_after_update),
    ] {
        host.registry()
            .insert(file, "NATIVE", Arc::new(Native(function)));
    }
    Arc::new(host)
}

pub(super) fn request(work: Work) -> Request {
    Request {
        work,
        policy: WritePolicy::default(),
        filter: None,
    }
}

fn udf(package: &str) -> Request {
    request(Work::Udf(UdfCall {
        package: package.into(),
        function: "f".into(),
        args: Bytes::from_static(&[0x90]),
    }))
}

pub(super) fn write(bin: &str, value: impl Into<Value>) -> Op {
    Op {
        kind: OpKind::Write,
        bin: Some(name(bin)),
        value: value.into(),
    }
}

pub(super) fn operate(ops: Vec<Op>) -> Request {
    request(Work::Operate {
        ops,
        reply_all: false,
    })
}

fn target(id: i64) -> Target {
    Target::from(&Key::new("test", "s", id).unwrap())
}

pub(super) async fn run(host: &Dispatcher, request: Request, id: i64) -> Reply {
    host.call(&host.namespaces()[0], request, target(id)).await
}

pub(super) async fn value(host: &Dispatcher, id: i64) -> Option<i64> {
    match run(host, request(Work::Read(BinSelection::All)), id)
        .await
        .bins
    {
        ReplyBins::Record(body, _) => body.bin(b"v").and_then(|p| p.as_int()),
        _ => None,
    }
}

pub(super) fn task(id: u64, request: Request, set: &str) -> TaskSpec {
    let mut spec = TaskSpec::new("test", set.as_bytes(), request).unwrap();
    spec.id = id;
    spec
}

#[tokio::test]
async fn policies_decide_whether_a_write_happens() {
    let host = host();
    let with = |exists, generation| Request {
        policy: WritePolicy {
            exists,
            generation,
            ttl: Ttl::Default,
        },
        ..operate(vec![write("v", 1)])
    };
    use ExistsAction::*;
    let code = async |exists, generation| run(&host, with(exists, generation), 1).await.code;
    assert_eq!(
        code(UpdateOnly, GenerationCheck::None).await,
        ResultCode::NotFound
    );
    assert_eq!(
        code(ReplaceOnly, GenerationCheck::None).await,
        ResultCode::NotFound
    );
    assert_eq!(
        code(CreateOnly, GenerationCheck::None).await,
        ResultCode::Ok
    );
    assert_eq!(
        code(CreateOnly, GenerationCheck::None).await,
        ResultCode::RecordExists
    );
    assert_eq!(
        code(Upsert, GenerationCheck::Equal(7)).await,
        ResultCode::Generation
    );
    assert_eq!(
        code(Upsert, GenerationCheck::Equal(1)).await,
        ResultCode::Ok
    );
    assert_eq!(
        code(Upsert, GenerationCheck::Greater(2)).await,
        ResultCode::Generation
    );
    assert_eq!(
        code(Upsert, GenerationCheck::Greater(9)).await,
        ResultCode::Ok
    );
}

#[tokio::test]
async fn replace_drops_the_bins_it_does_not_name() {
    let host = host();
    run(&host, operate(vec![write("v", 1), write("w", 2)]), 1).await;
    let replace = Request {
        policy: WritePolicy {
            exists: ExistsAction::Replace,
            ..Default::default()
        },
        ..operate(vec![write("w", 3)])
    };
    assert_eq!(run(&host, replace, 1).await.generation, 2);
    assert_eq!(value(&host, 1).await, None);
}

#[tokio::test]
async fn a_record_whose_last_bin_goes_is_removed() {
    let host = host();
    run(&host, operate(vec![write("v", 1)]), 1).await;
    assert_eq!(
        run(&host, operate(vec![write("v", Value::Nil)]), 1)
            .await
            .code,
        ResultCode::Ok
    );
    assert_eq!(
        run(&host, request(Work::Read(BinSelection::None)), 1)
            .await
            .code,
        ResultCode::NotFound
    );
}

#[tokio::test]
async fn reads_in_operate_see_the_writes_before_them() {
    let host = host();
    let add = Op {
        kind: OpKind::Add,
        bin: Some(name("v")),
        value: Value::Int(5),
    };
    let read = Op {
        kind: OpKind::Read,
        bin: Some(name("v")),
        value: Value::Nil,
    };
    let reply = run(&host, operate(vec![write("v", 1), add, read]), 1).await;
    let ReplyBins::Values(values) = reply.bins else {
        panic!("no values: {reply:?}")
    };
    assert_eq!(values, vec![(Some(name("v")), Value::Int(6))]);
}

#[tokio::test]
async fn a_failed_function_writes_nothing() {
    let host = host();
    run(&host, operate(vec![write("v", 1)]), 1).await;
    let reply = run(&host, udf("fail"), 1).await;
    assert_eq!(
        (reply.code, reply.message.as_deref()),
        (ResultCode::UdfExecution, Some("boom"))
    );
    assert_eq!(value(&host, 1).await, Some(1));
}

#[tokio::test]
async fn an_unknown_module_fails_the_call() {
    let host = host();
    let reply = run(&host, udf("missing"), 1).await;
    assert_eq!(reply.code, ResultCode::UdfExecution);
    assert!(reply.message.unwrap().contains("missing is not registered"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_functions_and_writes_lose_no_update() {
    lose_no_update(host()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nor_do_they_on_a_store_that_answers_later() {
    lose_no_update(waiting_host()).await;
}

async fn lose_no_update(host: Arc<Dispatcher>) {
    let calls = (0..400).map(|i| {
        let host = host.clone();
        tokio::spawn(async move {
            let add = Op {
                kind: OpKind::Add,
                bin: Some(name("v")),
                value: Value::Int(1),
            };
            let request = if i % 2 == 0 {
                udf("bump")
            } else {
                operate(vec![add])
            };
            assert_eq!(run(&host, request, 1).await.code, ResultCode::Ok);
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    assert_eq!(value(&host, 1).await, Some(400));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_slow_function_gets_its_turn_on_a_record_that_keeps_changing() {
    let host = host();
    let stop = Arc::new(AtomicU64::new(0));
    let writer = {
        let (host, stop) = (host.clone(), stop.clone());
        tokio::spawn(async move {
            while stop.load(Ordering::Relaxed) == 0 {
                run(&host, operate(vec![write("w", 1)]), 1).await;
                tokio::task::yield_now().await;
            }
        })
    };
    let call = tokio::time::timeout(Duration::from_secs(5), run(&host, udf("slow"), 1)).await;
    stop.store(1, Ordering::Relaxed);
    writer.await.unwrap();
    assert_eq!(call.expect("the function starved").code, ResultCode::Ok);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_background_function_sees_every_record_of_the_set_once() {
    sees_every_record_once(host()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_it_does_on_a_store_that_answers_later() {
    sees_every_record_once(waiting_host()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_a_query_and_a_truncation_wait_for_their_store() {
    let host = waiting_host();
    let namespace = host.namespaces()[0].clone();
    let rows = (0..).zip((0..300).map(target)).collect();
    let group = Group {
        namespace: b"test".to_vec(),
        request: Ok(operate(vec![write("v", 1)])),
        rows,
        error_detail: 0,
    };
    let replies: Vec<Replies> = host.batch(vec![group]).collect().await;
    let codes = replies.iter().flat_map(|r| &r.rows).map(|(_, r)| r.code);
    assert_eq!(codes.filter(|code| *code == ResultCode::Ok).count(), 300);
    let mut query = host
        .query(
            &namespace,
            QuerySpec {
                set: Some(b"s".to_vec()),
                range: None,
                filter: None,
                bins: BinSelection::All,
                partitions: None,
                max_records: 0,
                records_per_second: 0,
            },
        )
        .unwrap();
    let mut found = 0;
    while let Some(page) = query.next().await {
        found += page.found.len();
    }
    assert_eq!(found, 300);
    assert_eq!(
        host.truncate(&namespace, Some(b"s"), None).await.await,
        Ok(300)
    );
}

async fn sees_every_record_once(host: Arc<Dispatcher>) {
    for id in 0..3000 {
        run(&host, operate(vec![write("v", id)]), id).await;
    }
    let other = Target::from(&Key::new("test", "other", 1).unwrap());
    host.call(&host.namespaces()[0], operate(vec![write("v", 0)]), other)
        .await;
    let task = host.background(task(1, udf("bump"), "s")).unwrap();
    assert_eq!(task.wait().await, Status::Done);
    assert_eq!(task.counts.succeeded.load(Ordering::Relaxed), 3000);
    assert_eq!(task.progress(), 100.0);
    for id in [0, 1, 2999] {
        assert_eq!(value(&host, id).await, Some(id + 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_aborted_task_stops_early() {
    let host = host();
    for id in 0..3000 {
        run(&host, operate(vec![write("v", id)]), id).await;
    }
    let task = host.background(task(1, udf("slow"), "s")).unwrap();
    task.abort();
    assert_eq!(task.wait().await, Status::Aborted);
    assert!(task.counts.succeeded.load(Ordering::Relaxed) < 3000);
}

#[tokio::test]
async fn an_active_task_keeps_its_id_to_itself() {
    let host = host();
    for id in 0..1000 {
        run(&host, operate(vec![write("v", 1)]), id).await;
    }
    let first = host.background(task(1, udf("slow"), "s")).unwrap();
    assert_eq!(first.status(), Status::Active);
    let second = host.background(task(1, udf("slow"), "s"));
    assert_eq!(second.unwrap_err().code, ResultCode::ParameterError);
    first.abort();
    first.wait().await;
    assert!(host.background(task(1, udf("bump"), "s")).is_ok());
}

#[tokio::test]
async fn tasks_without_an_id_get_one_each() {
    let host = host();
    let mut ids: Vec<u64> = (0..50)
        .map(|_| host.background(task(0, udf("bump"), "s")).unwrap().id)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 50);
    assert!(!ids.contains(&0));
}

/// Removes its record through another door, and then writes it.
fn delete_under_way(host: &Arc<Dispatcher>) -> Arc<dyn Module> {
    struct Deleting(std::sync::Weak<Dispatcher>);
    impl Module for Deleting {
        fn functions(&self) -> Vec<FunctionInfo> {
            Vec::new()
        }
        fn instantiate(&self) -> Result<Box<dyn Instance>, UdfError> {
            Ok(Box::new(Deleting(self.0.clone())))
        }
    }
    impl Instance for Deleting {
        fn open(&mut self, _: &str, _: &[u8]) -> Result<&mut dyn Invoker, UdfError> {
            Ok(self)
        }
    }
    impl Invoker for Deleting {
        fn each(
            &mut self,
            batch: &mut [RecordContext],
            _: &Scope,
            _: &Budget,
            results: &mut Vec<UdfResult>,
        ) {
            let host = self.0.upgrade().unwrap();
            for record in batch {
                let target = Target {
                    digest: *record.digest(),
                    set: Bytes::from_static(b"s"),
                    user_key: None,
                };
                let delete = host.call(&host.namespaces()[0], request(Work::Delete), target);
                delete.now_or_never().unwrap();
                results.push(bump(record));
            }
        }
    }
    Arc::new(Deleting(Arc::downgrade(host)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_background_task_brings_no_deleted_record_back() {
    let host = host();
    for id in 0..20 {
        run(&host, operate(vec![write("v", id)]), id).await;
    }
    let module = delete_under_way(&host);
    host.registry().insert("deleting.native", "NATIVE", module);
    let task = host.background(task(1, udf("deleting"), "s")).unwrap();
    assert_eq!(task.wait().await, Status::Done);
    assert_eq!(task.counts.succeeded.load(Ordering::Relaxed), 0);
    for id in 0..20 {
        assert_eq!(value(&host, id).await, None);
    }
}

#[tokio::test]
async fn the_calls_ttl_holds_for_what_a_function_writes_unless_it_sets_its_own() {
    fn own_ttl(record: &mut RecordContext) -> UdfResult {
        record.set_ttl(Ttl::Seconds(77));
        bump(record)
    }
    let host = host();
    let module = Arc::new(Native(own_ttl));
    host.registry().insert("own_ttl.native", "NATIVE", module);
    let call = |package| Request {
        policy: WritePolicy {
            ttl: Ttl::Seconds(500),
            ..WritePolicy::default()
        },
        ..udf(package)
    };
    for (package, ttl) in [("bump", 500), ("own_ttl", 77)] {
        let void_time = run(&host, call(package), 1).await.void_time;
        let left = void_time - crate::model::now_secs();
        assert!((ttl - 2..=ttl).contains(&left), "{package}: {left}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_of_one_key_in_a_batch_run_in_their_order() {
    let host = host();
    let read = request(Work::Read(BinSelection::All));
    let rows = [
        operate(vec![write("v", 41)]),
        udf("bump"),
        read.clone(),
        udf("slow"),
        read,
    ];
    let group = |(index, request)| Group {
        namespace: b"test".to_vec(),
        request: Ok(request),
        rows: vec![(index, target(1))],
        error_detail: 0,
    };
    let groups = (0..).zip(rows).map(group).collect();
    let replies: Vec<Replies> = host.batch(groups).collect().await;
    let seen = |index| {
        let mut rows = replies.iter().flat_map(|r| &r.rows);
        let (_, reply) = rows.find(|(i, _)| *i == index).unwrap();
        match &reply.bins {
            ReplyBins::Record(body, _) => body.bin(b"v").and_then(|p| p.as_int()),
            ReplyBins::Udf(Value::Int(v)) => Some(*v),
            _ => None,
        }
    };
    assert_eq!([1, 2, 3, 4].map(seen), [42, 42, 43, 43].map(Some));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sets_that_are_made_at_once_are_all_there() {
    let host = host();
    for round in 0..200 {
        let writes = ["a", "b", "c", "d"].map(|letter| {
            let host = host.clone();
            let name = format!("{letter}{round}");
            tokio::spawn(async move {
                let target = Target::from(&Key::new("test", &name, 1).unwrap());
                let ns = &host.namespaces()[0];
                host.call(ns, operate(vec![write("v", 1)]), target).await;
                (ns.find_set(name.as_bytes()), name)
            })
        });
        for write in writes {
            let (id, name) = write.await.unwrap();
            let id = id.expect(&name);
            let sets = host.namespaces()[0].sets();
            assert_eq!(sets.name(id).map(|n| &**n), Some(&*name));
        }
    }
    assert_eq!(host.namespaces()[0].set_counts().len(), 800);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn losing_a_race_does_not_make_a_module_slow() {
    let host = host();
    let calls = (0..200).map(|_| {
        let host = host.clone();
        tokio::spawn(async move { run(&host, udf("bump"), 1).await.code })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap(), ResultCode::Ok);
    }
    assert!(!host.registry().find("bump").unwrap().is_slow());
}

#[tokio::test]
async fn two_hosts_in_one_process_keep_their_instances() {
    static MADE: AtomicU64 = AtomicU64::new(0);
    struct Counting;
    impl Module for Counting {
        fn functions(&self) -> Vec<FunctionInfo> {
            Vec::new()
        }
        fn instantiate(&self) -> Result<Box<dyn Instance>, UdfError> {
            MADE.fetch_add(1, Ordering::Relaxed);
            Ok(Box::new(Native(bump)))
        }
    }
    let hosts = [host(), host()];
    for host in &hosts {
        host.registry()
            .insert("counting.native", "NATIVE", Arc::new(Counting));
    }
    for _ in 0..10 {
        for host in &hosts {
            assert_eq!(run(host, udf("counting"), 1).await.code, ResultCode::Ok);
        }
    }
    assert_eq!(MADE.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn what_is_written_after_a_truncation_stays() {
    let host = host();
    let namespace = host.namespaces()[0].clone();
    for id in 0..200 {
        run(&host, operate(vec![write("v", id)]), id).await;
        let removed = host.truncate(&namespace, Some(b"s"), None).await;
        run(&host, operate(vec![write("v", id)]), id + 1000).await;
        let last = if id == 0 { 1 } else { 2 };
        assert_eq!(removed.await, Ok(last));
        assert_eq!(value(&host, id + 1000).await, Some(id));
    }
}

#[tokio::test]
async fn truncation_removes_what_was_written_before_it() {
    let host = host();
    for id in 0..500 {
        run(&host, operate(vec![write("v", id)]), id).await;
    }
    let namespace = host.namespaces()[0].clone();
    let other = Target::from(&Key::new("test", "other", 1).unwrap());
    host.call(&namespace, operate(vec![write("v", 0)]), other)
        .await;
    assert_eq!(
        host.truncate(&namespace, Some(b"none"), None).await.await,
        Ok(0)
    );
    assert_eq!(
        host.truncate(&namespace, Some(b"s"), Some(1)).await.await,
        Ok(0)
    );
    assert_eq!(
        host.truncate(&namespace, Some(b"s"), None).await.await,
        Ok(500)
    );
    assert_eq!(namespace.count().0, 1);
}
