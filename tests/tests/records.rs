//! Single records, batches and queries through the official Rust client.

use std::collections::BTreeSet;

use aerospike::{
    BatchDeletePolicy, BatchOperation, BatchPolicy, BatchReadPolicy, BatchWritePolicy, Bin, Bins,
    Client, Error, Expiration, GenerationPolicy, Key, PartitionFilter, QueryPolicy, ReadPolicy,
    Record, RecordExistsAction, ResultCode, Statement, Value, WritePolicy, as_bin, as_list, as_map,
    as_val,
    expressions::{self, Expression, from_ael},
    operations,
};
use anyhow::{Context, Result};
use futures::StreamExt;
use petrel_tests::{Host, users};

async fn host() -> Result<(Host, Client)> {
    let host = Host::memory()?;
    let client = host.client().await?;
    Ok((host, client))
}

fn key(id: i64) -> Key {
    users::key_in("records", id)
}

async fn get(client: &Client, id: i64) -> aerospike::Result<Record> {
    client
        .get(&ReadPolicy::default(), &key(id), Bins::All)
        .await
}

#[track_caller]
fn failed<T: std::fmt::Debug>(outcome: aerospike::Result<T>, code: ResultCode) {
    let error: Error = outcome.expect_err("this had to fail");
    assert!(error.matches(&[code]), "{error} instead of {code:?}");
}

