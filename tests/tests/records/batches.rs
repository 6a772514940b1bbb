//! Batches.

use aerospike::{
    BatchDeletePolicy, BatchOperation, BatchPolicy, BatchReadPolicy, BatchUdfPolicy,
    BatchWritePolicy, Bins, RecordExistsAction, ResultCode, Value, WritePolicy, as_bin,
    expressions::from_ael, operations,
};
use anyhow::{Context, Result};

use crate::{failed, get, host, key};

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
async fn entries_of_one_key_run_in_the_order_given() -> Result<()> {
    let (_host, client) = host().await?;
    let source =
        b"function inc(rec)\n rec.a = rec.a + 1\n aerospike:update(rec)\n return rec.a\nend";
    petrel_tests::guests::register(&client, "inc.lua", source).await?;
    let (read, write) = (BatchReadPolicy::default(), BatchWritePolicy::default());
    let udf = BatchUdfPolicy::default();
    let put = |n| vec![operations::put(&as_bin!("a", n))];
    let mut batch = [
        BatchOperation::write(&write, key(1), put(1)),
        BatchOperation::udf(&udf, key(1), "inc", "inc", vec![]),
        BatchOperation::read(&read, key(1), Bins::All),
        BatchOperation::write(&write, key(2), put(7)),
        BatchOperation::write(&write, key(1), put(10)),
        BatchOperation::udf(&udf, key(1), "inc", "inc", vec![]),
        BatchOperation::read(&read, key(1), Bins::All),
    ];
    client.batch(&BatchPolicy::default(), &mut batch).await?;
    let seen = |n: usize| batch[n].record().and_then(|r| r.bins.get("a").cloned());
    assert_eq!([seen(2), seen(6)], [2, 11].map(|n| Some(Value::Int(n))));
    Ok(())
}
