//! From values to the types of a function's parameters.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use petrel_packed::Reader;

use crate::{Error, List, Map, Result, Value, ValueRef, kind};

/// A type that a bin, an element or an argument can be read as.
///
/// Integers are read as any integer type that holds them, `Option<T>` is `None` for nil and
/// for a missing bin, a tuple is a list of so many elements, and views ([`List`], [`Map`], `&str`,
/// `&[u8]`, [`ValueRef`]) do not copy.
///
/// ```
/// use petrel_udf::{Error, FromValue, Record, Result, ValueRef};
///
/// struct Percent(i64);
///
/// impl<'a> FromValue<'a> for Percent {
///     fn from_value(value: ValueRef<'a>) -> Result<Self> {
///         match i64::from_value(value)? {
///             percent @ 0..=100 => Ok(Self(percent)),
///             other => Err(Error::new(format!("{other} is more than 100"))),
///         }
///     }
/// }
///
/// let record = Record::testing().bin("done", 70).bin("left", 130).build();
/// assert_eq!(record.get::<Percent>("done").unwrap().0, 70);
/// assert!(record.get::<Percent>("left").is_err());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a bin or an argument",
    label = "not a type of an argument or a bin",
    note = "such types are integers, `f64`, `bool`, `&str`, `String`, `&[u8]`, `Vec<u8>`, `List`, `Map`, `ValueRef`, `Value`, and `Option`, `Vec`, maps and tuples of them",
    note = "for a type of your own implement `FromValue`; one of serde's is `petrel_udf::Serde<T>`, with the feature `serde`"
)]
pub trait FromValue<'a>: Sized {
    /// Whether nil is a value of the type: such arguments may be left out of a call.
    const NIL: bool = false;

    /// Reads the value.
    ///
    /// # Errors
    /// When it is of another type, saying which was expected.
    fn from_value(value: ValueRef<'a>) -> Result<Self>;

    /// Reads the next value of a packed list or map: a way past [`ValueRef`] for types that are
    /// read faster without it.
    #[doc(hidden)]
    #[inline]
    fn read(reader: &mut Reader<'a>) -> Result<Self> {
        Self::from_value(ValueRef::read(reader)?)
    }
}

#[cold]
fn expected<T>(what: &str, found: ValueRef<'_>) -> Result<T> {
    let found = kind::name(found.kind());
    Err(Error::new(format!("expected {what}, found {found}")))
}

impl<'a> FromValue<'a> for ValueRef<'a> {
    const NIL: bool = true;
    #[inline]
    fn from_value(value: ValueRef<'a>) -> Result<Self> {
        Ok(value)
    }
}

impl FromValue<'_> for i64 {
    #[inline]
    fn from_value(value: ValueRef<'_>) -> Result<Self> {
        match value {
            ValueRef::Int(i) => Ok(i),
            other => expected("integer", other),
        }
    }

    #[inline]
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        reader.next_int().ok_or_else(|| no_int(reader))
    }
}

#[cold]
fn no_int(reader: &Reader<'_>) -> Error {
    let found = ValueRef::read(&mut reader.clone());
    match found.and_then(i64::from_value) {
        Err(e) => e,
        // Not reached: `next_int` reads every integer.
        Ok(_) => Error::new("expected integer"),
    }
}

macro_rules! narrow {
    ($($int:ty)*) => {$(
        impl FromValue<'_> for $int {
            fn from_value(value: ValueRef<'_>) -> Result<Self> {
                let i = i64::from_value(value)?;
                Self::try_from(i).map_err(|_| {
                    Error::new(format!("{i} does not fit {}", stringify!($int)))
                })
            }
        }
    )*};
}
narrow!(i8 i16 i32 u16 u32 u64 usize isize);

impl FromValue<'_> for f64 {
    fn from_value(value: ValueRef<'_>) -> Result<Self> {
        match value {
            ValueRef::Float(f) => Ok(f),
            ValueRef::Int(i) => Ok(i as f64),
            other => expected("float", other),
        }
    }
}

impl FromValue<'_> for bool {
    fn from_value(value: ValueRef<'_>) -> Result<Self> {
        match value {
            ValueRef::Bool(b) => Ok(b),
            other => expected("boolean", other),
        }
    }
}

impl<'a> FromValue<'a> for &'a str {
    fn from_value(value: ValueRef<'a>) -> Result<Self> {
        match value {
            ValueRef::Str(s) | ValueRef::Geo(s) => Ok(s),
            other => expected("string", other),
        }
    }
}

impl FromValue<'_> for String {
    fn from_value(value: ValueRef<'_>) -> Result<Self> {
        <&str>::from_value(value).map(str::to_owned)
    }
}

