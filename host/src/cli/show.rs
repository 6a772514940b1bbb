//! `petrel udf show`: a module's source, or what is known about a component.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::connect::{Server, field};
use super::error::CliError;
use super::modules::{content, find};
use super::output::{self, Output};
use crate::udf::FunctionInfo;

/// Prints a module, or writes it to `file`.
pub async fn show(
    server: &Server,
    name: &str,
    file: Option<&Path>,
    output: Output,
) -> Result<(), CliError> {
    let module = find(server, name).await?;
    let bytes = content(server, &module).await?;
    if let Some(path) = file {
        std::fs::write(path, &bytes).map_err(|source| CliError::File {
            path: path.display().to_string(),
            source,
        })?;
    }
    let is_text = !bytes.starts_with(b"\0asm");
    if output == Output::People && file.is_none() && is_text {
        output::raw(&bytes);
        return Ok(());
    }
    let command = format!("udf-functions:filename={}", module.filename);
    let reply = server.info_all(&command).await?.pop().unwrap_or_default();
    let functions = parse_functions(&reply);
    output.table(
        &["module", "type", "sha1", "bytes"],
        vec![vec![
            module.filename.clone(),
            module.kind.clone(),
            module.hash.clone(),
            bytes.len().to_string(),
        ]],
        "",
        || {
            json!({
                "name": module.filename,
                "type": module.kind,
                "hash": module.hash,
                "bytes": bytes.len(),
                "functions": functions,
                "source": is_text.then(|| String::from_utf8_lossy(&bytes)),
                "content": STANDARD.encode(&bytes),
            })
        },
    );
    if output == Output::People {
        print_functions(&functions);
    }
    Ok(())
}

/// Prints what a module offers, for people.
pub fn print_functions(functions: &[FunctionInfo]) {
    if !functions.is_empty() {
        Output::People.table(
            &["function", "kind", "reads", "sets", "what it says"],
            functions.iter().map(row).collect(),
            "",
            Default::default,
        );
    }
}

/// A function as a row of the table.
fn row(f: &FunctionInfo) -> Vec<String> {
    let bins = |named: &Option<Vec<String>>| match named.as_deref() {
        Some([]) => "no bins".to_owned(),
        Some(names) => names.join(", "),
        None => "any bins".to_owned(),
    };
    vec![
        f.to_string(),
        kind(f.aggregation).to_owned(),
        bins(&f.reads),
        bins(&f.writes),
        f.doc.clone(),
    ]
}

fn kind(aggregation: bool) -> &'static str {
    if aggregation {
        "aggregation"
    } else {
        "function"
    }
}

/// Reads `name=NAME,arguments=N,kind=KIND,info=BASE64;…`. An older server tells no `info`.
fn parse_functions(reply: &str) -> Vec<FunctionInfo> {
    let whole = |entry: &str| {
        let info = STANDARD.decode(field(entry, ',', "info")?).ok()?;
        serde_json::from_slice(&info).ok()
    };
    let in_short = |entry: &str| {
        Some(FunctionInfo {
            name: field(entry, ',', "name")?.to_owned(),
            arguments: field(entry, ',', "arguments").and_then(|n| n.parse().ok()),
            aggregation: field(entry, ',', "kind") == Some(kind(true)),
            ..FunctionInfo::default()
        })
    };
    reply
        .split(';')
        .filter_map(|entry| whole(entry).or_else(|| in_short(entry)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_read_from_servers_of_any_version() {
        let info = STANDARD.encode(r#"{"name":"bump","doc":"Adds; a=b, c.","returns":"i64"}"#);
        let functions = parse_functions(&format!(
            "name=visit,arguments=1,kind=function;name=top_k,arguments=,kind=aggregation;\
             name=bump,arguments=,kind=function,info={info};"
        ));
        let read: Vec<_> = functions
            .iter()
            .map(|f| (f.to_string(), f.aggregation, f.doc.as_str()))
            .collect();
        assert_eq!(
            read,
            [
                ("visit(1 argument)".to_owned(), false, ""),
                ("top_k(...)".to_owned(), true, ""),
                ("bump(...) -> i64".to_owned(), false, "Adds; a=b, c."),
            ]
        );
        assert!(parse_functions("ERROR:4:unrecognized command").is_empty());
    }
}
