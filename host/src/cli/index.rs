//! `petrel index`: create, drop and list secondary indexes.

use std::time::{Duration, Instant};

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::connect::{Server, field, reply_error};
use super::error::CliError;
use super::global::GlobalArgs;
use super::output::Output;
use super::target::SetTarget;

/// The result code of an index that is not there.
const NOT_FOUND: u32 = 201;
/// How long to pause between looks at an index that is being built.
const PAUSE: Duration = Duration::from_millis(100);

/// What to do with secondary indexes.
#[derive(Debug, Subcommand)]
pub enum IndexCommand {
    /// Create an index; the server builds it in the background.
    Create {
        /// The set; `NS` alone is the whole namespace.
        #[arg(value_name = "NS.SET")]
        target: SetTarget,
        /// The index's name.
        name: String,
        /// The bin whose values are in it.
        #[arg(long)]
        bin: String,
        /// The type of the values.
        #[arg(long = "type", value_name = "TYPE")]
        kind: Kind,
        /// Index what is in a list or map, instead of the bin itself.
        #[arg(long = "in", value_name = "COLLECTION")]
        collection: Option<Collection>,
        /// Wait until it is built.
        #[arg(long)]
        wait: bool,
        /// Seconds after which to give up waiting; the building goes on.
        #[arg(long, value_name = "SECONDS")]
        timeout: Option<u64>,
    },
    /// Drop an index.
    Drop {
        /// The namespace.
        #[arg(value_name = "NS")]
        namespace: String,
        /// The index's name.
        name: String,
    },
    /// List the indexes, with their state and figures.
    List,
}

/// The type of an index's values.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Kind {
    /// Integers.
    Numeric,
    /// Strings.
    String,
    /// Blobs.
    Blob,
}

/// What of a bin an index is of.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Collection {
    /// The elements of a list.
    List,
    /// The keys of a map.
    Mapkeys,
    /// The values of a map.
    Mapvalues,
}

impl IndexCommand {
    /// Runs the command.
    pub async fn run(&self, global: &GlobalArgs, output: Output) -> Result<(), CliError> {
        let server = Server::connect(global).await?;
        match self {
            Self::Create {
                target,
                name,
                wait,
                timeout,
                ..
            } => {
                one_ok(&server, &self.create_command()).await?;
                if *wait {
                    let longest = timeout.map(Duration::from_secs);
                    wait_till_built(&server, &target.namespace, name, longest).await?;
                }
                output.result(
                    || match wait {
                        true => format!("index {name} on {target} is built"),
                        false => format!(
                            "index {name} on {target} is being built; `petrel index list` shows it"
                        ),
                    },
                    || json!({"index": name, "built": wait}),
                );
            }
            Self::Drop { namespace, name } => {
                let query = format!("sindex-exists:ns={namespace};indexname={name}");
                let there = server.info_all(&query).await?;
                if let Some((_, message)) = there.iter().find_map(|reply| reply_error(reply)) {
                    return Err(refused(&query, message));
                }
                if !there.iter().any(|reply| reply == "true") {
                    return Err(not_found(name));
                }
                one_ok(
                    &server,
                    &format!("sindex-delete:ns={namespace};indexname={name}"),
                )
                .await?;
                output.result(
                    || format!("index {name} dropped"),
                    || json!({"index": name, "dropped": true}),
                );
            }
            Self::List => {
                let indexes = list(&server).await?;
                output.table(
                    &[
                        "index", "on", "bin", "type", "of", "state", "built", "entries", "bytes",
                    ],
                    indexes.iter().map(Listed::row).collect(),
                    "no indexes",
                    || indexes.iter().map(Listed::to_json).collect(),
                );
            }
        }
        Ok(())
    }

    /// The info command that older servers know too.
    fn create_command(&self) -> String {
        let Self::Create {
            target,
            name,
            bin,
            kind,
            collection,
            ..
        } = self
        else {
            return String::new();
        };
        let mut command = format!("sindex-create:ns={}", target.namespace);
        if !target.set.is_empty() {
            command += &format!(";set={}", target.set);
        }
        command += &format!(";indexname={name}");
        if let Some(collection) = collection {
            command += &format!(";indextype={}", typed(collection));
        }
        command + &format!(";indexdata={bin},{}", typed(kind))
    }
}

/// The word for a choice, as it is typed.
fn typed(choice: &impl ValueEnum) -> String {
    let value = choice.to_possible_value();
    value.map_or_else(String::new, |v| v.get_name().to_owned())
}

/// Sends a command to one node, which tells the others.
async fn one_ok(server: &Server, command: &str) -> Result<(), CliError> {
    let nodes = server.client.nodes();
    let reply = match nodes.first() {
        Some(node) => server.info(node, command).await?,
        None => String::new(),
    };
    match reply_error(&reply) {
        Some((_, message)) => Err(refused(command, message)),
        None => Ok(()),
    }
}

