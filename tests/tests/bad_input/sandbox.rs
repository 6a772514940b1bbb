//! What a Lua module can reach: the time, and nothing else of the outside.

use aerospike::{Client, Value, WritePolicy};
use anyhow::{Context, Result};
use petrel_tests::{Runtime, users};

use crate::host_with_a_user;

async fn call(client: &Client, function: &str, args: &[Value]) -> Result<Option<Value>> {
    client
        .execute_udf(
            &WritePolicy::default(),
            &users::key(1),
            "sandbox",
            function,
            args,
        )
        .await
        .with_context(|| function.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn files_processes_and_the_host_s_inside_are_out_of_reach() -> Result<()> {
    let (_host, client) = host_with_a_user().await?;
    Runtime::Lua.register(&client, "sandbox").await?;
    for name in [
        "io",
        "io.popen",
        "io.open",
        "os.execute",
        "os.exit",
        "os.getenv",
        "os.remove",
        "os.rename",
        "os.tmpname",
        "os.setlocale",
        "debug.sethook",
        "package",
        "package.loadlib",
        "package.cpath",
        "package.searchers",
        "dofile",
        "loadfile",
        "string.dump",
    ] {
        let kind = call(&client, "kind_of", &[Value::String(name.into())]).await?;
        assert_eq!(kind, Some(Value::String("nil".into())), "{name}");
    }
    for name in [
        "os.time",
        "os.date",
        "os.clock",
        "os.difftime",
        "string.format",
        "math.floor",
    ] {
        let kind = call(&client, "kind_of", &[Value::String(name.into())]).await?;
        assert_eq!(kind, Some(Value::String("function".into())), "{name}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn bytecode_cannot_be_loaded() -> Result<()> {
    let (_host, client) = host_with_a_user().await?;
    Runtime::Lua.register(&client, "sandbox").await?;
    assert_eq!(
        call(&client, "loads_bytecode", &[]).await?,
        Some(Value::Bool(false))
    );
    let dump = call(&client, "string_methods_reach", &[]).await?;
    assert_eq!(dump, Some(Value::String("nil".into())));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_s_globals_are_not_seen_by_the_next() -> Result<()> {
    let (_host, client) = host_with_a_user().await?;
    Runtime::Lua.register(&client, "sandbox").await?;
    for _ in 0..8 {
        assert_eq!(
            call(&client, "remember", &[Value::Int(1)]).await?,
            Some(Value::Int(1))
        );
    }
    for _ in 0..32 {
        let recalled = call(&client, "recall", &[]).await?;
        assert!(matches!(recalled, None | Some(Value::Nil)), "{recalled:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_library_that_one_call_spoils_is_whole_for_the_next() -> Result<()> {
    let (_host, client) = host_with_a_user().await?;
    Runtime::Lua.register(&client, "sandbox").await?;
    for _ in 0..8 {
        call(&client, "spoil", &[]).await?;
    }
    for _ in 0..32 {
        assert_eq!(call(&client, "intact", &[]).await?, Some(Value::Bool(true)));
    }
    Ok(())
}
