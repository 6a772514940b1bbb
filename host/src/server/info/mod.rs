//! The info protocol: lines of commands, lines of answers.

mod answer;
mod cluster;
mod indexes;
mod modules;
mod namespaces;
mod params;
mod statistics;
mod tasks;

pub use answer::answer;
