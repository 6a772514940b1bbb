//! Why a function of WASI fails.

use std::io;

use wasmtime::component::ResourceTableError;

use super::error_code::ErrorCode;

/// Why a call fails: by what it answers, or by the component's fault.
pub(super) enum Failure<E> {
    Answer(E),
    Fault(wasmtime::Error),
}

impl<E> From<wasmtime::Error> for Failure<E> {
    fn from(e: wasmtime::Error) -> Self {
        Self::Fault(e)
    }
}

impl<E> From<ResourceTableError> for Failure<E> {
    fn from(e: ResourceTableError) -> Self {
        Self::Fault(e.into())
    }
}

impl From<io::Error> for Failure<io::Error> {
    fn from(e: io::Error) -> Self {
        Self::Answer(e)
    }
}

impl From<ErrorCode> for Failure<ErrorCode> {
    fn from(code: ErrorCode) -> Self {
        Self::Answer(code)
    }
}

impl From<io::Error> for Failure<ErrorCode> {
    fn from(e: io::Error) -> Self {
        Self::Answer(ErrorCode::from(&e))
    }
}
