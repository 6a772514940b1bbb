//! `petrel udf register`, `list` and `remove`: modules of a server, and waiting until every node has
//! them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aerospike::{ErrorKind, UdfLang};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde_json::json;

use super::config::ConfigArgs;
use super::subject::Subject;
use super::test::run_cases;
use super::watch::Watch;
use crate::cli::connect::{Server, field};
use crate::cli::error::{CliError, client_message};
use crate::cli::global::GlobalArgs;
use crate::cli::modules::{Module, find, modules, parse_list};
use crate::cli::output::{self, Output};

/// What to register.
#[derive(Debug, Args)]
pub struct RegisterArgs {
    /// The module's file, or the folder of a Rust crate, which is built first.
    #[arg(value_name = "FILE|DIR")]
    pub file: PathBuf,
    /// The name on the server [default: the file's name].
    #[arg(long)]
    pub name: Option<String>,
    /// Whenever a file is saved: build, run the cases of the fixture file if there is one, and register
    /// what passes. Calls that run go on with the version that they began with.
    #[arg(long)]
    pub watch: bool,
    /// Limits and grants that the cases are run under; the server has its own.
    #[command(flatten)]
    pub config: ConfigArgs,
}

impl RegisterArgs {
    /// Registers the module; with `--watch`, again and again.
    pub async fn run(&self, global: &GlobalArgs, output: Output) -> Result<(), CliError> {
        let subject = Subject::find(&self.file, None)?;
        if !self.watch {
            let file = subject.module()?;
            let server = Server::connect(global).await?;
            return self.register(&server, &file, output).await;
        }
        let server = Server::connect(global).await?;
        loop {
            let mut watch = Watch::new(subject.watched());
            if let Err(error) = self.tested(&server, &subject, output).await {
                output::error_line(&format!("error: {error}"));
                output::error_line("  not registered; what was there before still runs");
            }
            watch.changed().await;
        }
    }

    async fn register(&self, server: &Server, file: &Path, output: Output) -> Result<(), CliError> {
        let body = std::fs::read(file).map_err(|source| CliError::file(file, source))?;
        let name = server_name(file, self.name.as_deref())?;
        register(server, &name, &body, output).await
    }

    /// Registers a module whose cases pass.
    async fn tested(
        &self,
        server: &Server,
        subject: &Subject,
        output: Output,
    ) -> Result<(), CliError> {
        let file = subject.module()?;
        let fixture = subject.read_fixture()?;
        let (_, runs) = run_cases(&self.config, subject, &file, &fixture, None).await?;
        let failed = runs.iter().filter(|run| !run.is_well());
        let texts: Vec<_> = failed.map(|run| run.to_text()).collect();
        if !texts.is_empty() {
            output::error_line(&texts.join("\n"));
            return Err(CliError::CasesFailed {
                failed: texts.len(),
                all: runs.len(),
            });
        }
        self.register(server, &file, output).await
    }
}

/// How long every node may take to show or to forget a module.
const SPREAD: Duration = Duration::from_secs(10);

/// Registers a module, or replaces the one of that name.
async fn register(
    server: &Server,
    name: &str,
    body: &[u8],
    output: Output,
) -> Result<(), CliError> {
    // The protocol has one name for languages; petrel tells a module by its bytes.
    let registered = server
        .client
        .register_udf(&Server::admin(), body, name, UdfLang::Lua)
        .await;
    if let Err(error) = registered {
        return Err(match error.kind() {
            ErrorKind::Server { .. } => CliError::Refused {
                name: name.to_owned(),
                reason: refusal(&client_message(&error)),
            },
            _ => CliError::from_client(format!("register {name}"), &error),
        });
    }
    let module = spread(server, name, true).await?;
    output.result(
        || {
            let kind = module.as_ref().map_or("", |module| module.kind.as_str());
            format!("registered {name} ({kind}, {} bytes)", body.len())
        },
        || {
            json!({
                "name": name,
                "type": module.as_ref().map(|module| &module.kind),
                "hash": module.as_ref().map(|module| &module.hash),
                "bytes": body.len(),
            })
        },
    );
    Ok(())
}

