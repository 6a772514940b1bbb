//! `petrel background`: start a task over the records of a set.

use aerospike::operations::{self, Operation};
use aerospike::{
    Bin, Bins, Expiration, RecordExistsAction, Statement, Value, WritePolicy, from_ael,
};
use clap::{Args, Subcommand};
use serde_json::json;

use super::connect::Server;
use super::error::CliError;
use super::global::GlobalArgs;
use super::output::Output;
use super::range::RangeArgs;
use super::target::SetTarget;
use super::wait::{self, WaitArgs};
use super::{task, value};

/// What to do to every record.
#[derive(Debug, Subcommand)]
pub enum BackgroundCommand {
    /// Write bins of every record.
    Update {
        /// Which records, and how to go about it.
        #[command(flatten)]
        scope: Scope,
        /// Set a bin (repeatable); `null` removes it.
        #[arg(
            long = "set",
            value_name = "BIN=VALUE",
            required_unless_present = "add"
        )]
        set: Vec<BinValue>,
        /// Add a number to a bin (repeatable).
        #[arg(long, value_name = "BIN=NUMBER")]
        add: Vec<BinValue>,
        /// Seconds that the records live from now on.
        #[arg(long, value_name = "SECONDS")]
        ttl: Option<u32>,
    },
    /// Delete every record.
    Delete {
        /// Which records, and how to go about it.
        #[command(flatten)]
        scope: Scope,
        /// Delete the whole set: required when there is neither --where nor --range.
        #[arg(
            long,
            conflicts_with_all = ["filter", "range", "collection"],
            required_unless_present_any = ["filter", "range"]
        )]
        all: bool,
    },
    /// Give every record a new lease of life.
    Touch {
        /// Which records, and how to go about it.
        #[command(flatten)]
        scope: Scope,
        /// Seconds that the records live from now on [default: the namespace's].
        #[arg(long, value_name = "SECONDS")]
        ttl: Option<u32>,
    },
    /// Run a function on every record.
    Udf {
        /// Which records, and how to go about it.
        #[command(flatten)]
        scope: Scope,
        /// The module's name, without extension.
        #[arg(long)]
        module: String,
        /// The function.
        #[arg(long)]
        function: String,
        /// Arguments: integers, JSON, else strings; write `--` before strings that begin with `-`.
        #[arg(allow_negative_numbers = true)]
        args: Vec<String>,
    },
}

/// Which records a task works on, and whether to wait for it.
#[derive(Debug, Args)]
pub struct Scope {
    /// The set; `NS` alone is the whole namespace.
    #[arg(value_name = "NS.SET")]
    pub target: SetTarget,
    /// Only records for which this holds, for example "$.status == 'inactive'".
    #[arg(long = "where", id = "filter", value_name = "EXPR")]
    pub filter: Option<String>,
    /// Only what an index has.
    #[command(flatten)]
    pub range: RangeArgs,
    /// At most this many records per second on each node [default: the server's limit].
    #[arg(long, value_name = "N")]
    pub rps: Option<u32>,
    /// Wait until the task is done, with a progress bar.
    #[arg(long)]
    pub wait: bool,
    /// How to wait.
    #[command(flatten)]
    pub how: WaitArgs,
}

/// `BIN=VALUE` as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinValue {
    name: String,
    value: String,
}

impl std::str::FromStr for BinValue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok(Self {
                name: name.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err("expected BIN=VALUE, for example trial_expired=true".to_owned()),
        }
    }
}

impl BinValue {
    fn bin(&self) -> Result<Bin, CliError> {
        Ok(Bin::new(self.name.clone(), value::parse(&self.value)?))
    }
}

/// What is sent for each record.
enum Work<'a> {
    Operations(Vec<Operation>),
    Function {
        module: &'a str,
        function: &'a str,
        args: Vec<Value>,
    },
}

impl BackgroundCommand {
    /// Starts the task, and waits for it if asked to.
    pub async fn run(&self, global: &GlobalArgs, output: Output) -> Result<(), CliError> {
        let scope = self.scope();
        let work = self.work()?;
        let mut policy = self.policy()?;
        let range = scope.range.filter()?;
        let server = Server::connect(global).await?;
        refuse_filter_of_old_servers(&server, scope)?;
        policy.records_per_second = scope.rps.unwrap_or(0);

        let target = &scope.target;
        let mut statement =
            Statement::new(target.namespace.as_str(), target.set.as_str(), Bins::All);
        if let Some(range) = range {
            statement.set_filter(range);
        }
        let started = match work {
            Work::Operations(operations) => {
                statement.set_operations(operations);
                server.client.query_operate(&policy, statement).await
            }
            Work::Function {
                module,
                function,
                args,
            } => {
                server
                    .client
                    .query_execute_udf(&policy, statement, module, function, &args)
                    .await
            }
        };
        let id = started
            .map_err(|error| CliError::from_client(format!("background task on {target}"), &error))?
            .task_id();
        if scope.wait {
            task::print(&wait::wait(&server, id, &scope.how, output).await?, output);
        } else {
            output.result(
                || format!("task {id} started on {target}; `petrel task wait {id}` awaits it"),
                || json!({"id": id.to_string()}),
            );
        }
        Ok(())
    }

    fn scope(&self) -> &Scope {
        match self {
            Self::Update { scope, .. }
            | Self::Delete { scope, .. }
            | Self::Touch { scope, .. }
            | Self::Udf { scope, .. } => scope,
        }
    }

