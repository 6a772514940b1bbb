//! Modules that the host refuses to register.

use aerospike::{AdminPolicy, Client, UdfLang, Value, WritePolicy};
use anyhow::{Context, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use petrel_tests::{Runtime, guest, guests, raw, users};

use crate::{host_with_a_user, still_serves};

/// Tries to register what cannot be, and gives what the host says about it. The message in
/// that is base64, which this client hands on as it is.
async fn refused(client: &Client, file: &str, body: &[u8]) -> Result<String> {
    let error = client
        .register_udf(&AdminPolicy::default(), body, file, UdfLang::Lua)
        .await
        .err()
        .with_context(|| format!("{file} was registered"))?;
    let text = error.to_string();
    let Some((head, message)) = text.split_once("message=") else {
        return Ok(text);
    };
    let message = BASE64.decode(message).with_context(|| text.clone())?;
    Ok(format!("{head}message={}", String::from_utf8(message)?))
}

fn mentions(text: &str, parts: &[&str]) -> Result<()> {
    for part in parts {
        ensure!(text.contains(part), "no {part:?} in: {text}");
    }
    Ok(())
}

async fn refuses(file: &str, body: &[u8], parts: &[&str]) -> Result<()> {
    let (host, client) = host_with_a_user().await?;
    mentions(&refused(&client, file, body).await?, parts)?;
    let list = raw::info(host.address(), "udf-list")?;
    ensure!(!list.contains(file), "{file} is listed: {list}");
    still_serves(&host).await
}

fn component(text: &str) -> Result<Vec<u8>> {
    Ok(wat::parse_str(text)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn lua_that_does_not_compile_is_refused_with_file_and_line() -> Result<()> {
    let source = b"function good(rec)\n  return (1\nend\n";
    refuses(
        "broken.lua",
        source,
        &["broken.lua", "line=3", "')' expected"],
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn lua_that_fails_or_loops_while_it_loads_is_refused_with_file_and_line() -> Result<()> {
    let (host, _client) = host_with_a_user().await?;
    for (file, body, line, message) in [
        (
            "failing.lua",
            "\nlocal x = nil + 1\nfunction f(rec) return 1 end",
            2,
            "attempt to perform arithmetic on a nil value",
        ),
        (
            "raising.lua",
            "function f(rec) return 1 end\nerror('not today')",
            2,
            "not today",
        ),
        (
            "looping.lua",
            "while true do end\nfunction f(rec) return 1 end",
            1,
            "the module's own statements ran past the time limit of 500 ms (time-ms)",
        ),
        (
            "requiring.lua",
            "local h = require('missing')\nfunction f(rec) return 1 end",
            1,
            "module 'missing' not found: none of that name is registered",
        ),
    ] {
        let command = format!(
            "udf-put:filename={file};content={};content-len={};udf-type=LUA;",
            BASE64.encode(body.as_bytes()),
            body.len()
        );
        let message = BASE64.encode(message.as_bytes());
        assert_eq!(
            raw::info(host.address(), &command)?,
            format!("error=compile_error;file={file};line={line};message={message}")
        );
    }
    assert_eq!(raw::info(host.address(), "udf-list")?, "");
    still_serves(&host).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_lua_module_is_refused() -> Result<()> {
    let whole = Runtime::Lua.module("my_module")?;
    let end = whole
        .windows(3)
        .rposition(|w| w == b"end")
        .context("no end in the module")?;
    refuses("cut.lua", &whole[..end], &["cut.lua", "<eof>"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn lua_bytecode_is_refused() -> Result<()> {
    refuses(
        "bytecode.lua",
        b"\x1bLua\x54\x00\x19\x93\r\n\x1a\n\x04\x08\x08",
        &["bytecode"],
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_module_is_refused_with_the_way_to_make_a_component() -> Result<()> {
    let core = wat::parse_str(r#"(module (func (export "noop") (result i32) i32.const 1))"#)?;
    refuses(
        "core.wasm",
        &core,
        &["core WebAssembly module", "component"],
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_of_another_world_is_refused() -> Result<()> {
    refuses("empty.wasm", &component("(component)")?, &["petrel:udf"]).await?;
    let other = component(
        r#"(component
             (core module $m (func (export "f") (result i32) i32.const 1))
             (core instance $i (instantiate $m))
             (func (export "f") (result u32) (canon lift (core func $i "f"))))"#,
    )?;
    refuses("other.wasm", &other, &["petrel:udf"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_with_a_foreign_import_is_refused_by_its_name() -> Result<()> {
    let foreign = component(
        r#"(component (import "elsewhere:door/keys@1.0.0" (instance (export "open" (func)))))"#,
    )?;
    refuses("foreign.wasm", &foreign, &["elsewhere:door/keys"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_component_is_refused_wherever_it_was_cut() -> Result<()> {
    let (host, client) = host_with_a_user().await?;
    let whole = guest("my_module")?;
    for length in [8, 9, 100, whole.len() / 2, whole.len() - 1] {
        let text = refused(&client, "cut.wasm", &whole[..length]).await?;
        mentions(&text, &["cut.wasm"]).with_context(|| format!("cut at {length}"))?;
    }
    still_serves(&host).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_module_and_a_nameless_one_are_refused() -> Result<()> {
    let (host, client) = host_with_a_user().await?;
    refused(&client, "", b"function f(rec) return 1 end").await?;
    for file in [
        "../out.lua",
        "/tmp/out.lua",
        "a/../../b.lua",
        "a\0b.lua",
        ".",
    ] {
        refused(&client, file, b"function f(rec) return 1 end").await?;
    }
    still_serves(&host).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_beyond_the_size_limit_is_refused() -> Result<()> {
    let mut body = b"function f(rec) return 1 end\n--".to_vec();
    body.resize((32 << 20) + 1, b'x');
    refuses("huge.lua", &body, &["32"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_module_leaves_the_registered_one_in_place() -> Result<()> {
    let (host, client) = host_with_a_user().await?;
    guests::register(&client, "kept.lua", b"function f(rec) return 1 end").await?;
    refused(&client, "kept.lua", b"function f(rec) return 2").await?;
    let call = |function| {
        let client = &client;
        async move {
            client
                .execute_udf(
                    &WritePolicy::default(),
                    &users::key(1),
                    "kept",
                    function,
                    &[],
                )
                .await
        }
    };
    assert_eq!(call("f").await?, Some(Value::Int(1)));
    still_serves(&host).await
}

#[tokio::test(flavor = "multi_thread")]
async fn content_that_is_not_base64_is_refused() -> Result<()> {
    let (host, _client) = host_with_a_user().await?;
    for command in [
        "udf-put:filename=x.lua;content=***;content-len=3;udf-type=LUA;",
        "udf-put:filename=x.lua;content-len=0;udf-type=LUA;",
        "udf-put:content=cmV0dXJuIDE=;content-len=12;udf-type=LUA;",
        "udf-put:",
        "udf-get:",
        "udf-get:filename=nobody.lua",
        "udf-remove:",
    ] {
        let answer = raw::info(host.address(), command)?;
        let lower = answer.to_lowercase();
        assert!(
            lower.starts_with("error") || lower.starts_with("fail"),
            "{command} was answered with {answer:?}"
        );
    }
    still_serves(&host).await
}