/// Prints the modules of a server.
pub async fn list(server: &Server, output: Output) -> Result<(), CliError> {
    let modules = modules(server).await?;
    output.table(
        &["module", "type", "sha1"],
        modules
            .iter()
            .map(|module| {
                vec![
                    module.filename.clone(),
                    module.kind.clone(),
                    module.hash.clone(),
                ]
            })
            .collect(),
        "no modules; `petrel udf register FILE` adds one",
        || {
            modules
                .iter()
                .map(|module| {
                    json!({"name": module.filename, "type": module.kind, "hash": module.hash})
                })
                .collect()
        },
    );
    Ok(())
}

/// Removes a module.
pub async fn remove(server: &Server, name: &str, output: Output) -> Result<(), CliError> {
    let module = find(server, name).await?;
    server
        .client
        .remove_udf(&Server::admin(), &module.filename)
        .await
        .map_err(|error| CliError::from_client(format!("remove {}", module.filename), &error))?;
    spread(server, &module.filename, false).await?;
    output.result(
        || format!("removed {}", module.filename),
        || json!({"name": module.filename, "removed": true}),
    );
    Ok(())
}

/// Waits until every node lists a module, or until none does.
async fn spread(server: &Server, name: &str, listed: bool) -> Result<Option<Module>, CliError> {
    let start = Instant::now();
    loop {
        let replies = server.info_all("udf-list").await?;
        let mut found = replies.iter().map(|reply| {
            parse_list(reply)
                .into_iter()
                .find(|module| module.filename == name)
        });
        if found.clone().all(|module| module.is_some() == listed) {
            return Ok(found.next().flatten());
        }
        if start.elapsed() > SPREAD {
            return Err(CliError::TimedOut(format!(
                "the server accepted the change of {name}, but after {} s not every node shows it; \
                 look again with `petrel udf list`",
                SPREAD.as_secs()
            )));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The name under which a file is registered: the option's, with the file's extension if it has
/// none.
fn server_name(file: &Path, name: Option<&str>) -> Result<String, CliError> {
    let own = file.file_name().and_then(|own| own.to_str());
    let name = match name {
        None => own.map(str::to_owned),
        Some(name) if name.contains('.') => Some(name.to_owned()),
        Some(name) => {
            let extension = file.extension().and_then(|text| text.to_str());
            Some(extension.map_or_else(|| name.to_owned(), |text| format!("{name}.{text}")))
        }
    };
    name.filter(|name| !name.is_empty() && !name.contains([';', '/', ',', ':', '=']))
        .ok_or_else(|| {
            CliError::Usage(format!(
                "{} is no module's file name; give one with --name",
                file.display()
            ))
        })
}

/// The server's refusal in words: `compile_error;file=F;line=N;message=M`, M in base64 or plain.
fn refusal(message: &str) -> String {
    let reply = message.split_once(": ").map_or(message, |(_, reply)| reply);
    let reply = reply.strip_prefix("error=").unwrap_or(reply);
    // The message comes last and may itself contain the separator.
    let (head, detail) = match reply.split_once(";message=") {
        Some((head, detail)) => (head, Some(detail)),
        None => (reply, None),
    };
    let Some((error, fields)) = head.split_once(';') else {
        return head.replace('_', " ");
    };
    let mut words = error.replace('_', " ");
    if let Some(line) = field(fields, ';', "line").filter(|line| *line != "0") {
        words.push_str(&format!(" in line {line}"));
    }
    if let Some(detail) = detail {
        let plain = STANDARD
            .decode(detail.trim_end_matches(';'))
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        words.push_str(&format!(": {}", plain.as_deref().unwrap_or(detail)));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_named_after_its_file_unless_told_otherwise() {
        let file = Path::new("udfs/lua/my_module.lua");
        assert_eq!(server_name(file, None).unwrap(), "my_module.lua");
        assert_eq!(server_name(file, Some("other")).unwrap(), "other.lua");
        assert_eq!(server_name(file, Some("x.wasm")).unwrap(), "x.wasm");
        assert!(server_name(file, Some("a;b")).is_err());
        assert!(server_name(Path::new("/"), None).is_err());
    }

    #[test]
    fn a_refusal_names_line_and_message() {
        let text = "Error registering UDF: compile_error;file=broken.lua;line=2;\
                    message=')' expected; near 'return'";
        assert_eq!(
            refusal(text),
            "compile error in line 2: ')' expected; near 'return'"
        );
        let encoded =
            "Error registering UDF: compile_error;file=a.wasm;line=0;message=bm8gd29ybGQ=";
        assert_eq!(refusal(encoded), "compile error: no world");
        assert_eq!(
            refusal("Error registering UDF: invalid_filename"),
            "invalid filename"
        );
    }
}