    fn work(&self) -> Result<Work<'_>, CliError> {
        Ok(match self {
            Self::Update { set, add, .. } => {
                let mut all = Vec::with_capacity(set.len() + add.len());
                for typed in set {
                    all.push(operations::put(&typed.bin()?));
                }
                for typed in add {
                    let bin = typed.bin()?;
                    if !matches!(bin.value, Value::Int(_) | Value::Float(_)) {
                        return Err(CliError::Usage(format!(
                            "--add {}={} needs a number",
                            typed.name, typed.value
                        )));
                    }
                    all.push(operations::add(&bin));
                }
                Work::Operations(all)
            }
            Self::Delete { .. } => Work::Operations(vec![operations::delete()]),
            Self::Touch { .. } => Work::Operations(vec![operations::touch()]),
            Self::Udf {
                module,
                function,
                args,
                ..
            } => Work::Function {
                module,
                function,
                args: args
                    .iter()
                    .map(|text| value::parse(text))
                    .collect::<Result<_, _>>()?,
            },
        })
    }

    fn policy(&self) -> Result<WritePolicy, CliError> {
        let mut policy = WritePolicy::default();
        policy.base_policy.total_timeout = 10_000;
        // Sending a task twice would run it twice.
        policy.base_policy.max_retries = 0;
        policy.base_policy.error_detail_verbosity = 2;
        if let Some(text) = &self.scope().filter {
            let filter = from_ael(text)
                .map_err(|error| CliError::Usage(format!("--where: {}", error.base_message())))?;
            policy.base_policy.filter_expression = Some(filter);
        }
        if let Self::Update { ttl, .. } | Self::Touch { ttl, .. } = self {
            policy.record_exists_action = RecordExistsAction::UpdateOnly;
            if let Some(seconds) = ttl {
                policy.expiration = Expiration::Seconds(*seconds);
            }
        }
        Ok(policy)
    }
}

/// The text of a filter is compiled by the server, which servers before 8.2 cannot do.
fn refuse_filter_of_old_servers(server: &Server, scope: &Scope) -> Result<(), CliError> {
    let old = server
        .client
        .nodes()
        .into_iter()
        .find(|node| !node.version().supports_server_compiled_ael());
    match old {
        Some(node) if scope.filter.is_some() => Err(CliError::Server {
            context: "--where".to_owned(),
            message: format!(
                "node {} is older than 8.2 and does not compile filter text",
                node.name()
            ),
            next: Some(
                "leave --where out, or let the function itself look at the record".to_owned(),
            ),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::args::{Arguments, Command};
    use super::*;

    fn parse(words: &[&str]) -> BackgroundCommand {
        let line = ["petrel", "background"].iter().chain(words);
        match Arguments::try_parse_from(line).unwrap().command {
            Command::Background(command) => command,
            other => panic!("not a background command: {other:?}"),
        }
    }

    #[test]
    fn an_update_sends_its_bins_in_order() {
        let command = parse(&[
            "update",
            "test.users",
            "--where",
            "$.tier == 'free'",
            "--set",
            "a=true",
            "--set",
            "b=x=y",
            "--add",
            "n=-2",
        ]);
        let Work::Operations(operations) = command.work().unwrap() else {
            panic!("not operations");
        };
        assert_eq!(operations.len(), 3);
        let policy = command.policy().unwrap();
        assert!(policy.base_policy.filter_expression.is_some());
        assert_eq!(policy.record_exists_action, RecordExistsAction::UpdateOnly);
    }

    #[test]
    fn a_bin_is_parted_from_its_value_at_the_first_equals_sign() {
        let typed: BinValue = "b=x=y".parse().unwrap();
        assert_eq!(
            typed.bin().unwrap(),
            Bin::new("b".to_owned(), Value::from("x=y"))
        );
        assert!("b".parse::<BinValue>().is_err());
        assert!("=1".parse::<BinValue>().is_err());
    }

    #[test]
    fn adding_a_text_is_wrong_usage() {
        let command = parse(&["update", "test.users", "--add", "n=many"]);
        assert!(matches!(command.work(), Err(CliError::Usage(_))));
    }

    #[test]
    fn a_function_gets_its_arguments_typed() {
        let command = parse(&[
            "udf",
            "test.users",
            "--module",
            "m",
            "--function",
            "f",
            "arg1",
            "-2",
            "--wait",
        ]);
        assert!(command.scope().wait);
        let Work::Function { args, .. } = command.work().unwrap() else {
            panic!("not a function");
        };
        assert_eq!(args, [Value::from("arg1"), Value::Int(-2)]);
    }

    #[test]
    fn a_set_is_deleted_whole_only_when_asked_for() {
        let line = |words: &[&str]| {
            let start = ["petrel", "background", "delete", "test.users"];
            Arguments::try_parse_from(start.iter().chain(words)).is_ok()
        };
        assert!(!line(&[]));
        assert!(line(&["--all"]));
        assert!(line(&["--where", "$.a == 1"]));
        assert!(line(&["--range", "a:1..2", "--in", "list"]));
        assert!(!line(&["--all", "--range", "a:1..2"]));
        assert!(!line(&["--all", "--in", "list"]));
    }

    #[test]
    fn an_empty_filter_is_wrong_usage() {
        let command = parse(&["delete", "test.users", "--where", ""]);
        assert!(matches!(command.policy(), Err(CliError::Usage(_))));
    }
}
