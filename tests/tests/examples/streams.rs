//! The example modules with functions on streams, through the embedded API, where the host does
//! the last reduce.

use std::collections::HashMap;

use anyhow::{Result, bail, ensure};
use petrel::model::Value;
use petrel::session::{DataSet, Session};
use petrel_tests::Runtime;

use crate::table::{Fold, folds, stream_modules};

/// A value of the table as the embedded API has it.
fn embedded(value: &aerospike::Value) -> Result<Value> {
    use aerospike::Value as Wire;
    let list = |items: &[Wire]| items.iter().map(embedded).collect::<Result<Vec<_>>>();
    let map = |entries: &HashMap<Wire, Wire>| {
        let entries = entries.iter();
        let pairs = entries.map(|(key, value)| Ok((embedded(key)?, embedded(value)?)));
        pairs.collect::<Result<Vec<_>>>()
    };
    Ok(match value {
        Wire::Nil => Value::Nil,
        Wire::Bool(b) => (*b).into(),
        Wire::Int(i) => (*i).into(),
        Wire::Float(f) => f64::from(f).into(),
        Wire::String(s) => s.as_str().into(),
        Wire::List(items) => Value::list(list(items)?),
        Wire::HashMap(entries) => Value::map(map(entries)?),
        other => bail!("no table has {other:?}"),
    })
}

/// Runs the function over the records, in a set of their own.
async fn run(session: &Session, set: &DataSet, package: &str, fold: &Fold) -> Result<Vec<Value>> {
    for (id, bins) in (0..).zip(&fold.records) {
        let mut insert = session.insert(set.id(id));
        for (name, value) in bins {
            insert = insert.bin(name.as_str()).set_to(embedded(value)?);
        }
        insert.execute().await?;
    }
    let args = fold.args.iter().map(embedded).collect::<Result<Vec<_>>>()?;
    let query = session.query(set).aggregate(package, &fold.call, args);
    Ok(query.execute().await?.all().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_aggregation_comes_to_what_its_table_says_in_both_runtimes() -> Result<()> {
    let session = Session::builder().memory().build()?;
    let mut wrong = Vec::new();
    for module in stream_modules()? {
        for runtime in Runtime::ALL {
            let file = runtime.file_name(&module);
            let bytes = runtime.module(&module)?;
            session.info().register_udf_bytes(&file, bytes).await?;
            let package = file.split('.').next().unwrap_or_default();
            for (n, mut fold) in (1..).zip(folds(&module)?) {
                if let (Runtime::Wasm, Some(values)) = (runtime, fold.wasm.take()) {
                    fold.outcome = Ok(values);
                }
                let set = DataSet::of("test", &format!("{package}_{n}"));
                let seen = run(&session, &set, package, &fold).await;
                let right = match (&fold.outcome, &seen) {
                    (Ok(expected), Ok(values)) => {
                        let expected = expected.iter().map(embedded);
                        expected.collect::<Result<Vec<_>>>()? == *values
                    }
                    (Err(part), Err(error)) => error.to_string().contains(part),
                    _ => false,
                };
                if !right {
                    let expected = &fold.outcome;
                    wrong.push(format!("{package}, row {n}: {expected:?}; {seen:?}"));
                }
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
