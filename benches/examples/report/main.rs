//! `report CRITERION BOOK`: makes the book's page of benchmarks, with its charts, of what criterion has
//! kept in its folder. `cargo xtask bench-report` measures first.

mod chart;
mod measured;
mod table;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result};
use table::Table;

const FORMS: &[&str] = &["native", "wasm", "lua"];

const HEAD: &str = "\
# Benchmarks

Each function three times over, doing the same work on the same records: as native Rust inside the host,
as a Wasm component, and as Lua. What is measured is a call as a client's call runs, without the
network: the record is read, the function runs, what it did is committed to the store in memory.

To measure on your machine, and write this page anew:

```sh
cargo xtask bench-report
```

It is criterion that measures; the page is made of what it keeps in `target/criterion`. Times are medians,
± half their 95 % confidence interval; \"wasm / native\" is the ratio of the medians.

## Which runtime when

- **Lua** for a module that is there already, and for short functions called one record at a time:
  entering a component costs a call more than entering Lua does, by the difference of the two `noop` below.
- **Wasm** for what computes (`fnv`, `segments.matches`, `score`), and wherever records come in numbers:
  batches, background tasks, aggregations. There the price of entering is shared by the batch, and compiled
  code decides.

";

/// A part of the page: a table, and a chart beside it.
struct Part {
    prefix: &'static str,
    title: &'static str,
    chart: &'static str,
    text: &'static str,
}

const PARTS: [Part; 4] = [
    Part {
        prefix: "invoke/one/",
        title: "One call",
        chart: "benchmarks-one.svg",
        text: "One record at a time, as a client's single call. Time of a call.",
    },
    Part {
        prefix: "invoke/batch/",
        title: "A batch of 256",
        chart: "benchmarks-batch.svg",
        text: "256 records in one request. Time of a record.",
    },
    Part {
        prefix: "background/",
        title: "A background task",
        chart: "benchmarks-background.svg",
        text: "100,000 records, filter to commit, on all cores. Time of a record: what the task took, by \
               the number of records.",
    },
    Part {
        prefix: "aggregate/",
        title: "An aggregation",
        chart: "benchmarks-aggregate.svg",
        text: "100,000 records to one result, on all cores. Time of a record.",
    },
];

fn main() -> Result<()> {
    let mut arguments = env::args_os().skip(1).map(PathBuf::from);
    let (Some(criterion), Some(book)) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("usage: report CRITERION-FOLDER BOOK-FOLDER");
    };
    let measured = measured::read(&criterion)?;
    let mut page = HEAD.to_owned();
    writeln!(page, "## The machine\n\n{}", machine())?;
    for part in &PARTS {
        let table = Table::of(&measured, part.prefix, FORMS);
        if table.rows.is_empty() {
            continue;
        }
        chart::draw(&table, part.title, &book.join(part.chart))?;
        let Part {
            title, chart, text, ..
        } = part;
        writeln!(
            page,
            "## {title}\n\n{text}\n\n![{title}]({chart})\n\n{table}"
        )?;
    }
    let modules = Table::of(&measured, "module/", &FORMS[1..]);
    writeln!(
        page,
        "## Modules\n\nWhat a module costs before it runs: compiling it, once, when it is registered; \
         making an instance (a Lua state, a Wasm instance), once for each worker.\n\n{modules}"
    )?;
    let path = book.join("benchmarks.md");
    fs::write(&path, page.trim_end().to_owned() + "\n")
        .with_context(|| format!("writing {}", path.display()))?;
    println!("wrote {}", path.display());
    Ok(())
}

/// The machine and the programs, as a list.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let processor = line("/proc/cpuinfo", "model name").unwrap_or_else(|| env::consts::ARCH.into());
    let memory = line("/proc/meminfo", "MemTotal").and_then(|total| {
        let kib: f64 = total.trim_end_matches("kB").trim().parse().ok()?;
        Some(format!(", {:.0} GiB", kib / f64::from(1 << 20)))
    });
    let system =
        line("/etc/os-release", "PRETTY_NAME").map(|name| name.trim_matches('"').to_owned());
    let facts = [
        Some(format!(
            "{processor}, {cores} cores{}",
            memory.unwrap_or_default()
        )),
        system,
        output("rustc", &["--version"]),
        output("git", &["rev-parse", "--short", "HEAD"]).map(|commit| format!("petrel {commit}")),
    ];
    facts
        .into_iter()
        .flatten()
        .fold(String::new(), |list, fact| list + "- " + &fact + "\n")
}

/// What a file says of a name: `name : value`, `name=value`.
fn line(file: impl AsRef<Path>, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(
        rest.trim_start()
            .trim_start_matches([':', '='])
            .trim()
            .to_owned(),
    )
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}
