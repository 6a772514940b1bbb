//! Modules at rest, and what a restart keeps.

use aerospike::{AdminPolicy, Client, Expiration, UdfLang, Value, WritePolicy, as_bin};
use anyhow::{Context, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use petrel_tests::{Host, Runtime, guests, raw, users};

async fn bump(client: &Client, package: &str) -> aerospike::Result<Option<Value>> {
    client
        .execute_udf(
            &WritePolicy::default(),
            &users::key(1),
            package,
            "bump",
            &[Value::Int(1)],
        )
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_are_listed_given_back_and_removed() -> Result<()> {
    let host = Host::memory()?;
    let client = host.client().await?;
    users::load(&client, 1).await?;
    assert_eq!(raw::info(host.address(), "udf-list")?, "");
    for runtime in Runtime::ALL {
        let package = runtime.register(&client, "bench").await?;
        let file = runtime.file_name("bench");
        let list = raw::info(host.address(), "udf-list")?;
        let entry = list
            .split(';')
            .find(|entry| entry.contains(&format!("filename={file},")))
            .with_context(|| format!("{file} is not in {list}"))?;
        let hash = entry
            .split(',')
            .find_map(|part| part.strip_prefix("hash="))
            .context("no hash")?;
        assert_eq!(hash.len(), 40, "{entry}");
        assert!(entry.contains("type="), "{entry}");

        let given = raw::info(host.address(), &format!("udf-get:filename={file}"))?;
        let content = given
            .split(';')
            .find_map(|part| part.strip_prefix("content="))
            .with_context(|| format!("no content in {given:.80}"))?;
        assert_eq!(BASE64.decode(content)?, runtime.module("bench")?, "{file}");

        bump(&client, &package).await?;
        let task = client.remove_udf(&AdminPolicy::default(), &file).await?;
        guests::until(&task).await?;
        bump(&client, &package)
            .await
            .expect_err("the module is gone");
    }
    assert_eq!(raw::info(host.address(), "udf-list")?, "");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_records_and_modules() -> Result<()> {
    let mut host = Host::durable()?;
    let client = host.client().await?;
    users::load(&client, 200).await?;
    let policy = WritePolicy {
        expiration: Expiration::Seconds(5_000),
        send_key: true,
        ..Default::default()
    };
    client
        .put(&policy, &users::key(2), &[as_bin!("again", true)])
        .await?;
    client
        .delete(&WritePolicy::default(), &users::key(3))
        .await?;
    for runtime in Runtime::ALL {
        let package = runtime.register(&client, "bench").await?;
        bump(&client, &package).await?;
    }
    guests::register(&client, "gone.lua", b"function f(rec) return 1 end").await?;
    let task = client
        .remove_udf(&AdminPolicy::default(), "gone.lua")
        .await?;
    guests::until(&task).await?;
    let before = users::read_all(&client).await?;
    let list = raw::info(host.address(), "udf-list")?;
    client.close().await?;

    for _ in 0..2 {
        host.restart()?;
        let client = host.client().await?;
        let after = users::read_all(&client).await?;
        assert_eq!(after.len(), 199);
        for (id, user) in &before {
            let kept = after
                .get(id)
                .with_context(|| format!("user {id} is gone"))?;
            assert_eq!(kept.bins, user.bins);
            assert_eq!(kept.generation, user.generation);
            assert_eq!(kept.expiration(), user.expiration());
        }
        assert_eq!(raw::info(host.address(), "udf-list")?, list);
        client.close().await?;
    }

    let client = host.client().await?;
    for (runtime, v) in Runtime::ALL.into_iter().zip([13, 14]) {
        let file = runtime.file_name("bench");
        let package = file.rsplit_once('.').context("no extension")?.0;
        assert_eq!(
            bump(&client, package).await?,
            Some(Value::Int(v)),
            "{runtime:?}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_background_udf_wrote_is_there_after_a_restart() -> Result<()> {
    let mut host = Host::durable()?;
    let client = host.client().await?;
    users::load(&client, 100).await?;
    for runtime in Runtime::ALL {
        let package = runtime.register(&client, "bench").await?;
        let statement = aerospike::Statement::new("test", users::SET, aerospike::Bins::All);
        let task = client
            .query_execute_udf(
                &Default::default(),
                statement,
                &package,
                "bump",
                &[Value::Int(1)],
            )
            .await?;
        guests::until(&task).await?;
    }
    client.close().await?;
    host.restart()?;
    let client = host.client().await?;
    let users = users::read_all(&client).await?;
    assert_eq!(users.len(), 100);
    for (id, user) in users {
        assert_eq!(user.bins.get("v"), Some(&Value::Int(id * 10 + 2)));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_is_replaced_while_it_runs() -> Result<()> {
    let host = Host::memory()?;
    let client = host.client().await?;
    users::load(&client, 1).await?;
    let source = |n: i64| format!("function f(rec) return {n} end");
    guests::register(&client, "swap.lua", source(0).as_bytes()).await?;
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let address = host.address();
            tokio::spawn(async move {
                let client = petrel_tests::connect(address).await?;
                let mut last = 0;
                while last < 20 {
                    let result = client
                        .execute_udf(&WritePolicy::default(), &users::key(1), "swap", "f", &[])
                        .await?;
                    let Some(Value::Int(n)) = result else {
                        anyhow::bail!("{result:?}")
                    };
                    anyhow::ensure!(n >= last, "{n} after {last}");
                    last = n;
                }
                Ok(())
            })
        })
        .collect();
    for n in 1..=20 {
        let body = source(n);
        client
            .register_udf(
                &AdminPolicy::default(),
                body.as_bytes(),
                "swap.lua",
                UdfLang::Lua,
            )
            .await?;
    }
    for caller in callers {
        tokio::time::timeout(std::time::Duration::from_secs(20), caller).await???;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_that_require_each_other_come_back_whatever_their_order() -> Result<()> {
    let mut host = Host::durable()?;
    let client = host.client().await?;
    users::load(&client, 1).await?;
    // Of the two rows one runs against the order of the directory.
    let rows = [["m1", "m2", "m3", "m4"], ["n4", "n3", "n2", "n1"]];
    for row in rows {
        guests::register(&client, &format!("{}.lua", row[0]), b"return 1").await?;
        for pair in row.windows(2) {
            let text = format!(
                "local n = require('{}') + 1\nfunction f() return n end\nreturn n",
                pair[0]
            );
            guests::register(&client, &format!("{}.lua", pair[1]), text.as_bytes()).await?;
        }
    }
    let list = raw::info(host.address(), "udf-list")?;
    client.close().await?;
    host.restart()?;
    assert_eq!(raw::info(host.address(), "udf-list")?, list);
    let client = host.client().await?;
    for row in rows {
        let policy = WritePolicy::default();
        let result = client
            .execute_udf(&policy, &users::key(1), row[3], "f", &[])
            .await?;
        assert_eq!(result, Some(Value::Int(4)), "{row:?}");
    }
    Ok(())
}