fn refused(command: &str, message: String) -> CliError {
    CliError::Server {
        context: command.split(':').next().unwrap_or_default().to_owned(),
        message,
        next: Some("`petrel index list` shows the indexes".to_owned()),
    }
}

fn not_found(name: &str) -> CliError {
    CliError::NotFound {
        what: format!("index {name}"),
        next: "`petrel index list` shows the indexes".to_owned(),
    }
}

/// What every node says of an index.
async fn statistics(server: &Server, namespace: &str, name: &str) -> Result<Vec<String>, CliError> {
    let command = format!("sindex-stat:ns={namespace};indexname={name}");
    let replies = server.info_all(&command).await?;
    match replies.iter().find_map(|reply| reply_error(reply)) {
        Some((Some(NOT_FOUND), _)) => Err(not_found(name)),
        Some((_, message)) => Err(refused(&command, message)),
        None => Ok(replies),
    }
}

/// A figure of an index, as a node says it.
fn figure(reply: &str, name: &str) -> u64 {
    let value = field(reply, ';', name);
    value.and_then(|v| v.parse().ok()).unwrap_or(0)
}

async fn wait_till_built(
    server: &Server,
    namespace: &str,
    name: &str,
    longest: Option<Duration>,
) -> Result<(), CliError> {
    let start = Instant::now();
    loop {
        let replies = statistics(server, namespace, name).await?;
        let percent = replies.iter().map(|reply| figure(reply, "load_pct")).min();
        let percent = percent.unwrap_or(0);
        if percent >= 100 {
            return Ok(());
        }
        if longest.is_some_and(|longest| start.elapsed() >= longest) {
            return Err(CliError::TimedOut(format!(
                "index {name} is built to {percent} % and the building goes on; `petrel index list` \
                 shows it"
            )));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// An index as the nodes list it.
struct Listed {
    name: String,
    target: SetTarget,
    bin: String,
    kind: String,
    collection: String,
    state: String,
    percent: u64,
    entries: u64,
    bytes: u64,
}

async fn list(server: &Server) -> Result<Vec<Listed>, CliError> {
    let mut indexes: Vec<Listed> = Vec::new();
    for reply in server.info_all("sindex-list").await? {
        for line in reply.split(';').filter(|line| !line.is_empty()) {
            let text = |name| field(line, ':', name).unwrap_or_default().to_owned();
            let set = Some(text("set")).filter(|set| set != "null");
            let listed = Listed {
                name: text("indexname"),
                target: SetTarget {
                    namespace: text("ns"),
                    set: set.unwrap_or_default(),
                },
                bin: text("bin"),
                kind: text("type"),
                collection: text("indextype"),
                state: text("state"),
                percent: 0,
                entries: 0,
                bytes: 0,
            };
            let known = |other: &Listed| {
                (&other.name, &other.target.namespace) == (&listed.name, &listed.target.namespace)
            };
            if !indexes.iter().any(known) {
                indexes.push(listed);
            }
        }
    }
    for index in &mut indexes {
        // One that was dropped meanwhile is listed as it was.
        let Ok(replies) = statistics(server, &index.target.namespace, &index.name).await else {
            continue;
        };
        let sum = |name| replies.iter().map(|reply| figure(reply, name)).sum();
        let percents = replies.iter().map(|reply| figure(reply, "load_pct"));
        index.percent = percents.min().unwrap_or(0);
        (index.entries, index.bytes) = (sum("entries"), sum("used_bytes"));
    }
    Ok(indexes)
}

impl Listed {
    fn row(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.target.to_string(),
            self.bin.clone(),
            self.kind.clone(),
            self.collection.clone(),
            self.state.clone(),
            format!("{} %", self.percent),
            self.entries.to_string(),
            self.bytes.to_string(),
        ]
    }

    fn to_json(&self) -> serde_json::Value {
        json!({
            "index": self.name,
            "namespace": self.target.namespace,
            "set": self.target.set,
            "bin": self.bin,
            "type": self.kind,
            "collection": self.collection,
            "state": self.state,
            "percent": self.percent,
            "entries": self.entries,
            "bytes": self.bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(set: &str, collection: Option<Collection>) -> String {
        let create = IndexCommand::Create {
            target: set.parse().unwrap(),
            name: "i".into(),
            bin: "b".into(),
            kind: Kind::String,
            collection,
            wait: false,
            timeout: None,
        };
        create.create_command()
    }

    #[test]
    fn an_index_is_created_by_a_command_that_every_server_knows() {
        assert_eq!(
            create("test.users", None),
            "sindex-create:ns=test;set=users;indexname=i;indexdata=b,string"
        );
        assert_eq!(
            create("test", Some(Collection::Mapkeys)),
            "sindex-create:ns=test;indexname=i;indextype=mapkeys;indexdata=b,string"
        );
    }
}
