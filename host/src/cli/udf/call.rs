//! A function and its arguments, as commands that run it here take them.

use clap::Args;

use super::fixture::Notation;
use crate::cli::error::CliError;
use crate::cli::{value, values};

/// A call of a function.
#[derive(Debug, Clone, Args)]
pub struct CallArgs {
    /// The function.
    #[arg(long, value_name = "NAME")]
    pub function: String,
    /// An argument of the function, once for each: as those of `petrel apply`.
    #[arg(long = "arg", value_name = "VALUE", allow_negative_numbers = true)]
    pub args: Vec<String>,
}

impl CallArgs {
    /// The arguments.
    pub fn values(&self) -> Result<Vec<Notation>, CliError> {
        typed(&self.args)
    }
}

/// Arguments as typed.
pub fn typed(args: &[String]) -> Result<Vec<Notation>, CliError> {
    args.iter()
        .map(|text| value::parse(text).map(|value| Notation(values::to_model(&value))))
        .collect()
}
