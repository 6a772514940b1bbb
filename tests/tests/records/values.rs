//! Values and keys of every type.

use aerospike::{Bin, Bins, Key, ReadPolicy, Value, WritePolicy, as_bin, as_list, as_map, as_val};
use anyhow::Result;

use crate::{get, host, key};

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
