//! What functions write to the host's log: one line a message, of bounded length, and no more
//! of them than a log can take.

use std::cell::RefCell;
use std::fmt::{self, Display, Write};
use std::mem;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tracing::Level;

use crate::model::Limits;

/// The target of every line that a function writes, in either runtime: what a filter names
/// (`RUST_LOG=info,udf=debug`). The host's own lines have their module paths.
pub const TARGET: &str = "udf";

/// The most bytes of a function's message that the host itself writes to its log.
pub const LINE_BYTES: usize = 4 << 10;

/// How long lines are dropped before their number is written.
const REPORT_AFTER: Duration = Duration::from_secs(1);

/// The log of one module's functions, shared by all its instances.
pub struct Log {
    module: Arc<str>,
    /// Those that begin with `log`.
    limits: Limits,
    bucket: Mutex<Bucket>,
}

/// A token bucket: a token is a line.
struct Bucket {
    tokens: f64,
    filled: Instant,
    dropped: u64,
}

/// Tracing's macros take a level that is known when they are compiled.
macro_rules! event_at {
    ($level:expr, $log:expr, $line:expr) => {
        match $level {
            Level::ERROR => event_at!(@ERROR, $log, $line),
            Level::WARN => event_at!(@WARN, $log, $line),
            Level::INFO => event_at!(@INFO, $log, $line),
            Level::DEBUG => event_at!(@DEBUG, $log, $line),
            Level::TRACE => event_at!(@TRACE, $log, $line),
        }
    };
    (@$level:ident, $log:expr, $line:expr) => {
        tracing::event!(target: TARGET, Level::$level, module = &*$log.module, "{}", $line)
    };
}

fn is_enabled(level: Level) -> bool {
    match level {
        Level::ERROR => tracing::enabled!(target: TARGET, Level::ERROR),
        Level::WARN => tracing::enabled!(target: TARGET, Level::WARN),
        Level::INFO => tracing::enabled!(target: TARGET, Level::INFO),
        Level::DEBUG => tracing::enabled!(target: TARGET, Level::DEBUG),
        Level::TRACE => tracing::enabled!(target: TARGET, Level::TRACE),
    }
}

/// Lines that wait for the outcome of the invocation that wrote them: one that is run again from its
/// start writes them again.
#[derive(Default)]
pub struct Lines {
    held: Vec<(Arc<Log>, Level, String)>,
    /// Lines beyond a log's burst, which will be dropped in any case.
    over: Option<(Arc<Log>, u64)>,
}

thread_local! {
    /// Where the lines of the invocation on this thread are held back.
    static HELD: RefCell<Option<Lines>> = const { RefCell::new(None) };
}

impl Lines {
    /// Runs functions on this thread and holds back what they log. What was held before is forgotten.
    pub fn hold(&mut self, run: impl FnOnce()) {
        self.held.clear();
        self.over = None;
        HELD.set(Some(mem::take(self)));
        run();
        *self = HELD.take().unwrap_or_default();
    }

    /// Writes what was held back.
    pub fn write(&mut self) {
        for (log, level, line) in self.held.drain(..) {
            if log.admit(Instant::now()) {
                event_at!(level, log, line);
            }
        }
        if let Some((log, dropped)) = self.over.take() {
            log.drop_lines(dropped, Instant::now());
        }
    }

    fn push(&mut self, log: &Arc<Log>, level: Level, message: &[u8]) {
        if self.held.len() < log.limits.log_burst as usize {
            let line = one_line(message, log.limits.log_line_bytes).to_string();
            self.held.push((Arc::clone(log), level, line));
        } else {
            self.over.get_or_insert_with(|| (Arc::clone(log), 0)).1 += 1;
        }
    }
}

impl Log {
    /// The log of the module with this file name.
    pub fn new(module: &str, limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            module: module.into(),
            limits: limits.clone(),
            bucket: Mutex::new(Bucket {
                tokens: limits.log_burst.into(),
                filled: Instant::now(),
                dropped: 0,
            }),
        })
    }

    /// Writes a message, which need not be valid UTF-8, as one line; see [`Limits`]. One
    /// whose level is off costs nothing and counts for nothing.
    pub fn write(self: &Arc<Self>, level: Level, message: &[u8]) {
        if !is_enabled(level) {
            return;
        }
        let held = HELD
            .with_borrow_mut(|held| held.as_mut().map(|lines| lines.push(self, level, message)));
        if held.is_none() && self.admit(Instant::now()) {
            event_at!(level, self, one_line(message, self.limits.log_line_bytes));
        }
    }

    /// Whether a line may be written now; otherwise it is counted.
    fn admit(self: &Arc<Self>, now: Instant) -> bool {
        let mut bucket = self.bucket.lock();
        let passed = now.saturating_duration_since(bucket.filled).as_secs_f64();
        let grown = bucket.tokens + passed * f64::from(self.limits.log_per_second);
        bucket.tokens = grown.min(self.limits.log_burst.into());
        bucket.filled = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return true;
        }
        drop(bucket);
        self.drop_lines(1, now);
        false
    }

    /// Counts lines that are not written, and has their number written a little later.
    fn drop_lines(self: &Arc<Self>, lines: u64, now: Instant) {
        let mut bucket = self.bucket.lock();
        bucket.dropped += lines;
        if bucket.dropped == lines {
            drop(bucket);
            report_later(now + REPORT_AFTER, self);
        }
    }

    /// Writes how many lines were dropped since the last report.
    fn report(&self) {
        let dropped = std::mem::take(&mut self.bucket.lock().dropped);
        let Limits {
            log_burst,
            log_per_second,
            ..
        } = self.limits;
        if dropped > 0 {
            tracing::warn!(
                target: TARGET,
                module = &*self.module,
                "{dropped} log lines were dropped: a module may write {log_burst} at once and then {log_per_second} a second (log-burst, log-per-second)"
            );
        }
    }
}

