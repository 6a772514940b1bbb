//! The error that serde's traits ask for.

use std::fmt::{Display, Formatter};

/// Says what does not fit; it becomes an [`Error`](crate::Error) by `?`.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// The same, with the place where it is.
    pub(super) fn within(self, place: impl Display) -> Self {
        Self(format!("{place}: {self}"))
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl serde::de::Error for Failure {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl serde::ser::Error for Failure {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl From<crate::Error> for Failure {
    fn from(error: crate::Error) -> Self {
        Self(error.message().to_owned())
    }
}
