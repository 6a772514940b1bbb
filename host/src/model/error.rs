//! The protocol's result codes, and the error that carries one.

use std::borrow::Cow;

/// An error with the protocol's result code and a message for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} (result code {}, {code:?})", .code.value())]
pub struct Error {
    /// What goes over the wire.
    pub code: ResultCode,
    /// What happened, where, and what to do next.
    pub message: Cow<'static, str>,
}

/// A result with the protocol's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `code` with a message.
    pub fn new(code: ResultCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

impl From<ResultCode> for Error {
    fn from(code: ResultCode) -> Self {
        Self::new(code, code.text())
    }
}

macro_rules! codes {
    ($($name:ident = $value:literal, $text:literal;)*) => {
        /// Result codes of the Aerospike protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum ResultCode {
            $(#[doc = $text] $name = $value,)*
        }
        impl ResultCode {
            /// The code's plain words.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

codes! {
    Ok = 0, "ok";
    ServerError = 1, "server error";
    NotFound = 2, "record not found";
    Generation = 3, "generation does not match";
    ParameterError = 4, "bad parameter";
    RecordExists = 5, "record exists already";
    BinExists = 6, "bin exists already";
    ServerMemory = 8, "out of memory";
    Timeout = 9, "timeout";
    AlwaysForbidden = 10, "always forbidden";
    PartitionUnavailable = 11, "partition unavailable";
    BinType = 12, "bin has another type";
    RecordTooBig = 13, "record too big";
    KeyBusy = 14, "key busy";
    ScanAborted = 15, "scan aborted";
    Unsupported = 16, "not supported";
    BinNotFound = 17, "bin not found";
    DeviceOverload = 18, "device overload";
    KeyMismatch = 19, "stored key does not match";
    InvalidNamespace = 20, "unknown namespace";
    BinName = 21, "bin name too long";
    Forbidden = 22, "forbidden now";
    ElementNotFound = 23, "element not found";
    ElementExists = 24, "element exists already";
    EnterpriseOnly = 25, "not in this edition";
    OpNotApplicable = 26, "operation not applicable";
    FilteredOut = 27, "filtered out";
    LostConflict = 28, "lost conflict";
    QueryEnd = 50, "end of query";
    SecurityNotSupported = 51, "security not supported";
    UdfExecution = 100, "udf failed";
    BatchDisabled = 150, "batch disabled";
    BatchMaxRequests = 151, "batch too large";
    IndexFound = 200, "index exists already";
    IndexNotFound = 201, "index not found";
    IndexOom = 202, "index out of memory";
    IndexNotReadable = 203, "index not readable";
    IndexGeneric = 204, "index error";
    IndexMaxCount = 206, "too many indexes";
    QueryAborted = 210, "query aborted";
    QueryQueueFull = 211, "query queue full";
    QueryTimeout = 212, "query timeout";
    QueryGeneric = 213, "query error";
}

impl ResultCode {
    /// The byte on the wire.
    pub fn value(self) -> u8 {
        self as u8
    }
}
