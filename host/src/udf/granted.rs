//! What a module was granted, opened and ready for either runtime.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};

use crate::model::{Grants, Isolation, Limits};

/// What the invocations of one module may use.
#[derive(Clone, Debug, Default)]
pub struct Allowance {
    /// Its limits.
    pub limits: Limits,
    /// What it may reach beside its record.
    pub granted: Arc<Granted>,
    /// Who shares an instance of it.
    pub isolation: Isolation,
}

impl From<&Limits> for Allowance {
    /// Limits, and nothing granted.
    fn from(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            ..Self::default()
        }
    }
}

/// A directory that was granted.
#[derive(Debug)]
pub struct GrantedDirectory {
    /// The name under which the module finds it.
    pub name: String,
    /// The directory: no path leads out of it.
    pub dir: Arc<Dir>,
    /// Whether it may be written.
    pub writable: bool,
}

/// Grants, with their directories open and their variables read.
#[derive(Debug, Default)]
pub struct Granted {
    /// As they were given.
    pub grants: Grants,
    /// The directories, those to read before those to write.
    pub directories: Vec<GrantedDirectory>,
    /// The variables that there are, with their values.
    pub environment: Vec<(String, String)>,
}

/// Why something cannot be granted.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// The directory cannot be opened.
    #[error("the granted directory {name} = {path:?} cannot be opened: {source}")]
    Directory {
        /// The name that the module has for it.
        name: String,
        /// Where it should be.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No module could name it.
    #[error(
        "{0:?} cannot be the name of a granted directory: it is empty, a dot, or holds a slash"
    )]
    Name(String),
}

impl Granted {
    /// Opens what is to be granted.
    ///
    /// # Errors
    /// [`GrantError`].
    pub fn open(grants: &Grants) -> Result<Self, GrantError> {
        let read = grants.read.iter().map(|named| (named, false));
        let write = grants.write.iter().map(|named| (named, true));
        let directory = |((name, path), writable): ((&String, &PathBuf), bool)| {
            if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
                return Err(GrantError::Name(name.clone()));
            }
            Ok(GrantedDirectory {
                name: name.clone(),
                dir: Arc::new(open_dir(name, path)?),
                writable,
            })
        };
        let value = |name: &String| Some((name.clone(), std::env::var(name).ok()?));
        Ok(Self {
            directories: read.chain(write).map(directory).collect::<Result<_, _>>()?,
            environment: grants.environment.iter().filter_map(value).collect(),
            grants: grants.clone(),
        })
    }

    /// The directory that the first part of a path names, and the rest of the path.
    pub fn locate<'a>(&self, path: &'a str) -> Option<(&GrantedDirectory, &'a str)> {
        let (name, rest) = path.split_once('/')?;
        let found = self.directories.iter().find(|d| d.name == name)?;
        Some((found, rest))
    }
}

fn open_dir(name: &str, path: &Path) -> Result<Dir, GrantError> {
    Dir::open_ambient_dir(path, ambient_authority()).map_err(|source| GrantError::Directory {
        name: name.into(),
        path: path.into(),
        source,
    })
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Opening {
    /// To read it.
    pub read: bool,
    /// To write it.
    pub write: bool,
    /// Makes it if it is not there.
    pub create: bool,
    /// Makes it, and fails if it is there.
    pub exclusive: bool,
    /// Empties it.
    pub truncate: bool,
}

/// Opens a regular file inside a directory. A path that leads out of it is refused, and so is what
/// is no regular file: to open or read a pipe or a device could take for ever, or do something.
///
/// # Errors
/// Those of the file system; [`io::ErrorKind::InvalidInput`] for what is neither file nor directory,
/// [`io::ErrorKind::PermissionDenied`] for a path that leads out.
pub fn open_file(dir: &Dir, path: &str, how: Opening) -> io::Result<File> {
    match dir.metadata(path) {
        Ok(found) => only_files(found.is_file(), found.is_dir())?,
        Err(e) if e.kind() == io::ErrorKind::NotFound && (how.create || how.exclusive) => {}
        Err(e) => return Err(e),
    }
    let mut options = OpenOptions::new();
    options
        .read(how.read)
        .write(how.write)
        .create(how.create)
        .create_new(how.exclusive)
        // Another may have put a pipe there meanwhile.
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = dir.open_with(path, &options)?.into_std();
    let opened = file.metadata()?;
    only_files(opened.is_file(), opened.is_dir())?;
    if how.truncate {
        file.set_len(0)?;
    }
    Ok(file)
}

fn only_files(is_file: bool, is_dir: bool) -> io::Result<()> {
    if is_file {
        Ok(())
    } else if is_dir {
        Err(io::ErrorKind::IsADirectory.into())
    } else {
        let text = "it is no regular file";
        Err(io::Error::new(io::ErrorKind::InvalidInput, text))
    }
}
