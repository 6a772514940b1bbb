//! What criterion has measured, as it keeps it.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// One row of a benchmark group: a function in one form.
pub struct Measured {
    /// The group: `invoke/one/bump`.
    pub group: String,
    /// The form: `wasm`.
    pub form: String,
    /// The median time of one record, in nanoseconds; of one run, where the group counts no records.
    pub ns: f64,
    /// Half the 95 % confidence interval of `ns`, as a share of it.
    pub uncertainty: f64,
}

#[derive(Deserialize)]
struct Benchmark {
    group_id: String,
    value_str: String,
    throughput: Option<Throughput>,
}

#[derive(Deserialize)]
enum Throughput {
    Elements(u64),
}

#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    confidence_interval: Interval,
    point_estimate: f64,
}

#[derive(Deserialize)]
struct Interval {
    lower_bound: f64,
    upper_bound: f64,
}

/// The newest rows in criterion's folder.
///
/// # Errors
/// When there are none, or they cannot be read.
pub fn read(folder: &Path) -> Result<Vec<Measured>> {
    let mut rows = Vec::new();
    for group in children(folder)? {
        for form in children(&group)? {
            let newest = form.join("new");
            if newest.join("benchmark.json").exists() {
                rows.push(row(&newest)?);
            }
        }
    }
    ensure!(!rows.is_empty(), "{} has no measurements", folder.display());
    Ok(rows)
}

fn children(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| {
        format!(
            "reading {}; run `cargo xtask bench-report`",
            folder.display()
        )
    })?;
    let mut children = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            children.push(path);
        }
    }
    Ok(children)
}

fn row(folder: &Path) -> Result<Measured> {
    let of: Benchmark = json(&folder.join("benchmark.json"))?;
    let Estimate {
        confidence_interval: interval,
        point_estimate,
    } = json::<Estimates>(&folder.join("estimates.json"))?.median;
    let records = match of.throughput {
        Some(Throughput::Elements(records)) => records as f64,
        None => 1.0,
    };
    Ok(Measured {
        group: of.group_id,
        form: of.value_str,
        ns: point_estimate / records,
        uncertainty: (interval.upper_bound - interval.lower_bound) / 2.0 / point_estimate,
    })
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    serde_json::from_reader(file).with_context(|| format!("reading {}", path.display()))
}
