//! Filters that do not parse: refused with the position and what was expected there.

use aerospike::{
    Bins, PartitionFilter, QueryPolicy, ReadPolicy, Statement, WritePolicy, expressions::from_ael,
    operations,
};
use anyhow::{Context, Result};
use futures::StreamExt;
use petrel_tests::{
    raw::{Message, Wire},
    users,
};

use crate::{host_with_a_user, says, still_serves};

const BAD_PARAMETER: i32 = 4;

/// Text that is not a filter, and the column of the first character that is wrong.
const BROKEN: &[(&str, usize)] = &[
    ("$.status == ", 13),
    ("$.status = 'x'", 10),
    ("$.v > 1 and", 12),
    ("($.v > 1", 9),
    ("$.v > 'unfinished", 7),
    ("$.v ? 1", 5),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_does_not_parse_tells_where_and_what_was_expected() -> Result<()> {
    let (host, client) = host_with_a_user().await?;
    for (text, column) in BROKEN {
        let mut policy = ReadPolicy::default();
        policy.base_policy.filter_expression = Some(from_ael(text)?);
        policy.base_policy.error_detail_verbosity = 2;
        let error = client
            .get(&policy, &users::key(1), Bins::All)
            .await
            .err()
            .with_context(|| format!("{text:?} was taken as a filter"))?;
        let column = column.to_string();
        says(&error, BAD_PARAMETER, &["line 1", &column, "expected"])
            .with_context(|| text.to_string())?;
    }
    still_serves(&host).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_and_a_background_task_refuse_it_before_they_start() -> Result<()> {
    let (host, client) = host_with_a_user().await?;
    let bad = from_ael("$.status ==")?;

    let mut policy = QueryPolicy::default();
    policy.base_policy.filter_expression = Some(bad.clone());
    policy.base_policy.max_retries = 0;
    let statement = Statement::new("test", users::SET, Bins::All);
    let records = client
        .query(&policy, PartitionFilter::all(), statement)
        .await?;
    let outcomes: Vec<_> = records.into_stream().collect().await;
    let error = outcomes
        .into_iter()
        .find_map(Result::err)
        .context("the query went through")?;
    says(&error, BAD_PARAMETER, &[])?;

    let mut policy = WritePolicy::default();
    policy.base_policy.filter_expression = Some(bad);
    let mut statement = Statement::new("test", users::SET, Bins::All);
    statement.set_operations([operations::delete()]);
    let error = client
        .query_operate(&policy, statement)
        .await
        .err()
        .context("it was started")?;
    says(&error, BAD_PARAMETER, &[])?;
    assert!(users::read(&client, 1).await?.is_some());
    still_serves(&host).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_packed_filter_that_is_not_one_is_refused() -> Result<()> {
    let (host, _client) = host_with_a_user().await?;
    // Not MessagePack, an unknown operation, too few operands, trailing bytes, an array that
    // claims four thousand million elements, nesting without end, and nothing at all.
    let mut deep = vec![0x92, 0x11];
    deep = deep.repeat(20_000);
    for bytes in [
        &b"\xc1"[..],
        b"\x92\xcd\x27\x0f\x01",
        b"\x92\x01\x01",
        b"\x93\x01\x01\x01\x01",
        b"\xdd\xff\xff\xff\xff\x01",
        &deep,
        b"",
        b"$.v == 1",
    ] {
        let code = Wire::open(host.address())?.ask(&Message::read(1).with(43, bytes))?;
        assert_eq!(
            i32::from(code),
            BAD_PARAMETER,
            "{:?}",
            &bytes[..bytes.len().min(8)]
        );
    }
    still_serves(&host).await
}
