//! The pages of the book and the fenced blocks in them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use petrel_tests::guests::root;

/// A fenced block of a page.
#[derive(Debug, PartialEq, Eq)]
pub struct Snippet {
    /// What stands behind the opening fence: `lua`, `rust,no_run`.
    pub language: String,
    /// What stands between the fences.
    pub text: String,
    /// The line of the opening fence.
    pub line: usize,
}

/// The pages that tell people what to type: the book and the README.
pub fn pages() -> Result<Vec<PathBuf>> {
    let mut pages = vec![root().join("README.md")];
    for entry in std::fs::read_dir(root().join("docs/src"))? {
        pages.push(entry?.path());
    }
    pages.sort();
    Ok(pages)
}

/// The text of a page.
pub fn read(page: &Path) -> Result<String> {
    std::fs::read_to_string(page).with_context(|| format!("reading {}", page.display()))
}

/// The blocks of a page, in order.
pub fn snippets(text: &str) -> Vec<Snippet> {
    let mut found = Vec::new();
    let mut open: Option<Snippet> = None;
    for (at, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(language), None) => {
                open = Some(Snippet {
                    language: language.trim().to_owned(),
                    text: String::new(),
                    line: at + 1,
                });
            }
            (None, Some(snippet)) => {
                snippet.text.push_str(line);
                snippet.text.push('\n');
            }
            (None, None) => {}
        }
    }
    found.extend(open);
    found
}
