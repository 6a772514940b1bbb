//! Aggregations over a memory store, with a function written in Rust.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;

use super::*;
use crate::assembly::{self, HostOptions};
use crate::change::{RecordContext, Scope, WritePolicy};
use crate::expr::ael;
use crate::model::{BinName, Error, Key, PartitionId, Result, ResultCode, Value};
use crate::ops::{Op, OpKind};
use crate::request::{AggregateSpec, Filter, Request, Target, UdfCall, Work, Yields};
use crate::store::behaviour::Waiting;
use crate::task::Status;
use crate::udf::{
    Aggregator, Budget, FunctionInfo, Instance, Invoker, Module, Registry, UdfError, UdfErrorKind,
};

/// Sums the bin `v` and multiplies the end by a factor. The function `spill` yields each record as
/// a string of a kilobyte, `fail` fails on the record 7, `fail_last` at the end, `slow` takes long.
struct Sums {
    factor: i64,
    function: String,
    sum: Option<i64>,
}

struct SumsModule(i64);

impl Module for SumsModule {
    fn functions(&self) -> Vec<FunctionInfo> {
        Vec::new()
    }

    fn instantiate(&self) -> Result<Box<dyn Instance>, UdfError> {
        Ok(Box::new(Sums {
            factor: self.0,
            function: String::new(),
            sum: None,
        }))
    }
}

impl Instance for Sums {
    fn open(&mut self, _: &str, _: &[u8]) -> Result<&mut dyn Invoker, UdfError> {
        Err(thrown("only aggregates"))
    }

    fn aggregate(
        &mut self,
        function: &str,
        _: &[u8],
        _: &Budget,
    ) -> Result<&mut dyn Aggregator, UdfError> {
        self.function = function.into();
        Ok(self)
    }

    fn aggregator(&mut self) -> Option<&mut dyn Aggregator> {
        Some(self)
    }
}

fn int(value: &Value) -> i64 {
    match value {
        Value::Int(i) => *i,
        other => panic!("{other:?} is no sum"),
    }
}

fn thrown(text: &str) -> UdfError {
    UdfError::new(UdfErrorKind::Thrown, text)
}

impl Aggregator for Sums {
    fn fold(
        &mut self,
        batch: &mut [RecordContext],
        _: &Scope,
        budget: &Budget,
        values: &mut Vec<Value>,
    ) -> Result<(), UdfError> {
        for record in batch {
            if budget.is_cancelled() {
                return Err(UdfError::new(UdfErrorKind::Cancelled, "aborted"));
            }
            let v = record.stored_bin(b"v").and_then(|p| p.as_int());
            let v = v.unwrap_or(0);
            match self.function.as_str() {
                "spill" => values.push("x".repeat(1024).as_str().into()),
                "fail" if v == 7 => return Err(thrown("seven")),
                "slow" => std::thread::sleep(Duration::from_millis(1)),
                _ => {}
            }
            *self.sum.get_or_insert(0) += v;
        }
        Ok(())
    }

    fn take(&mut self, _: &Budget, values: &mut Vec<Value>) -> Result<(), UdfError> {
        values.extend(self.sum.take().map(Value::Int));
        Ok(())
    }

    fn merge(&mut self, partial: &[Value], _: &Budget) -> Result<(), UdfError> {
        for value in partial {
            *self.sum.get_or_insert(0) += int(value);
        }
        Ok(())
    }

    fn finish(&mut self, _: &Budget, values: &mut Vec<Value>) -> Result<(), UdfError> {
        match self.function.as_str() {
            "fail_last" => Err(thrown("at the last")),
            "spill" => Ok(()),
            _ => {
                values.push(Value::Int(self.sum.take().unwrap_or(0) * self.factor));
                Ok(())
            }
        }
    }
}

/// A host with the records 0 to `records` in the set `s`, whose bin `v` is their number.
async fn host(records: i64) -> Arc<Dispatcher> {
    loaded(assembly::open(HostOptions::default()).unwrap(), records).await
}

