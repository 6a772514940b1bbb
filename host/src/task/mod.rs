//! The tracker: every background task's life, progress and outcome.

mod tracker;

pub use tracker::{Counts, Status, Task, Tracker};
