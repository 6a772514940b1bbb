//! The arguments of a call.

use petrel_packed::Reader;

use crate::value::malformed;
use crate::{Error, FromValue, Result, ValueRef};

/// How a function is called, as the macro describes it.
#[doc(hidden)]
pub struct Signature {
    /// The function's name.
    pub name: &'static str,
    /// Its doc comment.
    pub doc: &'static str,
    /// Its arguments: their names and types.
    pub arguments: &'static [(&'static str, &'static str)],
    /// The type of what it returns.
    pub returns: &'static str,
    /// The bins it reads, if it names them.
    pub bins: Option<&'static [&'static str]>,
    /// The bins it sets, if it names them.
    pub writes: Option<&'static [&'static str]>,
}

/// The arguments of a call, parsed once a batch.
#[doc(hidden)]
pub struct Arguments<'a> {
    signature: &'static Signature,
    values: Vec<ValueRef<'a>>,
}

impl<'a> Arguments<'a> {
    pub(crate) fn parse(signature: &'static Signature, packed: &'a [u8]) -> Result<Self> {
        let mut values = Vec::new();
        if !packed.is_empty() {
            let mut reader = Reader::new(packed);
            let n = reader.list().map_err(malformed)?;
            for _ in 0..n {
                values.push(ValueRef::read(&mut reader)?);
            }
        }
        let arguments = Self { signature, values };
        if arguments.values.len() > signature.arguments.len() {
            return Err(arguments.wrong_count());
        }
        Ok(arguments)
    }

    /// Argument number `i`; one left out counts as nil where the type takes it.
    #[inline]
    pub fn get<T: FromValue<'a>>(&self, i: usize) -> Result<T> {
        match self.values.get(i) {
            Some(value) => T::from_value(*value).map_err(|e| self.wrong_type(i, &e)),
            None if T::NIL => T::from_value(ValueRef::Nil),
            None => Err(self.wrong_count()),
        }
    }

    #[cold]
    fn wrong_type(&self, i: usize, cause: &Error) -> Error {
        let Signature {
            name, arguments, ..
        } = self.signature;
        let (argument, ty) = arguments.get(i).copied().unwrap_or_default();
        Error::arguments(format!(
            "{name}: argument {} ({argument}: {ty}): {}",
            i + 1,
            cause.message()
        ))
    }

    #[cold]
    fn wrong_count(&self) -> Error {
        let Signature {
            name, arguments, ..
        } = self.signature;
        let mut signature = String::new();
        for (argument, ty) in *arguments {
            let comma = if signature.is_empty() { "" } else { ", " };
            signature.extend([comma, argument, ": ", ty]);
        }
        let expected = arguments.len();
        Error::arguments(format!(
            "{name}({signature}) takes {expected} argument{}, {} given",
            if expected == 1 { "" } else { "s" },
            self.values.len()
        ))
    }
}
