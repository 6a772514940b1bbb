//! What a command prints: tables for people, JSON for programs.

use std::io::Write;

use comfy_table::{ContentArrangement, Table, presets};

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Tables and sentences.
    People,
    /// One JSON document.
    Programs,
}

impl Output {
    /// Prints a result: `text` to people, `json` to programs.
    pub fn result(self, text: impl FnOnce() -> String, json: impl FnOnce() -> serde_json::Value) {
        match self {
            Self::People => line(&text()),
            Self::Programs => line(&json().to_string()),
        }
    }

    /// Prints a table of `rows` under a `header` (which may be empty), or what to say when there are none.
    pub fn table(
        self,
        header: &[&str],
        rows: Vec<Vec<String>>,
        if_empty: &str,
        json: impl FnOnce() -> serde_json::Value,
    ) {
        self.result(
            || {
                if rows.is_empty() {
                    return if_empty.to_owned();
                }
                let mut table = Table::new();
                table
                    .load_style(presets::UTF8_FULL_CONDENSED)
                    .set_content_arrangement(ContentArrangement::Dynamic)
                    .add_rows(rows);
                if !header.is_empty() {
                    table.set_header(header);
                }
                table.to_string()
            },
            json,
        );
    }
}

/// Writes a line to stdout. A reader that has gone away (`petrel … | head`) is no failure.
pub fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}");
}

/// Writes text to stdout as it is.
pub fn raw(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(bytes);
    let _ = out.flush();
}

/// Writes a line to stderr.
pub fn error_line(text: &str) {
    let mut err = std::io::stderr().lock();
    let _ = writeln!(err, "{text}");
}
