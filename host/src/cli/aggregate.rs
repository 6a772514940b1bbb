//! `petrel aggregate`: what the records of a set come to.

use clap::Args;
use serde_json::json;

use super::conversation::Conversation;
use super::error::{CliError, NO_INDEX};
use super::global::GlobalArgs;
use super::output::Output;
use super::range::RangeArgs;
use super::target::SetTarget;
use super::{value, values};
use crate::model::{ResultCode, Value, msgpack};
use crate::wire::UDF_AGGREGATE_HERE;
use crate::wire::flags::field;

/// The bins of values and of a failure.
const SUCCESS: &[u8] = b"SUCCESS";
const FAILURE: &[u8] = b"FAILURE";
const PARAMETER_ERROR: u8 = ResultCode::ParameterError as u8;
const INVALID_NAMESPACE: u8 = ResultCode::InvalidNamespace as u8;
const INDEX_NOT_FOUND: u8 = ResultCode::IndexNotFound as u8;
/// How the text of a failure begins: the module is not there, or its code failed.
const NO_MODULE: &str = "UDF: Execution Error 1";
const FAILED: &str = "UDF: Execution Error 2 : ";

/// The aggregation.
#[derive(Debug, Args)]
pub struct AggregateArgs {
    /// The set; `NS` alone is the whole namespace.
    #[arg(value_name = "NS.SET")]
    pub target: SetTarget,
    /// The module's name, without extension.
    pub module: String,
    /// The stream function.
    pub function: String,
    /// Arguments beside the stream: integers, JSON, else strings; write `--` before strings that begin with `-`.
    #[arg(allow_negative_numbers = true)]
    pub args: Vec<String>,
    /// Only records for which this holds, for example "$.total > 100".
    #[arg(long = "where", id = "filter", value_name = "EXPR")]
    pub filter: Option<String>,
    /// Only what an index has.
    #[command(flatten)]
    pub range: RangeArgs,
    /// At most this many records per second [default: no limit].
    #[arg(long, value_name = "N")]
    pub rps: Option<u32>,
    /// Seconds to wait for the result [default: as long as it takes].
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
}

impl AggregateArgs {
    /// Aggregates, and prints what it comes to.
    pub async fn run(&self, global: &GlobalArgs, output: Output) -> Result<(), CliError> {
        let args = self
            .args
            .iter()
            .map(|text| value::parse(text).map(|v| values::to_model(&v)))
            .collect::<Result<Vec<Value>, _>>()?;
        let filter = self.filter()?;
        let args = msgpack::pack_list(args);
        let rps = self.rps.unwrap_or(0).to_be_bytes();
        let mut fields: Vec<(u8, &[u8])> = vec![
            (field::NAMESPACE, self.target.namespace.as_bytes()),
            (field::SET, self.target.set.as_bytes()),
            (field::RECORDS_PER_SECOND, &rps),
            (field::UDF_OP, &[UDF_AGGREGATE_HERE]),
            (field::UDF_PACKAGE, self.module.as_bytes()),
            (field::UDF_FUNCTION, self.function.as_bytes()),
            (field::UDF_ARGUMENTS, &args),
        ];
        if let Some(filter) = &filter {
            fields.push((field::WHERE, filter));
        }
        let range = self.range.fields()?;
        fields.extend(range.iter().map(|(kind, data)| (*kind, data.as_slice())));
        let asked = async {
            let mut conversation = Conversation::begin(global, &fields).await?;
            self.read(&mut conversation).await
        };
        let values = match self.timeout {
            None => asked.await?,
            Some(seconds) => tokio::time::timeout(std::time::Duration::from_secs(seconds), asked)
                .await
                .map_err(|_| CliError::TimedOut(format!("no result within {seconds} s")))??,
        };
        let values: Vec<_> = values.iter().map(values::from_model).collect();
        let (header, rows) = values::table(&values);
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        output.table(&header, rows, "no values", || {
            let values: Vec<_> = values.iter().map(value::to_json).collect();
            json!({ "values": values })
        });
        Ok(())
    }

    /// The filter as its field carries it: no flags, then the text.
    fn filter(&self) -> Result<Option<Vec<u8>>, CliError> {
        let Some(text) = &self.filter else {
            return Ok(None);
        };
        aerospike::from_ael(text)
            .map_err(|error| CliError::Usage(format!("--where: {}", error.base_message())))?;
        Ok(Some([&[0], text.as_bytes()].concat()))
    }

    async fn read(&self, conversation: &mut Conversation) -> Result<Vec<Value>, CliError> {
        let mut values = Vec::new();
        let mut failure = None;
        loop {
            for answer in conversation.next().await? {
                for (name, value) in answer.bins {
                    match (name.as_slice(), value) {
                        (SUCCESS, value) => values.push(value),
                        (FAILURE, value) => failure = value.as_str().map(str::to_owned),
                        _ => {}
                    }
                }
                if !answer.last {
                    continue;
                }
                return match failure {
                    Some(text) => Err(self.failure(&text)),
                    None if answer.code == 0 => Ok(values),
                    None => Err(self.refusal(answer.code, answer.detail)),
                };
            }
        }
    }

    fn failure(&self, text: &str) -> CliError {
        let (module, function) = (self.module.clone(), self.function.clone());
        if text.starts_with(NO_MODULE) {
            return CliError::NotFound {
                what: format!("module {module}"),
                next: "`petrel udf list` has those that are registered".to_owned(),
            };
        }
        let message = text.strip_prefix(FAILED).unwrap_or(text).to_owned();
        if message == "function not found" {
            return CliError::NotFound {
                what: format!("{module}.{function}"),
                next: format!("`petrel udf show {module}` prints the module"),
            };
        }
        CliError::UdfFailed {
            module,
            function,
            message,
        }
    }

    fn refusal(&self, code: u8, detail: Option<String>) -> CliError {
        CliError::Server {
            context: format!("aggregate {}", self.target),
            message: detail.unwrap_or_else(|| format!("the server refused, result code {code}")),
            next: match code {
                INVALID_NAMESPACE => {
                    Some("name a namespace of the server, as in test.users".into())
                }
                PARAMETER_ERROR => Some(
                    "check the --where expression; and only a petrel host does the last reduce"
                        .into(),
                ),
                INDEX_NOT_FOUND => Some(NO_INDEX.to_owned()),
                _ => None,
            },
        }
    }
}
