//! Queries over a set or the namespace, in pages, by partition and filtered.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aerospike::{
    Bin, Bins, PartitionFilter, QueryPolicy, ReadPolicy, ResultCode, Statement, Value, WritePolicy,
    as_bin, as_list, as_map, as_val,
    expressions::{self, Expression, from_ael},
};
use anyhow::{Context, Result};
use futures::StreamExt;
use petrel_tests::users;

use crate::{failed, host, key, query};

#[tokio::test(flavor = "multi_thread")]
async fn a_query_gives_its_set_once_with_the_bins_asked_for() -> Result<()> {
    let (_host, client) = host().await?;
    let policy = WritePolicy::default();
    for id in 0..500 {
        client
            .put(
                &policy,
                &key(id),
                &[as_bin!("id", id), as_bin!("other", "x")],
            )
            .await?;
        client
            .put(
                &policy,
                &users::key_in("strangers", id),
                &[as_bin!("id", -1)],
            )
            .await?;
    }
    let some = Bins::Some(vec!["id".into()]);
    let records = query(&client, &QueryPolicy::default(), some).await?;
    let ids: BTreeSet<_> = records.iter().map(|r| r.bins.get("id").cloned()).collect();
    assert_eq!(records.len(), 500);
    assert_eq!(ids, (0..500).map(|id| Some(Value::Int(id))).collect());
    assert!(
        records
            .iter()
            .all(|r| r.bins.len() == 1 && r.generation == 1)
    );
    let records = query(&client, &QueryPolicy::default(), Bins::None).await?;
    assert!(records.len() == 500 && records.iter().all(|r| r.bins.is_empty()));

    // A record without any of the bins is left out.
    client.put(&policy, &key(3), &[as_bin!("rare", 1)]).await?;
    let rare = |names: &[&str]| Bins::Some(names.iter().map(|&name| name.into()).collect());
    for (bins, found) in [
        (rare(&["rare"]), 1),
        (rare(&["rare", "none"]), 1),
        (rare(&["none"]), 0),
    ] {
        let records = query(&client, &QueryPolicy::default(), bins).await?;
        assert_eq!(records.len(), found);
    }

    // The whole namespace, and one partition of it.
    let statement = Statement::new("test", "", Bins::All);
    let all = client
        .query(&QueryPolicy::default(), PartitionFilter::all(), statement)
        .await?;
    assert_eq!(all.into_stream().count().await, 1_000);
    let home = PartitionFilter::by_id(key(7).partition_id());
    let statement = Statement::new("test", "records", Bins::All);
    let found = client
        .query(&QueryPolicy::default(), home, statement)
        .await?;
    let found: Vec<_> = found.into_stream().collect().await;
    assert!(
        found
            .iter()
            .flatten()
            .any(|r| r.bins.get("id") == Some(&Value::Int(7)))
    );
    assert!(found.len() < 20, "{} records in one partition", found.len());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_keeps_to_its_records_per_second_but_is_never_slower_than_a_hundred() -> Result<()>
{
    let (_host, client) = host().await?;
    for id in 0..50 {
        client
            .put(&WritePolicy::default(), &key(id), &[as_bin!("id", id)])
            .await?;
    }
    for (limit, least) in [(200, 250), (1, 500)] {
        let policy = QueryPolicy {
            records_per_second: limit,
            ..QueryPolicy::default()
        };
        let started = Instant::now();
        assert_eq!(query(&client, &policy, Bins::All).await?.len(), 50);
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(least), "{limit}/s: {took:?}");
        assert!(took < Duration::from_secs(10), "{limit}/s: {took:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn max_records_pages_through_a_set_without_loss_or_repetition() -> Result<()> {
    let (_host, client) = host().await?;
    for id in 0..300 {
        client
            .put(&WritePolicy::default(), &key(id), &[as_bin!("id", id)])
            .await?;
    }
    let policy = QueryPolicy {
        max_records: 70,
        ..Default::default()
    };
    let mut filter = PartitionFilter::all();
    let mut seen = Vec::new();
    for page in 0.. {
        assert!(page < 10, "no end of pages");
        let statement = Statement::new("test", "records", Bins::All);
        let records = client.query(&policy, filter, statement).await?;
        let mut stream = std::sync::Arc::clone(&records).into_stream();
        let mut count = 0;
        while let Some(record) = stream.next().await {
            seen.push(record?.bins.get("id").cloned().context("no id")?);
            count += 1;
        }
        assert!(count <= 70, "a page of {count}");
        filter = records.partition_filter().context("no cursor")?;
        if filter.done() {
            break;
        }
    }
    assert_eq!(seen.len(), 300);
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>().len(), 300);
    Ok(())
}

/// Which of ids 0 to 9 a condition matches.
type Matches = fn(i64) -> bool;

/// The same condition as text and packed, and which of ids 0 to 9 it matches.
fn conditions() -> Result<Vec<(Expression, Matches)>> {
    use expressions::{
        and, bin_exists, eq, ge, gt, int_bin, int_val, lt, not, num_mod, or, string_bin, string_val,
    };
    Ok(vec![
        (from_ael("$.id >= 5")?, |id| id >= 5),
        (ge(int_bin("id"), int_val(5)), |id| id >= 5),
        (from_ael("$.name == 'n3' or $.id > 7")?, |id| {
            id == 3 || id > 7
        }),
        (
            or(vec![
                eq(string_bin("name"), string_val("n3")),
                gt(int_bin("id"), int_val(7)),
            ]),
            |id| id == 3 || id > 7,
        ),
        (from_ael("$.id > 1 and not($.id > 3)")?, |id| {
            id == 2 || id == 3
        }),
        (
            and(vec![
                gt(int_bin("id"), int_val(1)),
                not(gt(int_bin("id"), int_val(3))),
            ]),
            |id| id == 2 || id == 3,
        ),
        (from_ael("$.id % 2 == 0")?, |id| id % 2 == 0),
        (eq(num_mod(int_bin("id"), int_val(2)), int_val(0)), |id| {
            id % 2 == 0
        }),
        (from_ael("$.id * 2 + 1 < 10")?, |id| id * 2 + 1 < 10),
        (from_ael("$.odd == true")?, |id| id % 2 == 1),
        (from_ael("$.rare.exists()")?, |id| id == 0),
        (bin_exists("rare"), |id| id == 0),
        (from_ael("$.rare > 0")?, |id| id == 0),
        (lt(expressions::ttl(), int_val(0)), |_| true),
        (from_ael("$.ttl() < 0")?, |_| true),
        (eq(expressions::set_name(), string_val("records")), |_| true),
        (from_ael("$.setName() == 'records'")?, |_| true),
        (from_ael("$.map.k == 4")?, |id| id == 4),
        (from_ael("$.list.[1] == 6")?, |id| id == 6),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_selects_the_same_in_text_and_packed_for_reads_and_queries() -> Result<()> {
    let (_host, client) = host().await?;
    for id in 0..10i64 {
        let mut bins = vec![
            as_bin!("id", id),
            as_bin!("name", format!("n{id}")),
            as_bin!("odd", id % 2 == 1),
            Bin::new("map", as_map!("k" => id)),
            Bin::new("list", as_list!(0, id)),
        ];
        if id == 0 {
            bins.push(as_bin!("rare", 1));
        }
        client.put(&WritePolicy::default(), &key(id), &bins).await?;
    }
    for (number, (filter, matches)) in conditions()?.into_iter().enumerate() {
        let mut policy = QueryPolicy::default();
        policy.base_policy.filter_expression = Some(filter.clone());
        let found = query(&client, &policy, Bins::All)
            .await
            .with_context(|| format!("condition {number}"))?;
        let found: BTreeSet<_> = found.iter().map(|r| r.bins.get("id").cloned()).collect();
        let expected = (0..10)
            .filter(|id| matches(*id))
            .map(|id| Some(Value::Int(id)))
            .collect();
        assert_eq!(found, expected, "condition {number}");
        let mut policy = ReadPolicy::default();
        policy.base_policy.filter_expression = Some(filter);
        for id in 0..10 {
            let outcome = client.get(&policy, &key(id), Bins::All).await;
            if matches(id) {
                outcome.with_context(|| format!("condition {number}, record {id}"))?;
            } else {
                failed(outcome, ResultCode::FilteredOut);
            }
        }
    }
    Ok(())
}
