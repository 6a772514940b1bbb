//! Waiting until somebody saves a file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Between looks at the files: short beside what a build takes, and no work for a source tree.
const PAUSE: Duration = Duration::from_millis(50);
/// A save is over when the files stay as they are for this long.
const SETTLED: Duration = Duration::from_millis(15);
/// More files than these are not an author's sources.
const MOST_FILES: usize = 10_000;

/// Files and folders, as they were when they were last looked at.
pub struct Watch {
    paths: Vec<PathBuf>,
    seen: BTreeMap<PathBuf, (SystemTime, u64)>,
}

impl Watch {
    /// Looks at these files, and at what lies in these folders.
    pub fn new(paths: Vec<PathBuf>) -> Self {
        let seen = look(&paths);
        Self { paths, seen }
    }

    /// Waits until one of the files is another than when they were last looked at.
    pub async fn changed(&mut self) {
        loop {
            let mut now = look(&self.paths);
            if now == self.seen {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            // A save is some steps, of which the first may leave an empty file.
            loop {
                tokio::time::sleep(SETTLED).await;
                let next = look(&self.paths);
                if next == now {
                    self.seen = now;
                    return;
                }
                now = next;
            }
        }
    }
}

/// What builds and package managers write beside sources.
const BUILT: [&str; 6] = [
    "target",
    "node_modules",
    "venv",
    "__pycache__",
    "Cargo.lock",
    "package-lock.json",
];

/// When the source in a folder that was saved last was saved. Nothing is built from fixtures.
pub fn newest(folder: &Path) -> Option<SystemTime> {
    let seen = look(&[folder.to_owned()]);
    let is_source = |path: &Path| path.file_stem().is_none_or(|stem| stem != "fixtures");
    let sources = seen.into_iter().filter(|(path, _)| is_source(path));
    sources.map(|(_, (modified, _))| modified).max()
}

fn look(paths: &[PathBuf]) -> BTreeMap<PathBuf, (SystemTime, u64)> {
    let mut seen = BTreeMap::new();
    for path in paths {
        add(path, &mut seen);
    }
    seen
}

/// Adds a file, or those of a folder, but for what is hidden and what is built.
fn add(path: &Path, seen: &mut BTreeMap<PathBuf, (SystemTime, u64)>) {
    let Ok(meta) = std::fs::metadata(path) else {
        return;
    };
    if seen.len() >= MOST_FILES {
        return;
    }
    if !meta.is_dir() {
        let modified = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        seen.insert(path.to_owned(), (modified, meta.len()));
        return;
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        let name = name.to_string_lossy();
        let is_built = BUILT.contains(&&*name) || name.ends_with(".wasm");
        if !is_link && !is_built && !name.starts_with('.') {
            add(&entry.path(), seen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_saved_file_is_noticed_and_what_is_built_is_not() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("src")).unwrap();
        std::fs::create_dir_all(dir.path().join("target")).unwrap();
        let mut watch = Watch::new(vec![dir.path().to_owned()]);
        std::fs::write(dir.path().join("target/out"), "x").unwrap();
        let early = tokio::time::timeout(PAUSE * 4, watch.changed()).await;
        assert!(early.is_err());
        std::fs::write(dir.path().join("src/lib.rs"), "x").unwrap();
        let late = tokio::time::timeout(Duration::from_secs(10), watch.changed()).await;
        assert!(late.is_ok());
    }
}