async fn loaded(host: Dispatcher, records: i64) -> Arc<Dispatcher> {
    host.registry()
        .insert("sums.native", "NATIVE", Arc::new(SumsModule(1)));
    for v in 0..records {
        let request = Request {
            work: Work::Operate {
                ops: vec![Op {
                    kind: OpKind::Write,
                    bin: BinName::new(b"v"),
                    value: v.into(),
                }],
                reply_all: false,
            },
            policy: WritePolicy::default(),
            filter: None,
        };
        let target = Target::from(&Key::new("test", "s", v).unwrap());
        let reply = host.call(&host.namespaces()[0], request, target).await;
        assert_eq!(reply.code, ResultCode::Ok);
    }
    Arc::new(host)
}

fn spec(function: &str) -> AggregateSpec {
    let call = UdfCall {
        package: "sums".into(),
        function: function.into(),
        args: Bytes::from_static(&[0x90]),
    };
    AggregateSpec::new("test", Some(b"s"), call)
}

async fn all(mut aggregation: Aggregation) -> Result<Vec<Value>> {
    let mut all = Vec::new();
    while let Some(values) = aggregation.next().await {
        all.extend(values?);
    }
    Ok(all)
}

async fn values(host: &Dispatcher, spec: AggregateSpec) -> Result<Vec<Value>> {
    all(host.aggregate(spec)?).await
}

fn total(values: &[Value]) -> i64 {
    values.iter().map(int).sum()
}

#[tokio::test]
async fn parts_are_merged_by_the_host_or_left_to_the_caller() {
    let host = host(2_000).await;
    let sum = (0..2_000).sum();
    assert_eq!(values(&host, spec("sum")).await, Ok(vec![Value::Int(sum)]));
    let partials = AggregateSpec {
        yields: Yields::Partials,
        ..spec("sum")
    };
    assert_eq!(total(&values(&host, partials).await.unwrap()), sum);
    let whole = AggregateSpec {
        set: None,
        ..spec("sum")
    };
    assert_eq!(values(&host, whole).await, Ok(vec![Value::Int(sum)]));
}

#[tokio::test]
async fn a_filter_and_partitions_choose_the_records() {
    let host = host(1_000).await;
    let filter = Filter::new(ael::parse("$.v < 10").unwrap()).unwrap();
    let few = AggregateSpec {
        filter: Some(filter),
        ..spec("sum")
    };
    assert_eq!(values(&host, few).await, Ok(vec![45.into()]));
    let task = host.tasks().all().pop().unwrap();
    assert_eq!(task.counts.succeeded.load(Relaxed), 10);
    assert_eq!(task.counts.filtered_bins.load(Relaxed), 990);
    let mut sums = Vec::new();
    for half in [0..2048, 2048..4096] {
        let some = half.map(|id: PartitionId| (id, None)).collect();
        let part = AggregateSpec {
            partitions: Some(some),
            ..spec("sum")
        };
        sums.extend(values(&host, part).await.unwrap());
    }
    assert_eq!(total(&sums), (0..1_000).sum::<i64>());
    let none = AggregateSpec {
        partitions: Some(Vec::new()),
        ..spec("sum")
    };
    assert_eq!(values(&host, none).await, Ok(vec![0.into()]));
}

#[tokio::test]
async fn no_record_makes_no_partial_value_but_a_result() {
    let host = host(0).await;
    let partials = AggregateSpec {
        yields: Yields::Partials,
        ..spec("sum")
    };
    assert_eq!(values(&host, partials).await, Ok(vec![]));
    assert_eq!(values(&host, spec("sum")).await, Ok(vec![0.into()]));
}

#[tokio::test]
async fn a_failure_ends_it_and_is_told_once() {
    let host = host(500).await;
    for (function, text) in [("fail", "seven"), ("fail_last", "at the last")] {
        let mut aggregation = host.aggregate(spec(function)).unwrap();
        let task = host.tasks().all().pop().unwrap();
        let e = aggregation.next().await.unwrap().unwrap_err();
        assert_eq!(e, Error::new(ResultCode::UdfExecution, text));
        assert!(aggregation.next().await.is_none());
        assert_eq!(task.wait().await, Status::Failed);
    }
    let missing = AggregateSpec {
        call: UdfCall {
            package: "missing".into(),
            ..spec("f").call
        },
        ..spec("f")
    };
    let e = values(&host, missing).await.unwrap_err();
    assert_eq!(e.code, ResultCode::UdfExecution);
    assert!(e.message.contains("missing is not registered"), "{e}");
}

