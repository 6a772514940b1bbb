//! The dispatcher's behaviour over a memory store, with functions written as Rust closures.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::assembly::{self, HostOptions};
use crate::change::RecordContext;
use crate::change::{ExistsAction, GenerationCheck, WritePolicy};
use crate::model::{BinName, Key, ResultCode, Ttl, Value};
use crate::ops::{Op, OpKind};
use crate::request::{BinSelection, Reply, ReplyBins, Request, Target, UdfCall, Work};
use crate::task::{Status, TaskInfo};
use crate::udf::{
    Call, FunctionInfo, Instance, Module, RuntimeKind, UdfError, UdfErrorKind, UdfResult,
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
    fn run(&mut self, call: &Call<'_>, batch: &mut [RecordContext], results: &mut Vec<UdfResult>) {
        for record in batch {
            results.push(if call.cancelled.load(Ordering::Relaxed) {
                Err(UdfError::new(UdfErrorKind::Cancelled, "aborted"))
            } else {
                (self.0)(record)
            });
        }
    }
}

fn name(text: &str) -> BinName {
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

fn host() -> Arc<Dispatcher> {
    let host = assembly::open(HostOptions::default()).unwrap();
    for (file, function) in [
        ("bump.native", bump as fn(&mut RecordContext) -> UdfResult),
        ("slow.native", slow_bump),
        ("fail.native", fail_after_update),
    ] {
        host.registry()
            .insert(file, RuntimeKind::Wasm, Arc::new(Native(function)));
    }
    Arc::new(host)
}

fn request(work: Work) -> Request {
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

fn write(bin: &str, value: impl Into<Value>) -> Op {
    Op {
        kind: OpKind::Write,
        bin: Some(name(bin)),
        value: value.into(),
    }
}

fn operate(ops: Vec<Op>) -> Request {
    request(Work::Operate {
        ops,
        reply_all: false,
    })
}

fn target(id: i64) -> Target {
    Target::from(&Key::new("test", "s", id).unwrap())
}

async fn run(host: &Dispatcher, request: Request, id: i64) -> Reply {
    host.execute_one(&host.namespaces()[0], request, target(id))
        .await
}

async fn value(host: &Dispatcher, id: i64) -> Option<i64> {
    match run(host, request(Work::Read(BinSelection::All)), id)
        .await
        .bins
    {
        ReplyBins::Record(body, _) => body.bin(b"v").and_then(|p| p.as_int()),
        _ => None,
    }
}

fn task(id: u64) -> TaskInfo {
    TaskInfo {
        id,
        job_type: "background-udf",
        namespace: "test".into(),
        set: "s".into(),
        from: String::new(),
        udf: None,
        records_per_second: 0,
        socket_timeout: 0,
    }
}

fn spec(host: &Dispatcher, id: u64, request: Request, set: &str) -> BackgroundSpec {
    BackgroundSpec {
        namespace: host.namespaces()[0].clone(),
        set: Some(set.as_bytes().to_vec()),
        request,
        info: task(id),
    }
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
    let host = host();
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
    let host = host();
    for id in 0..3000 {
        run(&host, operate(vec![write("v", id)]), id).await;
    }
    let other = Target::from(&Key::new("test", "other", 1).unwrap());
    host.execute_one(&host.namespaces()[0], operate(vec![write("v", 0)]), other)
        .await;
    let task = host.background(spec(&host, 1, udf("bump"), "s")).unwrap();
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
    let task = host.background(spec(&host, 1, udf("slow"), "s")).unwrap();
    task.abort();
    assert_eq!(task.wait().await, Status::Aborted);
    assert!(task.counts.succeeded.load(Ordering::Relaxed) < 3000);
}

#[tokio::test]
async fn an_active_task_keeps_its_id_to_itself() {
    let host = host();
    run(&host, operate(vec![write("v", 1)]), 1).await;
    let first = host.background(spec(&host, 1, udf("slow"), "s")).unwrap();
    let second = host.background(spec(&host, 1, udf("slow"), "s"));
    assert!(second.is_err() || first.status() != Status::Active);
    first.wait().await;
    assert!(host.background(spec(&host, 1, udf("slow"), "s")).is_ok());
}
