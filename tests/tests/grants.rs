//! What modules were granted, from the configuration to the function.

use aerospike::{Client, Value, WritePolicy};
use anyhow::{Result, ensure};
use petrel::model::Grants;
use petrel::session::{DataSet, Session};
use petrel_tests::guests::register;
use petrel_tests::{Host, Runtime, raw, users};

const LUA: &str = "
    function read(rec, path) return petrel.read(path) end
    function granted() return petrel ~= nil end
";

async fn call(client: &Client, module: &str, f: &str, args: &[&str]) -> Result<Option<Value>> {
    let args: Vec<Value> = args.iter().map(|a| Value::String((*a).into())).collect();
    let policy = WritePolicy::default();
    Ok(client
        .execute_udf(&policy, &users::key(1), module, f, &args)
        .await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_have_what_the_configuration_grants_them_and_no_others() -> Result<()> {
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("model"), "forty-two")?;
    let path = dir.path().display();
    let host = Host::configured(&format!(
        "[module.mine.grants]\nread = {{ models = {path:?} }}\n\
         [module.outside_wasm.grants]\nread = {{ models = {path:?} }}\n",
        path = path.to_string()
    ))?;
    let client = host.client().await?;
    users::load(&client, 1).await?;
    register(&client, "mine.lua", LUA.as_bytes()).await?;
    register(&client, "other.lua", LUA.as_bytes()).await?;
    Runtime::Wasm.register(&client, "outside").await?;
    let text = Some(Value::String("forty-two".into()));
    assert_eq!(
        call(&client, "mine", "read", &["models/model"]).await?,
        text
    );
    let read = call(&client, "outside_wasm", "read", &["models", "model"]).await?;
    assert_eq!(read, text);
    let other = call(&client, "other", "granted", &[]).await?;
    assert_eq!(other, Some(Value::Bool(false)));
    let answer = raw::info(host.address(), "udf-grants:filename=mine.lua")?;
    ensure!(answer.contains("grants="), "{answer}");
    let missing = raw::info(host.address(), "udf-grants:filename=none.lua")?;
    ensure!(missing.contains("error=not_found"), "{missing}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_once_what_a_module_asked_for_and_was_not_granted() -> Result<()> {
    let host = Host::memory()?;
    let client = host.client().await?;
    users::load(&client, 1).await?;
    Runtime::Wasm.register(&client, "outside").await?;
    for _ in 0..3 {
        call(&client, "outside_wasm", "given", &[]).await?;
        call(&client, "outside_wasm", "directories", &[]).await?;
    }
    let log = host.log();
    for setting in ["environment = ", "read = "] {
        let says = format!("[module.outside_wasm.grants] {setting}");
        assert_eq!(log.matches(&says).count(), 1, "{log}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_does_not_start_with_a_grant_that_it_cannot_give() -> Result<()> {
    let config = "[module.mine.grants]\nread = { models = \"/no/such/directory\" }";
    let refused = Host::configured(config).err().map(|e| format!("{e:#}"));
    let says = refused.unwrap_or_default();
    ensure!(
        says.contains("module mine") && says.contains("/no/such/directory"),
        "{says}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_grants_holds_for_the_calls_that_follow() -> Result<()> {
    let session = Session::builder().memory().build()?;
    let bytes = LUA.as_bytes().to_vec();
    session.info().register_udf_bytes("mine.lua", bytes).await?;
    let granted = async || -> Result<Option<petrel::model::Value>> {
        let call = session.execute_udf(DataSet::of("test", "users").id(1));
        let stream = call.function("mine", "granted").execute().await?;
        Ok(stream.first_or_raise().await?.udf_result)
    };
    ensure!(granted().await? == Some(false.into()));
    let random = Grants {
        random: true,
        ..Grants::default()
    };
    session.set_grants("mine", random).await?;
    ensure!(granted().await? == Some(true.into()));
    let wrong = Grants {
        read: [("models".to_owned(), "/no/such/directory".into())].into(),
        ..Grants::default()
    };
    ensure!(session.set_grants("mine", wrong).await.is_err());
    ensure!(granted().await? == Some(true.into()));
    session.set_grants("mine", Grants::default()).await?;
    ensure!(granted().await? == Some(false.into()));
    Ok(())
}
