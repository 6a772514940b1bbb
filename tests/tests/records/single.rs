//! One record at a time.

use std::collections::BTreeSet;

use aerospike::{
    Bin, Bins, Key, ReadPolicy, ResultCode, Value, WritePolicy, as_bin, as_list, as_val,
    expressions, operations,
};
use anyhow::Result;

use crate::{failed, get, host, key};

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
    // What is not there becomes the operand, of whatever type.
    let listed = as_bin!("list", as_list!(1));
    client
        .append(&policy, &key(2), std::slice::from_ref(&listed))
        .await?;
    client.add(&policy, &key(2), &[as_bin!("s", "x")]).await?;
    let made = get(&client, 2).await?.bins;
    assert_eq!(made.get("list"), Some(&as_list!(1)));
    assert_eq!(made.get("s"), Some(&Value::String("x".into())));
    failed(
        client.append(&policy, &key(2), &[listed]).await,
        ResultCode::BinTypeError,
    );
    for wrong in [
        client.add(&policy, &key(1), &[as_bin!("f", 1)]).await,
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
    let gone = client
        .operate(&policy, &key(1), &[operations::delete()])
        .await;
    failed(gone, ResultCode::KeyNotFoundError);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_is_not_written_where_its_flags_forbid_whatever_it_comes_to() -> Result<()> {
    use aerospike::operations::exp::{ExpWriteFlags, write_exp};
    let (_host, client) = host().await?;
    let policy = WritePolicy::default();
    client.put(&policy, &key(1), &[as_bin!("n", 1)]).await?;
    let (create, update) = (ExpWriteFlags::CREATE_ONLY, ExpWriteFlags::UPDATE_ONLY);
    for (bin, flags, refusal) in [
        ("n", create, Some(ResultCode::BinExistsError)),
        ("new", update, Some(ResultCode::BinNotFound)),
        ("n", update, Some(ResultCode::OpNotApplicable)),
        ("new", create, Some(ResultCode::OpNotApplicable)),
        ("n", create | ExpWriteFlags::POLICY_NO_FAIL, None),
        ("new", update | ExpWriteFlags::POLICY_NO_FAIL, None),
    ] {
        let nothing = expressions::unknown();
        let outcome = client
            .operate(&policy, &key(1), &[write_exp(bin, nothing, flags)])
            .await;
        match refusal {
            Some(code) => failed(outcome, code),
            None => drop(outcome?),
        }
    }
    assert_eq!(get(&client, 1).await?.bins.len(), 1);
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
