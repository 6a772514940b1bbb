//! Measuring one module with criterion, whose files hold the figures.

use std::path::Path;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use serde_json::{Value as Json, json};

use super::config::ConfigArgs;
use super::fixture::{FixtureBins, FixtureRecord, Notation};
use super::local::LocalModule;
use crate::cli::error::CliError;
use crate::model::Value;

/// What to measure.
pub struct Plan {
    /// The function.
    pub function: String,
    /// Its arguments.
    pub args: Vec<Value>,
    /// The records that it is run on, in turn.
    pub records: Vec<FixtureRecord>,
    /// The sizes of batches.
    pub batches: Vec<u32>,
    /// How long to measure each.
    pub seconds: f64,
    /// Whether the function aggregates.
    pub aggregate: bool,
    /// Limits and grants.
    pub config: ConfigArgs,
}

/// One row of figures: nanoseconds are those of a record.
pub struct Figures {
    /// The module's file name.
    pub module: String,
    /// The size of the batch.
    pub batch: u32,
    /// What a record takes.
    pub nanos: f64,
    /// The confidence interval of 95 %.
    pub low: f64,
    /// Its end.
    pub high: f64,
    /// What a record takes where the function is empty.
    pub empty: Option<f64>,
    /// The memory that the instance holds, in bytes.
    pub memory: usize,
}

/// An empty component and an empty Lua function: what a call of it takes is what any call takes.
const EMPTY_WASM: &[u8] = include_bytes!("../../../templates/empty.wasm");
const EMPTY_LUA: &[u8] = b"function empty() end";
const EMPTY: &str = "empty";
/// The group of the function itself.
const OWN: &str = "own";
/// The file of what criterion does not measure.
const MEMORY: &str = "memory.json";

/// Measures a module, and leaves the figures in a folder.
pub async fn run(module: &Path, plan: &Plan, folder: &Path) -> Result<(), CliError> {
    let local = plan.config.local()?;
    let mut own = local.load(module).await?;
    check(&mut own, plan)?;
    std::fs::create_dir_all(folder).map_err(|source| CliError::file(folder, source))?;
    let measured = Duration::from_secs_f64(plan.seconds);
    let mut criterion = Criterion::default()
        .without_plots()
        .with_output_color(false)
        .output_directory(folder)
        .nresamples(20_000)
        .warm_up_time(measured / 3)
        .measurement_time(measured);
    measure(&mut criterion, OWN, &mut own, &plan.function, plan)?;
    let path = folder.join(MEMORY);
    std::fs::write(&path, json!(own.memory()).to_string())
        .map_err(|source| CliError::file(&path, source))?;
    if !plan.aggregate {
        let empty = plan.config.local()?;
        let mut empty = match own.runtime() {
            "WASM" => empty.load_bytes("empty.wasm", EMPTY_WASM.into()).await?,
            _ => empty.load_bytes("empty.lua", EMPTY_LUA.into()).await?,
        };
        measure(&mut criterion, EMPTY, &mut empty, EMPTY, plan)?;
    }
    Ok(())
}

/// Fails where the function does: what a failure takes says nothing.
fn check(module: &mut LocalModule, plan: &Plan) -> Result<(), CliError> {
    let (function, args) = (plan.function.as_str(), &plan.args[..]);
    let failed = |message: String| CliError::Usage(format!("{function} failed: {message}"));
    let bad = |error: crate::model::Error| CliError::Usage(error.to_string());
    if plan.aggregate {
        let total = module
            .aggregate(function, args, &plan.records)
            .map_err(bad)?;
        return total.values.map(drop).map_err(failed);
    }
    for record in &plan.records {
        let outcome = module.try_out(function, args, record).map_err(bad)?;
        outcome.result.map_err(failed)?;
    }
    Ok(())
}

fn measure(
    criterion: &mut Criterion,
    group: &str,
    module: &mut LocalModule,
    function: &str,
    plan: &Plan,
) -> Result<(), CliError> {
    for batch in &plan.batches {
        let records: Vec<_> = plan
            .records
            .iter()
            .cycle()
            .take(*batch as usize)
            .cloned()
            .collect();
        let mut run = module
            .over(function, &plan.args, &records)
            .map_err(|error| CliError::Usage(error.to_string()))?;
        if !plan.aggregate && run.each() < records.len() {
            let reason = format!("{function} fails on some of {batch} records together");
            return Err(CliError::Usage(reason));
        }
        let mut group = criterion.benchmark_group(group);
        group.throughput(Throughput::Elements((*batch).into()));
        match plan.aggregate {
            true => group.bench_function(batch.to_string(), |b| b.iter(|| run.aggregate())),
            false => group.bench_function(batch.to_string(), |b| b.iter(|| run.each())),
        };
        group.finish();
    }
    Ok(())
}

