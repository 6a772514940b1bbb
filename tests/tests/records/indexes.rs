//! Secondary indexes through the client: made, asked, followed by writes, dropped.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aerospike::{
    AdminPolicy, Bin, Bins, Client, CollectionIndexType, IndexType, PartitionFilter, QueryPolicy,
    Record, ResultCode, Statement, Task, Value, WritePolicy, as_bin, as_list, as_map, as_val,
    expressions::from_ael, operations, operations::cdt_context, query::Filter,
};
use anyhow::{Context, Result};
use futures::StreamExt;
use petrel_tests::{Host, Runtime, guests::until, raw, users};

use crate::{failed, host, key};

const SET: &str = "records";

/// Creates an index over the set and waits until it is built.
async fn index(
    client: &Client,
    bin: &str,
    kind: IndexType,
    collection: CollectionIndexType,
) -> Result<()> {
    let name = format!("{bin}_idx");
    let policy = AdminPolicy::default();
    let task = client
        .create_index_on_bin(&policy, "test", SET, bin, &name, kind, collection, None)
        .await?;
    until(&task).await
}

async fn numeric(client: &Client, bin: &str) -> Result<()> {
    index(
        client,
        bin,
        IndexType::Numeric,
        CollectionIndexType::Default,
    )
    .await
}

fn within(filter: Filter) -> Statement {
    let mut statement = Statement::new("test", SET, Bins::All);
    statement.set_filter(filter);
    statement
}

async fn ask(client: &Client, filter: Filter) -> aerospike::Result<Vec<Record>> {
    ask_with(client, &QueryPolicy::default(), filter).await
}

async fn ask_with(
    client: &Client,
    policy: &QueryPolicy,
    filter: Filter,
) -> aerospike::Result<Vec<Record>> {
    let records = client
        .query(policy, PartitionFilter::all(), within(filter))
        .await?;
    let outcomes: Vec<_> = records.into_stream().collect().await;
    outcomes.into_iter().collect()
}

/// The ids of the records found; each may come once.
fn ids(records: &[Record]) -> BTreeSet<i64> {
    let ids: BTreeSet<i64> = records
        .iter()
        .map(|record| match record.bins.get("id") {
            Some(Value::Int(id)) => *id,
            other => panic!("{other:?} for an id"),
        })
        .collect();
    assert_eq!(ids.len(), records.len(), "a record came twice");
    ids
}

fn which(matches: impl Fn(i64) -> bool) -> BTreeSet<i64> {
    (0..COUNT).filter(|id| matches(*id)).collect()
}

const COUNT: i64 = 300;

