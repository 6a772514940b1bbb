//! `petrel udf`: what an author does with modules, on this machine and on a server.

mod anatomy;
mod bench;
mod build;
mod call;
mod capture;
mod changes;
mod command;
mod config;
mod diff;
mod fixture;
mod inspect;
mod live;
mod local;
mod log;
mod measure;
mod new;
mod over;
mod register;
mod report;
mod subject;
mod test;
mod units;
mod verdict;
mod watch;

pub use command::UdfCommand;
