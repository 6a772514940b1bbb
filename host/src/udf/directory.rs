//! The modules of a host at rest: a file each, under its own name.

use std::io::{Read, Write};

use bytes::Bytes;
use cap_std::fs::Dir;

use crate::model::{Error, Result, ResultCode};

/// The directory of modules.
pub(super) struct ModuleDirectory(pub(super) Dir);

impl ModuleDirectory {
    /// Every module by file name.
    pub(super) fn read(&self) -> Result<Vec<(String, Bytes)>> {
        let mut modules = Vec::new();
        for entry in self.0.entries().map_err(unusable)? {
            let entry = entry.map_err(unusable)?;
            let Ok(file) = entry.file_name().into_string() else {
                continue;
            };
            if file.starts_with('.') || !entry.file_type().map_err(unusable)?.is_file() {
                continue;
            }
            let mut bytes = Vec::new();
            self.0
                .open(&file)
                .and_then(|mut f| f.read_to_end(&mut bytes))
                .map_err(unusable)?;
            modules.push((file, bytes.into()));
        }
        Ok(modules)
    }

    /// Writes a module beside its final name, syncs it, and renames it: a crash leaves the old
    /// module or the new one.
    pub(super) fn write(&self, file: &str, bytes: &[u8]) -> Result<()> {
        let partial = format!(".{file}.partial");
        let write = || -> std::io::Result<()> {
            let mut out = self.0.create(&partial)?;
            out.write_all(bytes)?;
            out.sync_all()?;
            self.0.rename(&partial, &self.0, file)
        };
        write().map_err(unusable)
    }

    /// Removes a module, if it is there.
    pub(super) fn remove(&self, file: &str) -> Result<()> {
        match self.0.remove_file(file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(unusable(e)),
            _ => Ok(()),
        }
    }
}

fn unusable(e: std::io::Error) -> Error {
    Error::new(
        ResultCode::ServerError,
        format!("the module directory cannot be used: {e}; check its permissions and space"),
    )
}
