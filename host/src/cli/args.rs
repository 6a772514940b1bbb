//! The command line's grammar.

use clap::{Parser, Subcommand};

use super::aggregate::AggregateArgs;
use super::apply::ApplyArgs;
use super::background::BackgroundCommand;
use super::global::GlobalArgs;
use super::index::IndexCommand;
use super::serve::ServeArgs;
use super::task::TaskCommand;
use super::udf::UdfCommand;

const EXIT_CODES: &str = "\
Values on the command line:
  42, -7            an integer
  2.5, true, null   JSON, as are '[1,2]', '{\"a\":1}' and '\"42\"' (quotes force a string)
  anything else     a string

Exit codes:
  0  done                          4  a UDF failed, or a module was refused
  1  refused, a case failed, other 5  no such module, function, record, task or index
  2  wrong usage                   6  a task was aborted, failed, or failed on records
  3  cannot connect                7  gave up waiting; the work may still go on";

/// Run user-defined functions beside the records they work on.
#[derive(Debug, Parser)]
#[command(name = "petrel", version, after_help = EXIT_CODES)]
pub struct Arguments {
    /// Options of every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a host.
    Serve(ServeArgs),
    /// Build and test modules; register, list, show and remove them.
    #[command(subcommand)]
    Udf(UdfCommand),
    /// Call a function on one record and print its result.
    Apply(ApplyArgs),
    /// Aggregate the records of a set and print what they come to.
    Aggregate(AggregateArgs),
    /// Start a background task over the records of a set.
    #[command(subcommand)]
    Background(BackgroundCommand),
    /// Create, drop and list secondary indexes.
    #[command(subcommand)]
    Index(IndexCommand),
    /// List, show, await and abort background tasks.
    #[command(subcommand)]
    Task(TaskCommand),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_grammar_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn global_options_may_stand_behind_the_command() {
        let arguments = parse("petrel udf list --json --host 10.0.0.1:4000").unwrap();
        assert!(arguments.global.json);
        assert_eq!(arguments.global.address(), "10.0.0.1:4000");
    }

    #[test]
    fn negative_numbers_are_arguments_of_a_function() {
        let arguments = parse("petrel apply test.users:1 m f -7 -2.5 x --json").unwrap();
        let Command::Apply(apply) = arguments.command else {
            panic!("not apply");
        };
        assert_eq!(apply.args.len(), 3);
        assert!(arguments.global.json);
    }

    #[test]
    fn wrong_usage_ends_with_code_2() {
        for line in [
            "petrel",
            "petrel apply test.users:1 m",
            "petrel aggregate test.users m",
            "petrel background update test.users",
            "petrel background udf test.users --module m",
            "petrel background delete test.users",
            "petrel task show abc",
            "petrel index create test.users i --bin b",
            "petrel serve --memory --data d",
        ] {
            let error = parse(line).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }
}