async fn load(client: &Client) -> Result<()> {
    for id in 0..COUNT {
        let bins = [
            as_bin!("id", id),
            as_bin!("v", 0),
            as_bin!("age", id % 50),
            as_bin!("name", format!("n{}", id % 7)),
            Bin::new("raw", Value::Blob(vec![(id % 5) as u8])),
            Bin::new("list", as_list!(id % 6, 100 + id % 4, "x")),
            Bin::new("map", as_map!(format!("k{}", id % 3) => id % 8)),
        ];
        client.put(&WritePolicy::default(), &key(id), &bins).await?;
        let stranger = users::key_in("strangers", id);
        client
            .put(&WritePolicy::default(), &stranger, &bins)
            .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn equality_range_and_contains_find_what_the_bins_have() -> Result<()> {
    use CollectionIndexType::{List, MapKeys, MapValues};
    let (host, client) = host().await?;
    load(&client).await?;
    numeric(&client, "age").await?;
    index(
        &client,
        "name",
        IndexType::String,
        CollectionIndexType::Default,
    )
    .await?;
    index(&client, "list", IndexType::Numeric, List).await?;
    index(&client, "map", IndexType::String, MapKeys).await?;
    // The crate knows no type for blobs.
    for command in [
        "sindex-create:ns=test;set=records;indexname=raw_idx;bin=raw;type=blob",
        "sindex-create:ns=test;set=records;indexname=values_idx;bin=map;type=numeric;indextype=mapvalues",
    ] {
        assert_eq!(raw::info(host.address(), command)?, "ok");
    }
    for name in ["raw_idx", "values_idx"] {
        built(&host, name).await?;
    }
    type Matches = Box<dyn Fn(i64) -> bool>;
    let rows: Vec<(Filter, Matches)> = vec![
        (Filter::equal("age", 7), Box::new(|id| id % 50 == 7)),
        (Filter::range("age", 40, 1000), Box::new(|id| id % 50 >= 40)),
        (Filter::range("age", i64::MIN, i64::MAX), Box::new(|_| true)),
        (Filter::equal("age", 99), Box::new(|_| false)),
        (Filter::equal("name", "n3"), Box::new(|id| id % 7 == 3)),
        (Filter::equal("name", "n"), Box::new(|_| false)),
        (Filter::equal("raw", vec![2u8]), Box::new(|id| id % 5 == 2)),
        (
            Filter::contains("list", 101, List),
            Box::new(|id| id % 4 == 1),
        ),
        (
            Filter::contains_range("list", 2, 101, List),
            Box::new(|id| id % 6 >= 2 || id % 4 <= 1),
        ),
        (
            Filter::contains("map", "k2", MapKeys),
            Box::new(|id| id % 3 == 2),
        ),
        (
            Filter::contains_range("map", 3, 5, MapValues),
            Box::new(|id| (3..=5).contains(&(id % 8))),
        ),
        (
            Filter::range_by_index("age_idx", 1, 2),
            Box::new(|id| (1..=2).contains(&(id % 50))),
        ),
        (Filter::equal_by_index("name_idx", 5), Box::new(|_| false)),
    ];
    for (number, (filter, matches)) in rows.into_iter().enumerate() {
        let found = ask(&client, filter)
            .await
            .with_context(|| format!("row {number}"))?;
        assert_eq!(ids(&found), which(matches), "row {number}");
    }
    // With a filter expression beside the range.
    let mut policy = QueryPolicy::default();
    policy.base_policy.filter_expression = Some(from_ael("$.name == 'n1'")?);
    let found = ask_with(&client, &policy, Filter::range("age", 0, 9)).await?;
    assert_eq!(ids(&found), which(|id| id % 50 < 10 && id % 7 == 1));
    Ok(())
}

async fn built(host: &Host, name: &str) -> Result<()> {
    for _ in 0..1000 {
        let command = format!("sindex-stat:namespace=test;indexname={name}");
        if raw::info(host.address(), &command)?.contains("load_pct=100") {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{name} was never built");
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_removals_and_truncation_are_followed() -> Result<()> {
    let (host, client) = host().await?;
    load(&client).await?;
    numeric(&client, "age").await?;
    let policy = WritePolicy::default();
    client
        .put(&policy, &key(7), &[as_bin!("age", 1000)])
        .await?;
    client
        .put(&policy, &key(8), &[as_bin!("age", "old")])
        .await?;
    client.delete(&policy, &key(9)).await?;
    let bumped = Runtime::Lua.register(&client, "bench").await?;
    client.put(&policy, &key(10), &[as_bin!("v", 1)]).await?;
    client
        .execute_udf(&policy, &key(10), &bumped, "bump", &[Value::Int(1)])
        .await?;
    let all = || Filter::range("age", i64::MIN, i64::MAX);
    assert_eq!(
        ids(&ask(&client, all()).await?),
        which(|id| id != 8 && id != 9)
    );
    assert_eq!(
        ids(&ask(&client, Filter::equal("age", 1000)).await?),
        BTreeSet::from([7])
    );
    client
        .truncate(&AdminPolicy::default(), "test", SET, 0)
        .await?;
    for _ in 0..1000 {
        let statistics = raw::info(host.address(), "sindex-stat:ns=test;indexname=age_idx")?;
        if statistics.starts_with("entries=0;") {
            assert!(ask(&client, all()).await?.is_empty());
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("truncated records stayed in the index");
}

#[tokio::test(flavor = "multi_thread")]
async fn max_records_pages_through_a_range_without_loss_or_repetition() -> Result<()> {
    let (_host, client) = host().await?;
    load(&client).await?;
    numeric(&client, "age").await?;
    let policy = QueryPolicy {
        max_records: 40,
        ..Default::default()
    };
    let mut filter = PartitionFilter::all();
    let mut seen = Vec::new();
    for page in 0.. {
        assert!(page < 20, "no end of pages");
        let statement = within(Filter::range("age", 10, 39));
        let records = client.query(&policy, filter, statement).await?;
        let mut stream = Arc::clone(&records).into_stream();
        while let Some(record) = stream.next().await {
            seen.push(record?);
        }
        filter = records.partition_filter().context("no cursor")?;
        if filter.done() {
            break;
        }
    }
    assert_eq!(ids(&seen), which(|id| (10..40).contains(&(id % 50))));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn background_tasks_go_by_a_range() -> Result<()> {
    let (host, client) = host().await?;
    load(&client).await?;
    numeric(&client, "age").await?;
    let mut statement = within(Filter::range("age", 20, 29));
    statement.set_operations([operations::put(&as_bin!("marked", 1))]);
    let task = client
        .query_operate(&WritePolicy::default(), statement)
        .await?;
    until(&task).await?;
    let package = Runtime::Lua.register(&client, "bench").await?;
    let statement = within(Filter::equal("age", 30));
    let task = client
        .query_execute_udf(
            &WritePolicy::default(),
            statement,
            &package,
            "bump",
            &[Value::Int(1)],
        )
        .await?;
    until(&task).await?;
    let jobs = raw::info(host.address(), "query-show")?;
    assert_eq!(
        jobs.matches(":set=records:sindex-name=age_idx:").count(),
        2,
        "{jobs}"
    );
    let all = ask(&client, Filter::range("age", 0, 100)).await?;
    let with = |bin: &str| {
        let is_one = |r: &&Record| r.bins.get(bin) == Some(&Value::Int(1));
        ids(&all.iter().filter(is_one).cloned().collect::<Vec<_>>())
    };
    assert_eq!(with("marked"), which(|id| (20..30).contains(&(id % 50))));
    assert_eq!(with("v"), which(|id| id % 50 == 30));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn work_over_a_set_that_never_was_is_told_that_there_is_nothing() -> Result<()> {
    let (host, client) = host().await?;
    load(&client).await?;
    let nowhere = |filter| {
        let mut statement = Statement::new("test", "nowhere", Bins::All);
        statement.set_filter(filter);
        statement
    };
    let mut touch = nowhere(Filter::range("age", 1, 3));
    touch.set_operations([operations::touch()]);
    // The client takes the answer for a task without records.
    let task = client.query_operate(&WritePolicy::default(), touch).await?;
    until(&task).await?;
    // The index is what is missing where the set is there.
    let mut touch = within(Filter::range("age", 1, 3));
    touch.set_operations([operations::touch()]);
    let task = client.query_operate(&WritePolicy::default(), touch).await;
    failed(task.map(drop), ResultCode::IndexNotFound);
    assert_eq!(raw::info(host.address(), "query-show")?, "");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_context_leads_to_what_is_indexed() -> Result<()> {
    let (_host, client) = host().await?;
    load(&client).await?;
    let context = vec![cdt_context::ctx_list_index(1)];
    let task = client
        .create_index_on_bin(
            &AdminPolicy::default(),
            "test",
            SET,
            "list",
            "second",
            IndexType::Numeric,
            CollectionIndexType::Default,
            Some(&context),
        )
        .await?;
    until(&task).await?;
    let found = ask(&client, Filter::equal("list", 102).context(context)).await?;
    assert_eq!(ids(&found), which(|id| id % 4 == 2));
    failed(
        ask(&client, Filter::equal("list", 102)).await,
        ResultCode::IndexNotFound,
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_not_supported_is_refused_by_name() -> Result<()> {
    let (host, client) = host().await?;
    numeric(&client, "age").await?;
    for filter in [
        Filter::equal("other", 1),
        Filter::equal("age", "a string"),
        Filter::contains("age", 1, CollectionIndexType::List),
        Filter::equal_by_index("nothing", 1),
        Filter::geo_within_radius("age", 0.0, 0.0, 1.0),
    ] {
        failed(ask(&client, filter).await, ResultCode::IndexNotFound);
    }
    failed(
        ask(&client, Filter::range("age", 2, 1)).await,
        ResultCode::ParameterError,
    );
    let create = |name, kind| {
        let policy = AdminPolicy::default();
        let client = &client;
        async move {
            let default = CollectionIndexType::Default;
            client
                .create_index_on_bin(&policy, "test", SET, "age", name, kind, default, None)
                .await
        }
    };
    let geo = create("geo", IndexType::Geo2DSphere).await;
    assert!(
        geo.unwrap_err()
            .to_string()
            .contains("geo2dsphere indexes are not supported")
    );
    let taken = create("age_idx", IndexType::String).await;
    assert!(taken.unwrap_err().to_string().contains("already exists"));
    // The same under another name renames it.
    create("renamed", IndexType::Numeric).await?;
    let list = raw::info(host.address(), "sindex-list")?;
    assert_eq!(
        list,
        "ns=test:indexname=renamed:set=records:bin=age:type=numeric:indextype=default:\
         context=null:exp=null:state=RW"
    );
    let task = client
        .drop_index(&AdminPolicy::default(), "test", SET, "renamed")
        .await?;
    task.wait_till_complete(Some(Duration::from_secs(20)))
        .await?;
    failed(
        ask(&client, Filter::equal("age", 1)).await,
        ResultCode::IndexNotFound,
    );
    assert_eq!(raw::info(host.address(), "sindex-list")?, "");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_the_indexes_on_disk() -> Result<()> {
    let mut host = Host::durable()?;
    let client = host.client().await?;
    load(&client).await?;
    numeric(&client, "age").await?;
    index(
        &client,
        "name",
        IndexType::String,
        CollectionIndexType::Default,
    )
    .await?;
    let policy = AdminPolicy::default();
    client.drop_index(&policy, "test", SET, "name_idx").await?;
    host.restart()?;
    let client = host.client().await?;
    let found = ask(&client, Filter::range("age", 5, 6)).await?;
    assert_eq!(ids(&found), which(|id| (5..=6).contains(&(id % 50))));
    failed(
        ask(&client, Filter::equal("name", "n1")).await,
        ResultCode::IndexNotFound,
    );
    client.delete(&WritePolicy::default(), &key(5)).await?;
    let found = ask(&client, Filter::range("age", 5, 6)).await?;
    assert_eq!(
        ids(&found),
        which(|id| (5..=6).contains(&(id % 50)) && id != 5)
    );
    Ok(())
}
