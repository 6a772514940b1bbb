//! Why a function failed.

use std::borrow::Cow;
use std::fmt::{Debug, Display, Formatter};

/// A failed invocation: its message goes to the caller, its effects are discarded.
///
/// Made from anything that can be displayed, so `?` takes every error and
/// `Err("no stock left")?` works. For that reason it is not `Display` itself; see
/// [`Error::message`].
///
/// ```
/// use petrel_udf::{Record, Result};
///
/// fn take(record: &mut Record, count: i64) -> Result<i64> {
///     let stock = record.get_int("stock")?;
///     if stock < count {
///         Err("no stock left")?;
///     }
///     record.set("stock", stock - count)?;
///     record.update()?;
///     Ok(stock - count)
/// }
///
/// let mut record = Record::testing().bin("stock", 2).build();
/// assert_eq!(take(&mut record, 2).unwrap(), 0);
/// assert_eq!(take(&mut record, 1).unwrap_err().message(), "no stock left");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    message: Cow<'static, str>,
    arguments: bool,
}

/// What a function returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure with a message.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            message: message.into(),
            arguments: false,
        }
    }

    /// Says that the arguments of the call do not fit the function.
    pub fn arguments(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            message: message.into(),
            arguments: true,
        }
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the arguments are to blame.
    pub fn is_arguments(&self) -> bool {
        self.arguments
    }

    #[cold]
    pub(crate) fn within(self, place: impl Display) -> Self {
        Self {
            message: format!("{place}: {}", self.message).into(),
            arguments: self.arguments,
        }
    }
}

impl<T: Display> From<T> for Error {
    fn from(cause: T) -> Self {
        Self::new(cause.to_string())
    }
}

impl Debug for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        Debug::fmt(&self.message, f)
    }
}

/// The error of packed records that end too early.
#[cold]
pub(crate) fn cut(_: petrel_packed::Cut) -> Error {
    Error::new("the packed records are cut off")
}
