//! `petrel udf`: what an author does with modules, on this machine and on a server.

mod build;
mod changes;
mod command;
mod fixture;
mod local;
mod log;
mod register;
mod report;
mod subject;
mod test;
mod units;
mod verdict;
mod watch;

pub use command::UdfCommand;