#[tokio::test]
async fn an_abort_ends_it() {
    let host = host(4_000).await;
    let aggregation = host.aggregate(spec("slow")).unwrap();
    let task = host.tasks().all().pop().unwrap();
    assert_eq!(task.spec.job_type(), "aggregation");
    task.abort();
    let e = all(aggregation).await.unwrap_err();
    assert_eq!(e.code, ResultCode::QueryAborted);
    assert_eq!(task.wait().await, Status::Aborted);
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_it() {
    let host = host(4_000).await;
    let mut aggregation = host.aggregate(spec("slow")).unwrap();
    let task = host.tasks().all().pop().unwrap();
    let waited = tokio::time::timeout(Duration::from_millis(20), aggregation.next()).await;
    assert!(waited.is_err(), "it takes longer");
    drop(aggregation);
    assert_eq!(task.wait().await, Status::Aborted);
    assert!(task.counts.succeeded.load(Relaxed) < 4_000);
}

#[tokio::test]
async fn a_reader_that_is_slow_holds_it_back() {
    let host = host(8_000).await;
    let mut aggregation = host.aggregate(spec("spill")).unwrap();
    let task = host.tasks().all().pop().unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let folded = task.counts.succeeded.load(Relaxed);
    assert!((1_000..4_000).contains(&folded), "{folded}");
    // Others go on meanwhile.
    assert_eq!(values(&host, spec("sum")).await.map(|v| v.len()), Ok(1));
    let mut n = 0;
    while let Some(values) = aggregation.next().await {
        n += values.unwrap().len();
    }
    assert_eq!(n, 8_000);
}

#[tokio::test]
async fn what_runs_is_what_was_registered_at_the_start() {
    let host = host(300).await;
    let aggregation = host.aggregate(spec("slow")).unwrap();
    host.registry()
        .insert("sums.native", "NATIVE", Arc::new(SumsModule(2)));
    let sum: i64 = (0..300).sum();
    assert_eq!(all(aggregation).await, Ok(vec![Value::Int(sum)]));
    assert_eq!(
        values(&host, spec("sum")).await,
        Ok(vec![Value::Int(2 * sum)])
    );
}

#[tokio::test]
async fn a_hundred_at_once_come_to_the_same() {
    let host = host(1_000).await;
    let spec = |n: i64| match n % 2 {
        0 => spec("sum"),
        _ => spec("spill"),
    };
    let many = join_all((0..100).map(|n| values(&host, spec(n)))).await;
    for (n, values) in (0..).zip(many) {
        match n % 2 {
            0 => assert_eq!(values, Ok(vec![Value::Int((0..1_000).sum())])),
            _ => assert_eq!(values.map(|v| v.len()), Ok(1_000)),
        }
    }
    for task in host.tasks().all() {
        assert_eq!(task.wait().await, Status::Done);
    }
}

#[tokio::test]
async fn a_store_that_answers_later_is_waited_for() {
    let namespace = Arc::new(Namespace::new("test", Arc::new(Waiting::default()), 0));
    let limits = Default::default();
    let registry = Arc::new(Registry::new(Arc::default(), Vec::new(), None, limits));
    let threads = Threads {
        callers: 2,
        foreground: 2,
        background: 2,
    };
    let host = Dispatcher::start(vec![namespace], registry, threads, 4).unwrap();
    let host = loaded(host, 200).await;
    assert_eq!(
        values(&host, spec("sum")).await,
        Ok(vec![Value::Int((0..200).sum())])
    );
}

#[tokio::test]
async fn a_rate_limit_holds_it_back() {
    let host = host(300).await;
    let slow = AggregateSpec {
        records_per_second: 1_000,
        ..spec("sum")
    };
    let start = std::time::Instant::now();
    assert!(values(&host, slow).await.is_ok());
    let took = start.elapsed();
    assert!(took > Duration::from_millis(150), "{took:?}");
}