/// Has a thread of its own report, so that the number is written also when no line follows.
fn report_later(due: Instant, log: &Arc<Log>) {
    static REPORTER: OnceLock<Sender<(Instant, Arc<Log>)>> = OnceLock::new();
    let reporter = REPORTER.get_or_init(|| {
        let (sender, due) = channel::<(Instant, Arc<Log>)>();
        let started = std::thread::Builder::new()
            .name("udf-log".into())
            .spawn(move || {
                // All wait for as long, so the first that comes is the first that is due.
                for (due, log) in due {
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    log.report();
                }
            });
        if let Err(e) = started {
            tracing::error!("no thread that counts dropped log lines: {e}");
        }
        sender
    });
    if reporter.send((due, Arc::clone(log))).is_err() {
        log.report();
    }
}

/// Text of unknown origin as one line of a log: characters that could end or forge a line are
/// escaped, and of more than `most` bytes the rest is cut off, which is said.
pub fn one_line(text: &[u8], most: usize) -> impl Display {
    OneLine { text, most }
}

struct OneLine<'a> {
    text: &'a [u8],
    most: usize,
}

impl Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.text[..end(self.text, self.most)];
        for chunk in shown.utf8_chunks() {
            let mut rest = chunk.valid();
            while let Some((at, c)) = rest.char_indices().find(|(_, c)| ends_lines(*c)) {
                f.write_str(&rest[..at])?;
                write!(f, "{}", c.escape_default())?;
                rest = &rest[at + c.len_utf8()..];
            }
            f.write_str(rest)?;
            if !chunk.invalid().is_empty() {
                f.write_char(char::REPLACEMENT_CHARACTER)?;
            }
        }
        if shown.len() < self.text.len() {
            write!(f, "… (cut off: {} bytes in all)", self.text.len())?;
        }
        Ok(())
    }
}

/// Where to cut `text` so that at most `most` bytes are left and no character is broken.
fn end(text: &[u8], most: usize) -> usize {
    if text.len() <= most {
        return text.len();
    }
    let continues = |at: &usize| text[*at] & 0xC0 == 0x80;
    let first = most.saturating_sub(3);
    (first..=most)
        .rev()
        .find(|at| !continues(at))
        .unwrap_or(most)
}

fn ends_lines(c: char) -> bool {
    c.is_control() && c != '\t' || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_of_bounded_length() {
        let rows: &[(&[u8], usize, &str)] = &[
            (b"plain \tand tabbed", 100, "plain \tand tabbed"),
            (b"a\nERROR b\r\n", 100, r"a\nERROR b\r\n"),
            (b"\x1b[31mred\x07", 100, r"\u{1b}[31mred\u{7}"),
            ("a\u{85}b\u{2028}c".as_bytes(), 100, r"a\u{85}b\u{2028}c"),
            (b"a\xFF\xFEb", 100, "a\u{FFFD}\u{FFFD}b"),
            (b"12345", 5, "12345"),
            (b"123456", 5, "12345… (cut off: 6 bytes in all)"),
            ("1234é".as_bytes(), 5, "1234… (cut off: 6 bytes in all)"),
            ("123€".as_bytes(), 4, "123… (cut off: 6 bytes in all)"),
            ("€".as_bytes(), 0, "… (cut off: 3 bytes in all)"),
            (
                b"\x80\x80\x80\x80\x80\x80",
                4,
                "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}… (cut off: 6 bytes in all)",
            ),
        ];
        for (text, most, expected) in rows {
            assert_eq!(one_line(text, *most).to_string(), *expected, "{text:?}");
        }
    }

    #[test]
    fn lines_that_are_held_back_are_those_of_the_last_run() {
        let subscriber = tracing_subscriber::fmt()
            .with_writer(std::io::sink)
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let log = Log::new("m.lua", &Limits::default());
            let mut lines = Lines::default();
            lines.hold(|| log.write(Level::INFO, b"cut off"));
            lines.hold(|| log.write(Level::INFO, b"whole"));
            log.write(Level::INFO, b"not held");
            let held: Vec<_> = lines.held.iter().map(|(_, _, line)| &**line).collect();
            assert_eq!(held, ["whole"]);
            lines.write();
            assert!(lines.held.is_empty());
        });
    }

    #[test]
    fn lines_come_in_a_burst_and_then_at_a_rate() {
        let limits = Limits {
            log_burst: 10,
            log_per_second: 2,
            ..Limits::default()
        };
        let log = Log::new("m.lua", &limits);
        let start = Instant::now();
        let after = |seconds: f64| {
            let now = start + Duration::from_secs_f64(seconds);
            (0..100).filter(|_| log.admit(now)).count()
        };
        let admitted = [0.0, 0.4, 1.6, 60.0].map(after);
        assert_eq!(admitted, [10, 0, 3, 10]);
        assert_eq!(log.bucket.lock().dropped, 400 - 23);
        log.report();
        assert_eq!(log.bucket.lock().dropped, 0);
    }
}