/// Reads the figures of a module from a folder.
pub fn read(module: &Path, batches: &[u32], folder: &Path) -> Result<Vec<Figures>, CliError> {
    let name = module.file_name().unwrap_or_default().to_string_lossy();
    let memory = read_json(&folder.join(MEMORY))?
        .as_u64()
        .unwrap_or_default();
    let mut rows = Vec::new();
    for batch in batches {
        let estimate = |group: &str| -> Result<[f64; 3], CliError> {
            let path = folder
                .join(group)
                .join(batch.to_string())
                .join("new/estimates.json");
            let read = read_json(&path)?;
            // The slope over samples of growing length, where criterion took such.
            let best = match &read["slope"] {
                Json::Null => &read["mean"],
                slope => slope,
            };
            let interval = &best["confidence_interval"];
            let figures = [
                &best["point_estimate"],
                &interval["lower_bound"],
                &interval["upper_bound"],
            ];
            Ok(figures.map(|f| f.as_f64().unwrap_or(f64::NAN) / f64::from(*batch)))
        };
        let [nanos, low, high] = estimate(OWN)?;
        rows.push(Figures {
            module: name.clone().into_owned(),
            batch: *batch,
            nanos,
            low,
            high,
            empty: estimate(EMPTY).ok().map(|[nanos, ..]| nanos),
            memory: memory as usize,
        });
    }
    Ok(rows)
}

fn read_json(path: &Path) -> Result<Json, CliError> {
    let bytes = std::fs::read(path).map_err(|source| CliError::file(path, source))?;
    serde_json::from_slice(&bytes).map_err(|error| CliError::file(path, error.into()))
}

/// Records for who has none: strings, numbers, a list and a map, no two the same.
pub fn made_up() -> Vec<FixtureRecord> {
    let record = |n: i64| {
        let tags = (0..8).map(|tag| Value::from(format!("tag{}", (n + tag) % 20)));
        let tags = Value::list(tags.collect::<Vec<_>>());
        let props = Value::map([
            ("city".into(), "Oslo".into()),
            ("age".into(), (20 + n).into()),
        ]);
        let bins = [
            ("name", Value::from(format!("user {n}"))),
            ("n", n.into()),
            ("score", (100 - n).into()),
            ("ratio", (n as f64 / 4.0).into()),
            ("tags", tags),
            ("props", props),
        ];
        FixtureRecord {
            key: Some(Notation(n.into())),
            set: "users".to_owned(),
            bins: FixtureBins(
                bins.map(|(name, v)| (name.to_owned(), Notation(v)))
                    .to_vec(),
            ),
            ..FixtureRecord::default()
        }
    };
    (0..16).map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_component_is_the_text_beside_it() {
        let text = include_str!("../../../templates/empty.wat");
        assert_eq!(wat::parse_str(text).unwrap(), EMPTY_WASM);
    }

    #[tokio::test]
    async fn empty_functions_give_nil_and_change_nothing() {
        for (file, bytes) in [("empty.wasm", EMPTY_WASM), ("empty.lua", EMPTY_LUA)] {
            let mut module = ConfigArgs::default()
                .local()
                .unwrap()
                .load_bytes(file, bytes.into())
                .await
                .unwrap();
            let long = vec![Value::from("x".repeat(200_000))];
            for args in [vec![], vec![7.into()], long] {
                let outcome = module.call(EMPTY, &args, &made_up()[3]).unwrap();
                assert_eq!(outcome.result, Ok(Value::Nil), "{file}");
                assert!(matches!(outcome.effects, crate::change::Effects::None));
            }
            let records: Vec<_> = made_up().into_iter().cycle().take(5_000).collect();
            let mut run = module.over(EMPTY, &[], &records).unwrap();
            assert_eq!(run.each(), 5_000, "{file}");
        }
    }
}
