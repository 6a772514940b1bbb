//! What the cases of a fixture came to, for people and for programs.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;

use super::changes::{after, changes};
use super::fixture::Notation;
use super::local::{Outcome, Total};
use super::log::Line;
use super::units::{short, size, time};
use super::verdict::listed;

/// More characters of a value nobody reads.
const WIDTH: usize = 200;

/// One case that was run.
pub struct Run {
    /// What it shows, or the call.
    pub name: String,
    /// What it came to.
    pub came: Came,
    /// What does not hold, in words.
    pub wrong: Vec<String>,
}

/// What a case came to.
pub enum Came {
    /// A function was called.
    Call(Outcome),
    /// Records were aggregated.
    Total(Total),
    /// It could not be run.
    Nothing,
}

impl Run {
    /// Whether everything holds.
    pub fn is_well(&self) -> bool {
        self.wrong.is_empty()
    }

    fn figures(&self) -> Option<(Duration, usize)> {
        match &self.came {
            Came::Call(outcome) => Some((outcome.time, outcome.memory)),
            Came::Total(total) => Some((total.time, total.memory)),
            Came::Nothing => None,
        }
    }

    fn log(&self) -> &[Line] {
        match &self.came {
            Came::Call(outcome) => &outcome.log,
            Came::Total(total) => &total.log,
            Came::Nothing => &[],
        }
    }

    /// The case for people, over some lines.
    pub fn to_text(&self) -> String {
        let verdict = if self.is_well() { "ok  " } else { "FAIL" };
        let mut text = format!("{verdict} {}", self.name);
        if let Some((took, memory)) = self.figures() {
            let _ = write!(text, "  ({}, {})", time(took), size(memory));
        }
        let mut line = |line: &str| {
            for (n, part) in line.lines().enumerate() {
                let indent = if n == 0 { "" } else { "  " };
                let _ = write!(text, "\n       {indent}{part}");
            }
        };
        match &self.came {
            Came::Call(outcome) => {
                if let Ok(value) = &outcome.result {
                    let value = Notation(value.clone()).to_string();
                    line(&format!("result {}", short(&value, WIDTH)));
                } else if let (Err(error), true) = (&outcome.result, self.is_well()) {
                    line(&format!("error {error}"));
                }
                let left = after(outcome.before.as_ref(), &outcome.effects);
                for change in changes(outcome.before.as_ref(), left) {
                    line(&short(&change.to_string(), WIDTH));
                }
                if outcome.before.is_some() && left.is_none() {
                    line("the record is removed");
                }
            }
            Came::Total(total) => match &total.values {
                Ok(values) => line(&format!("values {}", short(&listed(values), WIDTH))),
                Err(error) if self.is_well() => line(&format!("error {error}")),
                Err(_) => {}
            },
            Came::Nothing => {}
        }
        for Line { level, text } in self.log() {
            line(&format!("log {level} {}", short(text, WIDTH)));
        }
        for wrong in &self.wrong {
            line(&format!("! {wrong}"));
        }
        text
    }

    /// The case for programs.
    pub fn to_json(&self) -> serde_json::Value {
        let lines = self.log().iter();
        let log: Vec<_> = lines
            .map(|line| json!({"level": line.level.as_str().to_lowercase(), "message": line.text}))
            .collect();
        let figures = self.figures();
        let mut said = json!({
            "name": self.name,
            "passed": self.is_well(),
            "wrong": self.wrong,
            "log": log,
            "nanoseconds": figures.map(|(took, _)| took.as_nanos() as u64),
            "memory_bytes": figures.map(|(_, memory)| memory),
        });
        let notations = |values: &[crate::model::Value]| -> Vec<Notation> {
            values.iter().cloned().map(Notation).collect()
        };
        match &self.came {
            Came::Call(outcome) => {
                let left = after(outcome.before.as_ref(), &outcome.effects);
                let changes = changes(outcome.before.as_ref(), left);
                said["changes"] = changes.iter().map(|change| change.to_json()).collect();
                said["removed"] = json!(outcome.before.is_some() && left.is_none());
                match &outcome.result {
                    Ok(value) => said["result"] = json!(Notation(value.clone())),
                    Err(error) => said["error"] = json!(error),
                }
            }
            Came::Total(total) => match &total.values {
                Ok(values) => said["values"] = json!(notations(values)),
                Err(error) => said["error"] = json!(error),
            },
            Came::Nothing => {}
        }
        said
    }
}
