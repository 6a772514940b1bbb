//! `petrel apply`: one function on one record.

use aerospike::{ErrorKind, ResultCode, Value, WritePolicy};
use clap::Args;
use serde_json::json;

use super::connect::Server;
use super::error::{CliError, client_message};
use super::global::GlobalArgs;
use super::output::Output;
use super::target::RecordTarget;
use super::{modules, value};

/// The call.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// The record. An integer key is an integer; JSON quotes force a string: 'test.users:"42"'.
    #[arg(value_name = "NS.SET:KEY")]
    pub record: RecordTarget,
    /// The module's name, without extension.
    pub module: String,
    /// The function.
    pub function: String,
    /// Arguments: integers, JSON, else strings; write `--` before strings that begin with `-`.
    #[arg(allow_negative_numbers = true)]
    pub args: Vec<String>,
    /// Seconds to wait for the result.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub timeout: u32,
}

impl ApplyArgs {
    /// Calls the function and prints its result.
    pub async fn run(&self, global: &GlobalArgs, output: Output) -> Result<(), CliError> {
        let key = self.record.key()?;
        let args = self
            .args
            .iter()
            .map(|text| value::parse(text))
            .collect::<Result<Vec<Value>, _>>()?;
        let server = Server::connect(global).await?;
        let mut policy = WritePolicy::default();
        policy.base_policy.total_timeout = self.timeout.saturating_mul(1_000);
        // A function is not repeatable: a second attempt could apply it twice.
        policy.base_policy.max_retries = 0;
        policy.base_policy.error_detail_verbosity = 2;
        let called = server
            .client
            .execute_udf(&policy, &key, &self.module, &self.function, &args)
            .await;
        let result = match called {
            Ok(result) => result.unwrap_or(Value::Nil),
            Err(error) => return Err(self.failure(&server, &error).await),
        };
        output.result(
            || value::to_text(&result),
            || json!({"result": value::to_json(&result)}),
        );
        Ok(())
    }

    /// Tells a function's own failure from a missing one and from the network's.
    async fn failure(&self, server: &Server, error: &aerospike::Error) -> CliError {
        let by_udf = matches!(error.kind(), ErrorKind::UdfBadResponse)
            || error.server_result_code() == Some(ResultCode::UdfBadResponse);
        if !by_udf {
            return CliError::from_client(
                format!("apply {}.{}", self.module, self.function),
                error,
            );
        }
        let message = client_message(error);
        // Both look like failures of the function on the wire.
        if let Err(missing @ CliError::NotFound { .. }) = modules::find(server, &self.module).await
        {
            return missing;
        }
        if message.starts_with("function") && message.contains("not found") {
            return CliError::NotFound {
                what: format!("{}.{} ({message})", self.module, self.function),
                next: format!("`petrel udf show {}` prints the module", self.module),
            };
        }
        CliError::UdfFailed {
            module: self.module.clone(),
            function: self.function.clone(),
            message,
        }
    }
}
