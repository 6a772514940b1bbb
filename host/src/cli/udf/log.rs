//! Catches what functions write to the log.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::udf::log::TARGET;

/// A line that a function wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its level.
    pub level: Level,
    /// Its text.
    pub text: String,
}

/// Runs functions on this thread, and gives what they log along with the result.
pub fn catch<T>(run: impl FnOnce() -> T) -> (T, Vec<Line>) {
    let caught = Caught::default();
    let subscriber = tracing_subscriber::registry().with(caught.clone());
    let result = tracing::subscriber::with_default(subscriber, run);
    let lines = std::mem::take(&mut *caught.0.lock());
    (result, lines)
}

#[derive(Clone, Default)]
struct Caught(Arc<Mutex<Vec<Line>>>);

impl<S: Subscriber> Layer<S> for Caught {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != TARGET {
            return;
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0.lock().push(Line {
            level: *event.metadata().level(),
            text: message.0,
        });
    }
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
