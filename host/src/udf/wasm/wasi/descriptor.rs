//! `descriptor`: a file or a directory that is open, and what the types beside it look like.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use cap_std::fs::{Dir, FileType, FileTypeExt, Metadata, MetadataExt};
use wasmtime::component::{ComponentType, Lower, flags};

use super::clocks::DateTime;
use super::error_code::ErrorCode;

flags! {
    DescriptorFlags {
        #[component(name = "read")]
        const READ;
        #[component(name = "write")]
        const WRITE;
        #[component(name = "file-integrity-sync")]
        const FILE_INTEGRITY_SYNC;
        #[component(name = "data-integrity-sync")]
        const DATA_INTEGRITY_SYNC;
        #[component(name = "requested-write-sync")]
        const REQUESTED_WRITE_SYNC;
        #[component(name = "mutate-directory")]
        const MUTATE_DIRECTORY;
    }
}

flags! {
    PathFlags {
        #[component(name = "symlink-follow")]
        const SYMLINK_FOLLOW;
    }
}

flags! {
    OpenFlags {
        #[component(name = "create")]
        const CREATE;
        #[component(name = "directory")]
        const DIRECTORY;
        #[component(name = "exclusive")]
        const EXCLUSIVE;
        #[component(name = "truncate")]
        const TRUNCATE;
    }
}

/// A `descriptor-type`.
#[derive(Clone, Copy, ComponentType, Lower)]
#[component(enum)]
#[repr(u8)]
pub(super) enum Kind {
    #[component(name = "unknown")]
    Unknown,
    #[component(name = "block-device")]
    BlockDevice,
    #[component(name = "character-device")]
    CharacterDevice,
    #[component(name = "directory")]
    Directory,
    #[component(name = "fifo")]
    Fifo,
    #[component(name = "symbolic-link")]
    SymbolicLink,
    #[component(name = "regular-file")]
    RegularFile,
    #[component(name = "socket")]
    Socket,
}

impl From<FileType> for Kind {
    fn from(ty: FileType) -> Self {
        let kinds = [
            (ty.is_file(), Self::RegularFile),
            (ty.is_dir(), Self::Directory),
            (ty.is_symlink(), Self::SymbolicLink),
            (ty.is_fifo(), Self::Fifo),
            (ty.is_socket(), Self::Socket),
            (ty.is_char_device(), Self::CharacterDevice),
            (ty.is_block_device(), Self::BlockDevice),
        ];
        let found = kinds.into_iter().find(|(is_it, _)| *is_it);
        found.map_or(Self::Unknown, |(_, kind)| kind)
    }
}

/// A `descriptor-stat`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(super) struct Stat {
    #[component(name = "type")]
    kind: Kind,
    #[component(name = "link-count")]
    links: u64,
    size: u64,
    #[component(name = "data-access-timestamp")]
    accessed: Option<DateTime>,
    #[component(name = "data-modification-timestamp")]
    modified: Option<DateTime>,
    #[component(name = "status-change-timestamp")]
    changed: Option<DateTime>,
}

impl From<&Metadata> for Stat {
    fn from(metadata: &Metadata) -> Self {
        let time = |time: io::Result<cap_std::time::SystemTime>| {
            let time: SystemTime = time.ok()?.into_std();
            Some(DateTime::from(time))
        };
        Self {
            kind: metadata.file_type().into(),
            links: metadata.nlink(),
            size: metadata.len(),
            accessed: time(metadata.accessed()),
            modified: time(metadata.modified()),
            changed: None,
        }
    }
}

/// A `metadata-hash-value`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(super) struct MetadataHash {
    lower: u64,
    upper: u64,
}

impl From<&Metadata> for MetadataHash {
    fn from(metadata: &Metadata) -> Self {
        let hash = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            (salt, metadata.dev(), metadata.ino()).hash(&mut hasher);
            hasher.finish()
        };
        Self {
            lower: hash(0),
            upper: hash(1),
        }
    }
}

/// A `directory-entry`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(super) struct DirectoryEntry {
    #[component(name = "type")]
    pub(super) kind: Kind,
    pub(super) name: String,
}

/// A `descriptor`.
#[derive(Clone)]
pub(super) enum Descriptor {
    Directory {
        dir: Arc<Dir>,
        writable: bool,
    },
    File {
        file: Arc<File>,
        readable: bool,
        writable: bool,
    },
}

impl Descriptor {
    /// The directory that it is.
    pub(super) fn dir(&self) -> Result<&Dir, ErrorCode> {
        match self {
            Self::Directory { dir, .. } => Ok(dir),
            Self::File { .. } => Err(ErrorCode::NotDirectory),
        }
    }

    /// The directory that it is, to be changed.
    pub(super) fn dir_to_change(&self) -> Result<&Dir, ErrorCode> {
        match self {
            Self::Directory {
                writable: false, ..
            } => Err(ErrorCode::ReadOnly),
            _ => self.dir(),
        }
    }

    /// The file that it is, to be read.
    pub(super) fn file_to_read(&self) -> Result<&Arc<File>, ErrorCode> {
        match self {
            Self::Directory { .. } => Err(ErrorCode::IsDirectory),
            Self::File {
                readable: false, ..
            } => Err(ErrorCode::BadDescriptor),
            Self::File { file, .. } => Ok(file),
        }
    }

    /// The file that it is, to be written.
    pub(super) fn file_to_write(&self) -> Result<&Arc<File>, ErrorCode> {
        match self {
            Self::Directory { .. } => Err(ErrorCode::IsDirectory),
            Self::File {
                writable: false, ..
            } => Err(ErrorCode::BadDescriptor),
            Self::File { file, .. } => Ok(file),
        }
    }

    /// What can be done with it.
    pub(super) fn flags(&self) -> DescriptorFlags {
        let flag = |is_set: bool, flag: DescriptorFlags| match is_set {
            true => flag,
            false => DescriptorFlags::empty(),
        };
        match self {
            Self::Directory { writable, .. } => {
                DescriptorFlags::READ | flag(*writable, DescriptorFlags::MUTATE_DIRECTORY)
            }
            Self::File {
                readable, writable, ..
            } => flag(*readable, DescriptorFlags::READ) | flag(*writable, DescriptorFlags::WRITE),
        }
    }

    /// What the file system says about it.
    pub(super) fn metadata(&self) -> io::Result<Metadata> {
        match self {
            Self::Directory { dir, .. } => dir.dir_metadata(),
            Self::File { file, .. } => Metadata::from_file(file),
        }
    }
}