fn values() -> Vec<Value> {
    vec![
        Value::Int(0),
        Value::Int(-1),
        Value::Int(i64::MIN),
        Value::Int(i64::MAX),
        Value::from(0.0),
        Value::from(-2.5e300),
        Value::from(f64::INFINITY),
        Value::from(f64::NAN),
        Value::Bool(true),
        Value::Bool(false),
        Value::String(String::new()),
        Value::String("größer, 大きい".into()),
        Value::String("x".repeat(200_000)),
        Value::Blob(vec![]),
        Value::Blob((0..=255).collect()),
        as_list!(1, "two", 3.5, true, as_list!(4, as_map!("five" => 5))),
        Value::List(vec![]),
        Value::List(vec![Value::Nil, Value::Blob(vec![1, 2])]),
        as_map!("a" => 1, "b" => as_list!(1, 2), "c" => as_map!("d" => "e")),
        as_map!(1 => "one", 2 => "two"),
        Value::GeoJson(r#"{"type":"Point","coordinates":[13.4,52.5]}"#.into()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn values_of_every_type_come_back_unchanged() -> Result<()> {
    let (_host, client) = host().await?;
    for (id, value) in (0..).zip(values()) {
        let bin = Bin::new("value", value.clone());
        client
            .put(&WritePolicy::default(), &key(id), &[bin])
            .await?;
        let record = get(&client, id).await?;
        assert_eq!(record.bins.get("value"), Some(&value));
        assert_eq!(record.bins.len(), 1);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_every_type_name_records_of_their_own() -> Result<()> {
    let (_host, client) = host().await?;
    let keys = [
        Value::Int(1),
        Value::String("1".into()),
        Value::Blob(b"1".to_vec()),
    ];
    for (n, user_key) in (0i64..).zip(&keys) {
        let key = Key::new("test", "records", user_key.clone())?;
        client
            .put(&WritePolicy::default(), &key, &[as_bin!("n", n)])
            .await?;
    }
    for (n, user_key) in (0i64..).zip(&keys) {
        for (set, found) in [("records", true), ("others", false), ("", false)] {
            let key = Key::new("test", set, user_key.clone())?;
            let read = client.get(&ReadPolicy::default(), &key, Bins::All).await;
            assert_eq!(read.is_ok(), found, "{user_key:?} in {set:?}");
            if let Ok(record) = read {
                assert_eq!(record.bins.get("n"), Some(&Value::Int(n)));
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_gives_all_some_or_no_bins() -> Result<()> {
    let (_host, client) = host().await?;
    let bins = [as_bin!("a", 1), as_bin!("b", 2), as_bin!("c", 3)];
    client.put(&WritePolicy::default(), &key(1), &bins).await?;
    let policy = ReadPolicy::default();
    let all = client.get(&policy, &key(1), Bins::All).await?;
    assert_eq!(all.bins.len(), 3);
    let some = Bins::Some(vec!["a".into(), "c".into(), "nobody".into()]);
    let some = client.get(&policy, &key(1), some).await?;
    assert_eq!(some.bins.get("a"), Some(&Value::Int(1)));
    assert_eq!(some.bins.get("c"), Some(&Value::Int(3)));
    assert!(!some.bins.contains_key("b"));
    let none = client.get(&policy, &key(1), Bins::None).await?;
    assert!(none.bins.is_empty());
    assert_eq!(none.generation, 1);
    failed(
        client.get(&policy, &key(2), Bins::All).await,
        ResultCode::KeyNotFoundError,
    );
    failed(
        client.get(&policy, &key(2), Bins::None).await,
        ResultCode::KeyNotFoundError,
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_adds_to_the_record_and_nil_takes_away() -> Result<()> {
    let (_host, client) = host().await?;
    let policy = WritePolicy::default();
    client
        .put(&policy, &key(1), &[as_bin!("a", 1), as_bin!("b", 2)])
        .await?;
    client
        .put(
            &policy,
            &key(1),
            &[as_bin!("c", 3), Bin::new("a", Value::Nil)],
        )
        .await?;
    let record = get(&client, 1).await?;
    let names: Vec<_> = record.bins.keys().map(String::as_str).collect();
    assert_eq!(BTreeSet::from_iter(names), BTreeSet::from(["b", "c"]));
    assert_eq!(record.generation, 2);
    client
        .put(
            &policy,
            &key(1),
            &[Bin::new("b", Value::Nil), Bin::new("c", Value::Nil)],
        )
        .await?;
    failed(get(&client, 1).await, ResultCode::KeyNotFoundError);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn exists_delete_and_touch_tell_whether_there_was_a_record() -> Result<()> {
    let (_host, client) = host().await?;
    let policy = WritePolicy::default();
    assert!(!client.exists(&ReadPolicy::default(), &key(1)).await?);
    assert!(!client.delete(&policy, &key(1)).await?);
    failed(
        client.touch(&policy, &key(1)).await,
        ResultCode::KeyNotFoundError,
    );
    client.put(&policy, &key(1), &[as_bin!("a", 1)]).await?;
    assert!(client.exists(&ReadPolicy::default(), &key(1)).await?);
    client.touch(&policy, &key(1)).await?;
    assert_eq!(get(&client, 1).await?.generation, 2);
    assert!(client.delete(&policy, &key(1)).await?);
    assert!(!client.exists(&ReadPolicy::default(), &key(1)).await?);
    client.put(&policy, &key(1), &[as_bin!("a", 1)]).await?;
    assert_eq!(
        get(&client, 1).await?.generation,
        1,
        "a new record starts anew"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn add_append_and_prepend_work_on_what_is_there_and_make_what_is_not() -> Result<()> {
    let (_host, client) = host().await?;
    let policy = WritePolicy::default();
    for _ in 0..2 {
        client
            .add(&policy, &key(1), &[as_bin!("n", 5), as_bin!("f", 0.5)])
            .await?;
        client
            .append(&policy, &key(1), &[as_bin!("s", "b")])
            .await?;
        client
            .prepend(&policy, &key(1), &[as_bin!("s", "a")])
            .await?;
        client
            .append(&policy, &key(1), &[Bin::new("blob", Value::Blob(vec![1]))])
            .await?;
    }
    let record = get(&client, 1).await?;
    assert_eq!(record.bins.get("n"), Some(&Value::Int(10)));
    assert_eq!(record.bins.get("f"), Some(&Value::from(1.0)));
    assert_eq!(record.bins.get("s"), Some(&Value::String("aabb".into())));
    assert_eq!(record.bins.get("blob"), Some(&Value::Blob(vec![1, 1])));
    for wrong in [
        client.add(&policy, &key(1), &[as_bin!("s", 1)]).await,
        client.append(&policy, &key(1), &[as_bin!("n", "x")]).await,
        client.prepend(&policy, &key(1), &[as_bin!("f", "x")]).await,
    ] {
        failed(wrong, ResultCode::BinTypeError);
    }
    assert_eq!(get(&client, 1).await?.bins, record.bins);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn operate_does_its_operations_in_order_and_all_or_none() -> Result<()> {
    let (_host, client) = host().await?;
    let policy = WritePolicy::default();
    client
        .put(&policy, &key(1), &[as_bin!("n", 1), as_bin!("s", "b")])
        .await?;
    let record = client
        .operate(
            &policy,
            &key(1),
            &[
                operations::add(&as_bin!("n", 2)),
                operations::get_bin("n"),
                operations::append(&as_bin!("s", "c")),
                operations::prepend(&as_bin!("s", "a")),
                operations::get_bin("s"),
                operations::put(&as_bin!("new", true)),
            ],
        )
        .await?;
    let last = |name: &str| match record.bins.get(name) {
        Some(Value::MultiResult(results)) => results.last().cloned(),
        other => other.cloned(),
    };
    assert_eq!(last("n"), Some(Value::Int(3)));
    assert_eq!(last("s"), Some(Value::String("abc".into())));
    let stored = get(&client, 1).await?;
    assert_eq!(stored.bins.get("new"), Some(&Value::Bool(true)));
    assert_eq!(stored.generation, 2);

    let outcome = client
        .operate(
            &policy,
            &key(1),
            &[
                operations::put(&as_bin!("new", false)),
                operations::add(&as_bin!("s", 1)),
            ],
        )
        .await;
    failed(outcome, ResultCode::BinTypeError);
    assert_eq!(get(&client, 1).await?.bins, stored.bins);

    let record = client
        .operate(&policy, &key(1), &[operations::get(), operations::delete()])
        .await?;
    assert_eq!(record.bins.len(), 3);
    assert!(!client.exists(&ReadPolicy::default(), &key(1)).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_refused_when_the_generation_is_not_the_expected_one() -> Result<()> {
    let (_host, client) = host().await?;
    client
        .put(&WritePolicy::default(), &key(1), &[as_bin!("a", 1)])
        .await?;
    let mut policy = WritePolicy::new(5, Expiration::NamespaceDefault);
    policy.generation_policy = GenerationPolicy::ExpectGenEqual;
    failed(
        client.put(&policy, &key(1), &[as_bin!("a", 2)]).await,
        ResultCode::GenerationError,
    );
    failed(
        client.delete(&policy, &key(1)).await,
        ResultCode::GenerationError,
    );
    policy.generation = 1;
    client.put(&policy, &key(1), &[as_bin!("a", 2)]).await?;

    policy.generation_policy = GenerationPolicy::ExpectGenGreater;
    policy.generation = 2;
    failed(
        client.put(&policy, &key(1), &[as_bin!("a", 3)]).await,
        ResultCode::GenerationError,
    );
    policy.generation = 9;
    client.put(&policy, &key(1), &[as_bin!("a", 3)]).await?;
    assert_eq!(get(&client, 1).await?.bins.get("a"), Some(&Value::Int(3)));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn create_update_and_replace_only_hold() -> Result<()> {
    let (_host, client) = host().await?;
    let only = |record_exists_action| WritePolicy {
        record_exists_action,
        ..Default::default()
    };
    let (a, b) = ([as_bin!("a", 1)], [as_bin!("b", 2)]);
    use RecordExistsAction::{CreateOnly, Replace, ReplaceOnly, UpdateOnly};
    for action in [UpdateOnly, ReplaceOnly] {
        failed(
            client.put(&only(action), &key(1), &a).await,
            ResultCode::KeyNotFoundError,
        );
    }
    client.put(&only(CreateOnly), &key(1), &a).await?;
    failed(
        client.put(&only(CreateOnly), &key(1), &b).await,
        ResultCode::KeyExistsError,
    );
    client.put(&only(UpdateOnly), &key(1), &b).await?;
    assert_eq!(get(&client, 1).await?.bins.len(), 2);
    client.put(&only(ReplaceOnly), &key(1), &b).await?;
    let record = get(&client, 1).await?;
    assert!(
        record.bins.len() == 1 && record.bins.contains_key("b"),
        "{record:?}"
    );
    client.put(&only(Replace), &key(1), &a).await?;
    let record = get(&client, 1).await?;
    assert!(
        record.bins.len() == 1 && record.bins.contains_key("a"),
        "{record:?}"
    );
    client.put(&only(Replace), &key(2), &a).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ttl_is_kept_changed_left_alone_and_ends_the_record() -> Result<()> {
    let (_host, client) = host().await?;
    let with = |expiration| WritePolicy {
        expiration,
        ..Default::default()
    };
    let bins = [as_bin!("a", 1)];
    let ttl = async || -> Result<Option<u64>> {
        Ok(get(&client, 1)
            .await?
            .time_to_live()
            .map(|ttl| ttl.as_secs()))
    };
    client
        .put(&with(Expiration::Seconds(1_000)), &key(1), &bins)
        .await?;
    assert!(matches!(ttl().await?, Some(990..=1_000)));
    client
        .put(&with(Expiration::DontUpdate), &key(1), &bins)
        .await?;
    assert!(matches!(ttl().await?, Some(990..=1_000)));
    client
        .touch(&with(Expiration::Seconds(50)), &key(1))
        .await?;
    assert!(matches!(ttl().await?, Some(40..=50)));
    client.put(&with(Expiration::Never), &key(1), &bins).await?;
    assert_eq!(ttl().await?, None);

    client
        .put(&with(Expiration::Seconds(1)), &key(1), &bins)
        .await?;
    client.put(&with(Expiration::Never), &key(2), &bins).await?;
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    failed(get(&client, 1).await, ResultCode::KeyNotFoundError);
    assert_eq!(
        query(&client, &QueryPolicy::default(), Bins::All)
            .await?
            .len(),
        1
    );
    client
        .put(
            &with(Expiration::NamespaceDefault),
            &key(1),
            &[as_bin!("b", 1)],
        )
        .await?;
    assert!(
        !get(&client, 1).await?.bins.contains_key("a"),
        "the dead record came back"
    );
    Ok(())
}

async fn query(client: &Client, policy: &QueryPolicy, bins: Bins) -> Result<Vec<Record>> {
    let statement = Statement::new("test", "records", bins);
    let records = client
        .query(policy, PartitionFilter::all(), statement)
        .await?;
    let outcomes: Vec<_> = records.into_stream().collect().await;
    Ok(outcomes.into_iter().collect::<aerospike::Result<_>>()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_sent_comes_back_with_queries() -> Result<()> {
    let (_host, client) = host().await?;
    let policy = WritePolicy {
        send_key: true,
        ..Default::default()
    };
    client.put(&policy, &key(1), &[as_bin!("a", 1)]).await?;
    client
        .put(&WritePolicy::default(), &key(2), &[as_bin!("a", 2)])
        .await?;
    // A later write without the key does not take it away.
    client
        .put(&WritePolicy::default(), &key(1), &[as_bin!("a", 1)])
        .await?;
    for record in query(&client, &QueryPolicy::default(), Bins::All).await? {
        let found = record.key.as_ref().context("a record without a key")?;
        let sent = record.bins.get("a") == Some(&Value::Int(1));
        assert_eq!(found.user_key(), sent.then_some(&Value::Int(1)));
        assert_eq!(found.digest(), key(if sent { 1 } else { 2 }).digest());
        assert_eq!(found.set_name(), "records");
    }
    Ok(())
}

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

/// The same condition as text and packed, and which of ids 0 to 9 it matches.
fn conditions() -> Result<Vec<(Expression, fn(i64) -> bool)>> {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_mixes_reads_writes_deletes_and_misses() -> Result<()> {
    let (_host, client) = host().await?;
    for id in 1..=3 {
        let bins = [as_bin!("a", id), as_bin!("b", "x")];
        client.put(&WritePolicy::default(), &key(id), &bins).await?;
    }
    let (read, write) = (BatchReadPolicy::default(), BatchWritePolicy::default());
    let create = BatchWritePolicy {
        record_exists_action: RecordExistsAction::CreateOnly,
        ..write.clone()
    };
    let mut filtered = read.clone();
    filtered.filter_expression = Some(from_ael("$.a == 77")?);
    let mut batch = [
        BatchOperation::read(&read, key(1), Bins::All),
        BatchOperation::read(&read, key(1), Bins::Some(vec!["b".into()])),
        BatchOperation::read(&read, key(1), Bins::None),
        BatchOperation::read(&read, key(99), Bins::All),
        BatchOperation::write(&write, key(2), vec![operations::add(&as_bin!("a", 10))]),
        BatchOperation::write(&create, key(2), vec![operations::put(&as_bin!("a", 0))]),
        BatchOperation::write(&write, key(4), vec![operations::put(&as_bin!("a", 4))]),
        BatchOperation::delete(&BatchDeletePolicy::default(), key(3)),
        BatchOperation::delete(&BatchDeletePolicy::default(), key(98)),
        BatchOperation::read(&filtered, key(1), Bins::All),
        BatchOperation::read_ops(&read, key(1), vec![operations::get_bin("a")]),
    ];
    // The call as a whole may report that rows failed; the rows tell which.
    let _ = client.batch(&BatchPolicy::default(), &mut batch).await;
    let codes: Vec<_> = batch.iter().map(BatchOperation::result_code).collect();
    use ResultCode::{FilteredOut, KeyExistsError, KeyNotFoundError, Ok as Done};
    let expected = [
        Done,
        Done,
        Done,
        KeyNotFoundError,
        Done,
        KeyExistsError,
        Done,
        Done,
        KeyNotFoundError,
        FilteredOut,
        Done,
    ];
    assert_eq!(codes, expected.map(Some));
    let bins = |n: usize| batch[n].record().map(|record| record.bins.len());
    assert_eq!(
        [bins(0), bins(1), bins(2), bins(10)],
        [Some(2), Some(1), Some(0), Some(1)]
    );
    assert_eq!(get(&client, 2).await?.bins.get("a"), Some(&Value::Int(12)));
    assert_eq!(get(&client, 4).await?.bins.get("a"), Some(&Value::Int(4)));
    failed(get(&client, 3).await, ResultCode::KeyNotFoundError);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_thousands_is_answered_in_full() -> Result<()> {
    let (_host, client) = host().await?;
    let write = BatchWritePolicy::default();
    let mut batch: Vec<_> = (0..3_000i64)
        .map(|id| BatchOperation::write(&write, key(id), vec![operations::put(&as_bin!("id", id))]))
        .collect();
    client.batch(&BatchPolicy::default(), &mut batch).await?;
    let read = BatchReadPolicy::default();
    let mut batch: Vec<_> = (0..3_000)
        .map(|id| BatchOperation::read(&read, key(id), Bins::All))
        .collect();
    client.batch(&BatchPolicy::default(), &mut batch).await?;
    for (id, row) in (0..).zip(&batch) {
        let record = row.record().with_context(|| format!("no record {id}"))?;
        assert_eq!(record.bins.get("id"), Some(&Value::Int(id)));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_namespace_is_refused() -> Result<()> {
    let (host, client) = host().await?;
    let key = Key::new("nowhere", "records", Value::Int(1))?;
    assert!(
        client
            .get(&ReadPolicy::default(), &key, Bins::All)
            .await
            .is_err()
    );
    let mut message = petrel_tests::raw::Message::read(1);
    message.fields[0].1 = b"nowhere".to_vec();
    assert_eq!(
        petrel_tests::raw::Wire::open(host.address())?.ask(&message)?,
        20
    );
    Ok(())
}
