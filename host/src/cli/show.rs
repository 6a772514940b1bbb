//! `petrel udf show`: a module's source, or what is known about a component.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::connect::{Server, field, reply_error};
use super::error::CliError;
use super::modules::find;
use super::output::{self, Output};

/// One entry of `udf-functions`.
struct Function {
    name: String,
    arguments: Option<u32>,
    kind: String,
}

/// Prints a module, or writes it to `file`.
pub async fn show(
    server: &Server,
    name: &str,
    file: Option<&Path>,
    output: Output,
) -> Result<(), CliError> {
    let module = find(server, name).await?;
    let command = format!("udf-get:filename={}", module.filename);
    let reply = server.info_all(&command).await?.pop().unwrap_or_default();
    let failed = |message: String| CliError::Server {
        context: format!("show {}", module.filename),
        message,
        next: None,
    };
    if let Some((_, message)) = reply_error(&reply) {
        return Err(failed(message));
    }
    let content = field(&reply, ';', "content").unwrap_or_default();
    let bytes = STANDARD
        .decode(content)
        .map_err(|error| failed(format!("the server's reply is no base64: {error}")))?;
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
                "functions": functions
                    .iter()
                    .map(|f| json!({"name": f.name, "arguments": f.arguments, "kind": f.kind}))
                    .collect::<Vec<_>>(),
                "source": is_text.then(|| String::from_utf8_lossy(&bytes)),
                "content": content,
            })
        },
    );
    if output == Output::People && !functions.is_empty() {
        let row = |f: &Function| {
            let arguments = f.arguments.map_or("any".to_owned(), |n| n.to_string());
            vec![f.name.clone(), arguments, f.kind.clone()]
        };
        output.table(
            &["function", "arguments", "kind"],
            functions.iter().map(row).collect(),
            "",
            Default::default,
        );
    }
    Ok(())
}

/// Reads `name=NAME,arguments=N,kind=KIND;…`.
fn parse_functions(reply: &str) -> Vec<Function> {
    reply
        .split(';')
        .filter_map(|entry| {
            Some(Function {
                name: field(entry, ',', "name")?.to_owned(),
                arguments: field(entry, ',', "arguments").and_then(|n| n.parse().ok()),
                kind: field(entry, ',', "kind").unwrap_or_default().to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_and_aggregations_are_told_apart() {
        let functions = parse_functions(
            "name=visit,arguments=1,kind=function;name=top_k,arguments=,kind=aggregation;",
        );
        let read: Vec<_> = functions
            .iter()
            .map(|f| (f.name.as_str(), f.arguments, f.kind.as_str()))
            .collect();
        assert_eq!(
            read,
            [
                ("visit", Some(1), "function"),
                ("top_k", None, "aggregation")
            ]
        );
        assert!(parse_functions("ERROR:4:unrecognized command").is_empty());
    }
}
