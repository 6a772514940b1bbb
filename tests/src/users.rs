//! Records to work on: the guide's users, and the readers that check what became of them.

use std::collections::BTreeMap;

use aerospike::{
    Bins, Client, Key, PartitionFilter, QueryPolicy, ReadPolicy, Record, ResultCode, Statement,
    Value, WritePolicy, as_bin,
};
use anyhow::Result;
use futures::StreamExt;

/// The set of the guide's examples.
pub const SET: &str = "users";

/// The key of one user.
pub fn key(id: i64) -> Key {
    key_in(SET, id)
}

/// The key of an integer in a set of namespace `test`.
pub fn key_in(set: &str, id: i64) -> Key {
    Key::new("test", set, Value::Int(id)).expect("an integer is a key")
}

/// Writes users 1 to `count`. Every other one is inactive, every third one has the free tier,
/// every fourth one is expired, and all have the bins that the example functions read.
pub async fn load(client: &Client, count: i64) -> Result<()> {
    for id in 1..=count {
        let list = (0..16)
            .map(|j| Value::Int((id * 31 + j) % 97))
            .collect::<Vec<_>>();
        let bins = [
            as_bin!("id", id),
            as_bin!("status", if id % 2 == 0 { "inactive" } else { "active" }),
            as_bin!("tier", if id % 3 == 0 { "free" } else { "paid" }),
            as_bin!("active", id % 2 != 0),
            as_bin!("expired", id % 4 == 0),
            as_bin!("name", format!("user {id}")),
            as_bin!("score", id * 100),
            as_bin!("v", id * 10),
            as_bin!("s", "sixteen letters!"),
            as_bin!("l", list),
        ];
        client.put(&WritePolicy::default(), &key(id), &bins).await?;
    }
    Ok(())
}

/// The user's record, or nothing where there is none.
pub async fn read(client: &Client, id: i64) -> Result<Option<Record>> {
    read_key(client, &key(id)).await
}

/// The record of a key, or nothing where there is none.
pub async fn read_key(client: &Client, key: &Key) -> Result<Option<Record>> {
    match client.get(&ReadPolicy::default(), key, Bins::All).await {
        Ok(record) => Ok(Some(record)),
        Err(e) if e.matches(&[ResultCode::KeyNotFoundError]) => Ok(None),
        Err(e) => Err(e.into()),
    }
}

/// Every user's record under its bin `id`, read through a query.
pub async fn read_all(client: &Client) -> Result<BTreeMap<i64, Record>> {
    let statement = Statement::new("test", SET, Bins::All);
    let records = client
        .query(&QueryPolicy::default(), PartitionFilter::all(), statement)
        .await?;
    let mut stream = records.into_stream();
    let mut found = BTreeMap::new();
    while let Some(record) = stream.next().await {
        let record = record?;
        let id = match record.bins.get("id") {
            Some(Value::Int(id)) => *id,
            other => anyhow::bail!("a user whose id is {other:?}"),
        };
        anyhow::ensure!(found.insert(id, record).is_none(), "user {id} came twice");
    }
    Ok(found)
}