impl<'a> FromValue<'a> for &'a [u8] {
    fn from_value(value: ValueRef<'a>) -> Result<Self> {
        match value {
            ValueRef::Blob(_, b) | ValueRef::Hll(b) => Ok(b),
            ValueRef::Str(s) => Ok(s.as_bytes()),
            other => expected("blob", other),
        }
    }
}

impl FromValue<'_> for Vec<u8> {
    fn from_value(value: ValueRef<'_>) -> Result<Self> {
        <&[u8]>::from_value(value).map(<[u8]>::to_vec)
    }
}

impl<'a> FromValue<'a> for List<'a> {
    fn from_value(value: ValueRef<'a>) -> Result<Self> {
        match value {
            ValueRef::List(list) => Ok(list),
            other => expected("list", other),
        }
    }
}

impl<'a> FromValue<'a> for Map<'a> {
    fn from_value(value: ValueRef<'a>) -> Result<Self> {
        match value {
            ValueRef::Map(map) => Ok(map),
            other => expected("map", other),
        }
    }
}

impl<'a, T: FromValue<'a>> FromValue<'a> for Vec<T> {
    fn from_value(value: ValueRef<'a>) -> Result<Self> {
        List::from_value(value)?.items().collect()
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self> {
        let mut inside = reader.clone();
        let Ok(n) = inside.list() else {
            return Self::from_value(ValueRef::read(reader)?);
        };
        let items = (0..n)
            .map(|_| T::read(&mut inside))
            .collect::<Result<_>>()?;
        *reader = inside;
        Ok(items)
    }
}

/// A tuple is a list of just so many elements.
macro_rules! tuples {
    ($($n:literal: $($t:ident)*;)*) => {$(
        impl<'a, $($t: FromValue<'a>),*> FromValue<'a> for ($($t,)*) {
            fn from_value(value: ValueRef<'a>) -> Result<Self> {
                let list = List::from_value(value)?;
                let mut items = list.iter();
                if list.len() != $n {
                    let message = format!("expected a list of {}, found one of {}", $n, list.len());
                    return Err(Error::new(message));
                }
                Ok(($($t::from_value(items.next().unwrap_or(Ok(ValueRef::Nil))?)?,)*))
            }

            #[inline]
            fn read(reader: &mut Reader<'a>) -> Result<Self> {
                let mut inside = reader.clone();
                if inside.list() != Ok($n) {
                    return Self::from_value(ValueRef::read(reader)?);
                }
                let items = ($($t::read(&mut inside)?,)*);
                *reader = inside;
                Ok(items)
            }
        }
    )*};
}
tuples! {
    2: A B;
    3: A B C;
    4: A B C D;
    5: A B C D E;
    6: A B C D E F;
}

impl<'a, K: FromValue<'a> + Ord, V: FromValue<'a>> FromValue<'a> for BTreeMap<K, V> {
    fn from_value(value: ValueRef<'a>) -> Result<Self> {
        entries(value)?.collect()
    }
}

impl<'a, K: FromValue<'a> + Eq + Hash, V: FromValue<'a>> FromValue<'a> for HashMap<K, V> {
    fn from_value(value: ValueRef<'a>) -> Result<Self> {
        entries(value)?.collect()
    }
}

fn entries<'a, K: FromValue<'a>, V: FromValue<'a>>(
    value: ValueRef<'a>,
) -> Result<impl Iterator<Item = Result<(K, V)>>> {
    Ok(Map::from_value(value)?.items())
}

impl<'a, T: FromValue<'a>> FromValue<'a> for Option<T> {
    const NIL: bool = true;
    #[inline]
    fn from_value(value: ValueRef<'a>) -> Result<Self> {
        match value {
            ValueRef::Nil => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl FromValue<'_> for Value {
    const NIL: bool = true;
    fn from_value(value: ValueRef<'_>) -> Result<Self> {
        Ok(match value {
            ValueRef::Nil => Self::Nil,
            ValueRef::Bool(b) => Self::Bool(b),
            ValueRef::Int(i) => Self::Int(i),
            ValueRef::Float(f) => Self::Float(f),
            ValueRef::Str(s) => Self::Str(s.into()),
            ValueRef::Blob(kind, b) => Self::Blob(kind, b.into()),
            ValueRef::List(list) => Self::List(list.items().collect::<Result<_>>()?),
            ValueRef::Map(_) => Self::Map(entries(value)?.collect::<Result<_>>()?),
            ValueRef::Geo(s) => Self::Geo(s.into()),
            ValueRef::Hll(b) => Self::Hll(b.into()),
        })
    }
}
