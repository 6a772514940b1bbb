//! `error-code`: how the file system says no.

use std::io;

use wasmtime::component::{ComponentType, Lower};

/// An `error-code`.
#[derive(Clone, Copy, Debug, ComponentType, Lower)]
#[component(enum)]
#[repr(u8)]
#[allow(
    dead_code,
    reason = "a component may be told any of them, and this host tells it some"
)]
pub(super) enum ErrorCode {
    #[component(name = "access")]
    Access,
    #[component(name = "would-block")]
    WouldBlock,
    #[component(name = "already")]
    Already,
    #[component(name = "bad-descriptor")]
    BadDescriptor,
    #[component(name = "busy")]
    Busy,
    #[component(name = "deadlock")]
    Deadlock,
    #[component(name = "quota")]
    Quota,
    #[component(name = "exist")]
    Exist,
    #[component(name = "file-too-large")]
    FileTooLarge,
    #[component(name = "illegal-byte-sequence")]
    IllegalByteSequence,
    #[component(name = "in-progress")]
    InProgress,
    #[component(name = "interrupted")]
    Interrupted,
    #[component(name = "invalid")]
    Invalid,
    #[component(name = "io")]
    Io,
    #[component(name = "is-directory")]
    IsDirectory,
    #[component(name = "loop")]
    Loop,
    #[component(name = "too-many-links")]
    TooManyLinks,
    #[component(name = "message-size")]
    MessageSize,
    #[component(name = "name-too-long")]
    NameTooLong,
    #[component(name = "no-device")]
    NoDevice,
    #[component(name = "no-entry")]
    NoEntry,
    #[component(name = "no-lock")]
    NoLock,
    #[component(name = "insufficient-memory")]
    InsufficientMemory,
    #[component(name = "insufficient-space")]
    InsufficientSpace,
    #[component(name = "not-directory")]
    NotDirectory,
    #[component(name = "not-empty")]
    NotEmpty,
    #[component(name = "not-recoverable")]
    NotRecoverable,
    #[component(name = "unsupported")]
    Unsupported,
    #[component(name = "no-tty")]
    NoTty,
    #[component(name = "no-such-device")]
    NoSuchDevice,
    #[component(name = "overflow")]
    Overflow,
    #[component(name = "not-permitted")]
    NotPermitted,
    #[component(name = "pipe")]
    Pipe,
    #[component(name = "read-only")]
    ReadOnly,
    #[component(name = "invalid-seek")]
    InvalidSeek,
    #[component(name = "text-file-busy")]
    TextFileBusy,
    #[component(name = "cross-device")]
    CrossDevice,
}

impl From<&io::Error> for ErrorCode {
    fn from(e: &io::Error) -> Self {
        match e.raw_os_error() {
            Some(libc::EACCES) => Self::Access,
            Some(libc::EBUSY) => Self::Busy,
            Some(libc::EDQUOT) => Self::Quota,
            Some(libc::EEXIST) => Self::Exist,
            Some(libc::EFBIG) => Self::FileTooLarge,
            Some(libc::EINTR) => Self::Interrupted,
            Some(libc::EINVAL) => Self::Invalid,
            Some(libc::EISDIR) => Self::IsDirectory,
            Some(libc::ELOOP) => Self::Loop,
            Some(libc::EMLINK) => Self::TooManyLinks,
            Some(libc::ENAMETOOLONG) => Self::NameTooLong,
            Some(libc::ENOENT) => Self::NoEntry,
            Some(libc::ENOSPC) => Self::InsufficientSpace,
            Some(libc::ENOTDIR) => Self::NotDirectory,
            Some(libc::ENOTEMPTY) => Self::NotEmpty,
            Some(libc::EPERM) => Self::NotPermitted,
            Some(libc::EROFS) => Self::ReadOnly,
            Some(libc::EXDEV) => Self::CrossDevice,
            Some(_) => Self::Io,
            None => match e.kind() {
                io::ErrorKind::NotFound => Self::NoEntry,
                io::ErrorKind::IsADirectory => Self::IsDirectory,
                // What leads out of the directory.
                io::ErrorKind::PermissionDenied => Self::NotPermitted,
                io::ErrorKind::InvalidInput => Self::Invalid,
                _ => Self::Io,
            },
        }
    }
}
