//! `my_module` in the languages whose bindings are generated, through the same table.

use anyhow::{Context, Result, ensure};
use petrel_tests::guests::{language, register};
use petrel_tests::{Host, Runtime};

use crate::table::cases;
use crate::{check, run};

const MODULE: &str = "my_module";

/// Runs the table in a language, and in Lua for the generations.
async fn table_in(name: &str) -> Result<()> {
    let host = Host::memory()?;
    let client = host.client().await?;
    let lua = Runtime::Lua.register(&client, MODULE).await?;
    let package = format!("{MODULE}_{name}");
    let component = language(&package)?;
    register(&client, &format!("{package}.wasm"), &component)
        .await
        .with_context(|| format!("registering {package}"))?;
    let mut wrong = Vec::new();
    for (n, case) in (1..).zip(cases(MODULE)?) {
        let seen = run(&client, &package, &case).await?;
        if let Err(why) = check(&case, &seen) {
            wrong.push(format!("row {n}, {}: {why}; {seen:?}", case.call));
        }
        let in_lua = run(&client, &lua, &case).await?.generation;
        if seen.generation != in_lua {
            let generation = seen.generation;
            wrong.push(format!("row {n}: generation {generation}, in Lua {in_lua}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn my_module_does_the_same_in_c() -> Result<()> {
    table_in("c").await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "built by `cargo xtask languages`"]
async fn my_module_does_the_same_in_python() -> Result<()> {
    table_in("python").await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "built by `cargo xtask languages`"]
async fn my_module_does_the_same_in_js() -> Result<()> {
    table_in("js").await
}
