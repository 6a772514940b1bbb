//! The example modules in `udfs/`: one table of cases, run in Lua and in Wasm. Both have to give
//! the results and leave the records that the table says.

mod languages;
mod streams;
mod table;

use std::collections::BTreeSet;

use aerospike::{Bin, Client, Key, Value, WritePolicy};
use anyhow::{Context, Result, bail, ensure};
use petrel_tests::{Host, Runtime, guests::root, users};

use table::{Bins, Case, cases, folds, modules, stream_modules};

fn key() -> Key {
    users::key_in("examples", 1)
}

/// What a call did.
#[derive(Debug)]
struct Seen {
    /// The result, or the error's message.
    outcome: Result<Value, String>,
    /// The record afterwards.
    after: Option<Bins>,
    /// How often it was written; 0 when it is not there.
    generation: u32,
    /// The seconds that it has left, if it expires.
    ttl: Option<u64>,
}

/// Puts the record of a case in place, and calls its function.
async fn run(client: &Client, package: &str, case: &Case) -> Result<Seen> {
    let policy = WritePolicy::default();
    client.delete(&policy, &key()).await?;
    if let Some(bins) = &case.before {
        let bins: Vec<Bin> = bins
            .iter()
            .map(|(name, value)| Bin::new(name.clone(), value.clone()))
            .collect();
        client.put(&policy, &key(), &bins).await?;
    }
    let outcome = client
        .execute_udf(&policy, &key(), package, &case.call, &case.args)
        .await;
    let record = users::read_key(client, &key()).await?;
    Ok(Seen {
        outcome: outcome
            .map(|value| value.unwrap_or(Value::Nil))
            .map_err(|error| error.to_string()),
        generation: record.as_ref().map_or(0, |record| record.generation),
        ttl: record
            .as_ref()
            .and_then(|record| Some(record.time_to_live()?.as_secs())),
        after: record.map(|record| record.bins.into_iter().collect()),
    })
}

/// Fails unless the call did what the table says.
fn check(case: &Case, seen: &Seen) -> Result<()> {
    match (&case.outcome, &seen.outcome) {
        (Ok(expected), Ok(result)) => ensure!(result == expected, "expected {expected:?}"),
        (Err(part), Err(message)) => ensure!(message.contains(part), "expected {part:?}"),
        (expected, _) => bail!("expected {expected:?}"),
    }
    ensure!(seen.after == case.after, "expected {:?}", case.after);
    // A second may have begun since the function ran.
    let near = match (case.ttl, seen.ttl) {
        (Some(expected), Some(ttl)) => (expected.saturating_sub(2)..=expected).contains(&ttl),
        (expected, ttl) => expected == ttl,
    };
    ensure!(near, "expected {:?} seconds to live", case.ttl);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_does_what_its_table_says_in_both_runtimes() -> Result<()> {
    let host = Host::memory()?;
    let client = host.client().await?;
    let mut wrong = Vec::new();
    for module in modules()? {
        let lua = Runtime::Lua.register(&client, &module).await?;
        let wasm = Runtime::Wasm.register(&client, &module).await?;
        for (n, case) in (1..).zip(cases(&module)?) {
            let mut generations = Vec::new();
            for package in [&lua, &wasm] {
                let seen = run(&client, package, &case).await?;
                if let Err(why) = check(&case, &seen) {
                    let call = &case.call;
                    wrong.push(format!("{package}, row {n}, {call}: {why}; {seen:?}"));
                }
                generations.push(seen.generation);
            }
            if generations[0] != generations[1] {
                wrong.push(format!("{module}, row {n}: generations {generations:?}"));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// The example modules, each with the functions that its table calls.
fn called() -> Result<Vec<(String, BTreeSet<String>)>> {
    let mut all = Vec::new();
    for module in modules()? {
        let calls = cases(&module)?.into_iter().map(|case| case.call).collect();
        all.push((module, calls));
    }
    for module in stream_modules()? {
        let calls = folds(&module)?.into_iter().map(|fold| fold.call).collect();
        all.push((module, calls));
    }
    Ok(all)
}

#[test]
fn every_example_is_listed_in_the_book() -> Result<()> {
    let page = std::fs::read_to_string(root().join("docs/src/examples.md"))?;
    for (module, called) in called()? {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{module}` |")));
        let row = row.with_context(|| format!("{module} is not listed"))?;
        for function in called {
            ensure!(row.contains(&format!("`{function}`")), "{function}");
        }
    }
    Ok(())
}

#[test]
fn every_function_of_every_example_is_in_its_table() -> Result<()> {
    for (module, called) in called()? {
        let source = String::from_utf8(Runtime::Lua.module(&module)?)?;
        let functions: BTreeSet<String> = source
            .lines()
            .filter_map(|line| line.strip_prefix("function "))
            .filter_map(|rest| Some(rest.split_once('(')?.0.to_owned()))
            .collect();
        assert_eq!(called, functions, "{module}");
    }
    Ok(())
}
