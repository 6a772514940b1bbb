//! What a write may demand: generation, existence, lifetime, the key itself.

use aerospike::{
    BatchOperation, BatchPolicy, BatchReadPolicy, Bins, Expiration, GenerationPolicy, QueryPolicy,
    ReadPolicy, ReadTouchTtl, RecordExistsAction, ResultCode, Value, WritePolicy, as_bin,
};
use anyhow::{Context, Result};
use petrel_tests::guests;

use crate::{failed, get, host, key, query};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_read_late_in_a_records_life_may_begin_it_anew() -> Result<()> {
    let (_host, client) = host().await?;
    let write = WritePolicy {
        expiration: Expiration::Seconds(100),
        ..Default::default()
    };
    let with = |percent| {
        let mut policy = ReadPolicy::default();
        policy.base_policy.read_touch_ttl = ReadTouchTtl::Percent(percent);
        policy
    };
    for id in 1..=2 {
        client.put(&write, &key(id), &[as_bin!("a", 1)]).await?;
    }
    let end = async |id| -> Result<u32> { Ok(get(&client, id).await?.expiration()) };
    let first = end(1).await?;
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    // 98 of 100 seconds are left.
    client.get(&with(95), &key(1), Bins::All).await?;
    assert_eq!(end(1).await?, first);
    client.get(&with(99), &key(1), Bins::None).await?;
    assert!(end(1).await? >= first + 2);
    assert_eq!(get(&client, 1).await?.generation, 1);
    let all = BatchReadPolicy {
        read_touch_ttl: ReadTouchTtl::Percent(99),
        ..Default::default()
    };
    let mut batch = [BatchOperation::read(&all, key(2), Bins::All)];
    client.batch(&BatchPolicy::default(), &mut batch).await?;
    assert!(end(2).await? >= first + 2);
    failed(
        client.get(&with(101), &key(1), Bins::All).await,
        ResultCode::ParameterError,
    );
    Ok(())
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
async fn a_function_is_not_called_with_the_policies_of_writes() -> Result<()> {
    let (_host, client) = host().await?;
    let text = b"function f(rec) rec.a = 2 aerospike:update(rec) return 1 end";
    guests::register(&client, "policies.lua", text).await?;
    client
        .put(&WritePolicy::default(), &key(1), &[as_bin!("a", 1)])
        .await?;
    let mut generation = WritePolicy::new(1, Expiration::NamespaceDefault);
    generation.generation_policy = GenerationPolicy::ExpectGenEqual;
    let exists = [
        RecordExistsAction::CreateOnly,
        RecordExistsAction::Replace,
        RecordExistsAction::ReplaceOnly,
    ];
    let exists = exists.map(|record_exists_action| WritePolicy {
        record_exists_action,
        ..Default::default()
    });
    for policy in exists.iter().chain([&generation]) {
        let called = client
            .execute_udf(policy, &key(1), "policies", "f", &[])
            .await;
        failed(called, ResultCode::ParameterError);
    }
    assert_eq!(get(&client, 1).await?.bins.get("a"), Some(&Value::Int(1)));
    Ok(())
}
