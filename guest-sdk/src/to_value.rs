//! From the types of a function's results to values.

use std::collections::{BTreeMap, HashMap};

use petrel_packed::{
    ParticleType, geo_particle, pack_bool, pack_bytes, pack_float, pack_int, pack_list_len,
    pack_nil,
};

use crate::{Error, List, Map, MapBuilder, Result, Value, ValueRef, kind};

/// A type that can be stored in a bin or returned.
///
/// ```
/// use petrel_udf::{Record, Value};
///
/// let mut record = Record::testing().build();
/// record.set("name", "Ann").unwrap();
/// record.set("scores", vec![1, 2, 3]).unwrap();
/// record.set("nothing", None::<i64>).unwrap();
/// record.set("mixed", vec![Value::Int(1), Value::Nil]).unwrap();
/// assert_eq!(record.bin_names(), ["name", "scores", "mixed"]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be stored in a bin or returned",
    label = "not a value of a record",
    note = "values are `i64` and smaller integers, `usize`, `f64`, `bool`, `&str`, `String`, `Vec<u8>`, `()`, `Value`, views and builders of lists and maps, and `Option`, `Vec`, maps and tuples of them",
    note = "for a type of serde's there is `petrel_udf::serde::to_value`, with the feature `serde`"
)]
pub trait ToValue {
    /// Its particle type.
    fn kind(&self) -> u8;

    /// Appends the particle: the value as a bin holds it.
    fn write_particle(&self, out: &mut Vec<u8>);

    /// Appends the value as a list or map holds it.
    fn write_packed(&self, out: &mut Vec<u8>);
}

/// What a function may return: a value, or a [`Result`] of one.
///
/// ```
/// use petrel_udf::{Outcome, Value};
///
/// assert_eq!(5.outcome().unwrap(), 5);
/// assert!(Err::<Value, _>("no stock left").outcome().is_err());
/// ```
#[diagnostic::on_unimplemented(
    message = "a UDF cannot return `{Self}`",
    label = "not a value, nor a `Result` of one",
    note = "values are `i64` and smaller integers, `usize`, `f64`, `bool`, `&str`, `String`, `Vec<u8>`, `()`, `Value`, views and builders of lists and maps, and `Option`, `Vec`, maps and tuples of them",
    note = "a type of serde's is returned as `petrel_udf::Serde`, with the feature `serde`"
)]
pub trait Outcome {
    /// The value's type.
    type Value: ToValue;

    /// The value or the failure.
    ///
    /// # Errors
    /// The function's own.
    fn outcome(self) -> Result<Self::Value>;
}

impl<T: ToValue> Outcome for T {
    type Value = T;
    fn outcome(self) -> Result<T> {
        Ok(self)
    }
}

impl<T: Outcome, E: Into<Error>> Outcome for Result<T, E> {
    type Value = T::Value;
    #[inline]
    fn outcome(self) -> Result<T::Value> {
        self.map_err(Into::into).and_then(T::outcome)
    }
}

impl ToValue for i64 {
    #[inline]
    fn kind(&self) -> u8 {
        kind::INTEGER
    }
    #[inline]
    fn write_particle(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }
    #[inline]
    fn write_packed(&self, out: &mut Vec<u8>) {
        pack_int(*self, out);
    }
}

macro_rules! as_i64 {
    ($($int:ty)*) => {$(
        impl ToValue for $int {
            fn kind(&self) -> u8 {
                kind::INTEGER
            }
            fn write_particle(&self, out: &mut Vec<u8>) {
                i64::from(*self).write_particle(out);
            }
            fn write_packed(&self, out: &mut Vec<u8>) {
                pack_int(i64::from(*self), out);
            }
        }
    )*};
}
as_i64!(i8 i16 i32 u16 u32);

/// For lengths and counts, none of which is more than `i64::MAX`; what is more counts as that.
impl ToValue for usize {
    fn kind(&self) -> u8 {
        kind::INTEGER
    }
    fn write_particle(&self, out: &mut Vec<u8>) {
        i64::try_from(*self).unwrap_or(i64::MAX).write_particle(out);
    }
    fn write_packed(&self, out: &mut Vec<u8>) {
        pack_int(i64::try_from(*self).unwrap_or(i64::MAX), out);
    }
}

impl ToValue for f64 {
    fn kind(&self) -> u8 {
        kind::FLOAT
    }
    fn write_particle(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }
    fn write_packed(&self, out: &mut Vec<u8>) {
        pack_float(*self, out);
    }
}

impl ToValue for bool {
    fn kind(&self) -> u8 {
        kind::BOOL
    }
    fn write_particle(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn write_packed(&self, out: &mut Vec<u8>) {
        pack_bool(*self, out);
    }
}

impl ToValue for () {
    fn kind(&self) -> u8 {
        kind::NIL
    }
    fn write_particle(&self, _: &mut Vec<u8>) {}
    fn write_packed(&self, out: &mut Vec<u8>) {
        pack_nil(out);
    }
}

impl ToValue for str {
    fn kind(&self) -> u8 {
        kind::STRING
    }
    #[inline]
    fn write_particle(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
    #[inline]
    fn write_packed(&self, out: &mut Vec<u8>) {
        pack_bytes(ParticleType::STRING, self.as_bytes(), out);
    }
}

impl ToValue for [u8] {
    fn kind(&self) -> u8 {
        kind::BLOB
    }
    fn write_particle(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
    fn write_packed(&self, out: &mut Vec<u8>) {
        pack_bytes(ParticleType::BLOB, self, out);
    }
}

impl<T: ToValue> ToValue for [T] {
    fn kind(&self) -> u8 {
        kind::LIST
    }
    fn write_particle(&self, out: &mut Vec<u8>) {
        self.write_packed(out);
    }
    fn write_packed(&self, out: &mut Vec<u8>) {
        pack_list_len(self.len() as u32, out);
        for item in self {
            item.write_packed(out);
        }
    }
}

/// Types that are written as what they deref to.
macro_rules! through {
    ($([$($generics:tt)*] $ty:ty => $inner:ty;)*) => {$(
        impl<$($generics)*> ToValue for $ty {
            #[inline]
            fn kind(&self) -> u8 {
                <$inner as ToValue>::kind(self)
            }
            #[inline]
            fn write_particle(&self, out: &mut Vec<u8>) {
                <$inner as ToValue>::write_particle(self, out);
            }
            #[inline]
            fn write_packed(&self, out: &mut Vec<u8>) {
                <$inner as ToValue>::write_packed(self, out);
            }
        }
    )*};
}
through! {
    [] String => str;
    [] Vec<u8> => [u8];
    [T: ToValue] Vec<T> => [T];
    [T: ToValue, const N: usize] [T; N] => [T];
    [T: ToValue + ?Sized] &T => T;
    [T: ToValue + ?Sized] Box<T> => T;
}

impl<T: ToValue> ToValue for Option<T> {
    fn kind(&self) -> u8 {
        self.as_ref().map_or(kind::NIL, T::kind)
    }
    fn write_particle(&self, out: &mut Vec<u8>) {
        if let Some(value) = self {
            value.write_particle(out);
        }
    }
    fn write_packed(&self, out: &mut Vec<u8>) {
        match self {
            Some(value) => value.write_packed(out),
            None => pack_nil(out),
        }
    }
}

/// A tuple is written as a list.
macro_rules! tuples {
    ($($n:literal: $($t:ident $i:tt)*;)*) => {$(
        impl<$($t: ToValue),*> ToValue for ($($t,)*) {
            fn kind(&self) -> u8 {
                kind::LIST
            }
            fn write_particle(&self, out: &mut Vec<u8>) {
                self.write_packed(out);
            }
            fn write_packed(&self, out: &mut Vec<u8>) {
                pack_list_len($n, out);
                $(self.$i.write_packed(out);)*
            }
        }
    )*};
}
tuples! {
    2: A 0 B 1;
    3: A 0 B 1 C 2;
    4: A 0 B 1 C 2 D 3;
    5: A 0 B 1 C 2 D 3 E 4;
    6: A 0 B 1 C 2 D 3 E 4 F 5;
}

macro_rules! maps {
    ($($ty:ident)*) => {$(
        impl<K: ToValue, V: ToValue> ToValue for $ty<K, V> {
            fn kind(&self) -> u8 {
                kind::MAP
            }
            fn write_particle(&self, out: &mut Vec<u8>) {
                self.write_packed(out);
            }
            fn write_packed(&self, out: &mut Vec<u8>) {
                let mut map = MapBuilder::new();
                for (k, v) in self {
                    map.insert(k, v);
                }
                map.write_packed(out);
            }
        }
    )*};
}
maps!(BTreeMap HashMap);

/// Views are packed already.
macro_rules! views {
    ($($ty:ident $kind:ident;)*) => {$(
        impl ToValue for $ty<'_> {
            fn kind(&self) -> u8 {
                kind::$kind
            }
            fn write_particle(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(self.as_packed());
            }
            fn write_packed(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(self.as_packed());
            }
        }
    )*};
}
views! { List LIST; Map MAP; }

impl ToValue for ValueRef<'_> {
    fn kind(&self) -> u8 {
        ValueRef::kind(self)
    }

    fn write_particle(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nil => {}
            Self::Bool(b) => b.write_particle(out),
            Self::Int(i) => i.write_particle(out),
            Self::Float(f) => f.write_particle(out),
            Self::Str(s) => s.write_particle(out),
            Self::Blob(_, b) | Self::Hll(b) => out.extend_from_slice(b),
            Self::List(list) => list.write_particle(out),
            Self::Map(map) => map.write_particle(out),
            Self::Geo(s) => geo_particle(s.as_bytes(), out),
        }
    }

    fn write_packed(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nil => pack_nil(out),
            Self::Bool(b) => pack_bool(*b, out),
            Self::Int(i) => pack_int(*i, out),
            Self::Float(f) => pack_float(*f, out),
            Self::Str(s) => s.write_packed(out),
            Self::Blob(kind, b) => pack_bytes(ParticleType(*kind), b, out),
            Self::List(list) => list.write_packed(out),
            Self::Map(map) => map.write_packed(out),
            Self::Geo(s) => pack_bytes(ParticleType::GEOJSON, s.as_bytes(), out),
            Self::Hll(b) => pack_bytes(ParticleType::HLL, b, out),
        }
    }
}

impl ToValue for Value {
    fn kind(&self) -> u8 {
        match self {
            Self::Nil => kind::NIL,
            Self::Bool(_) => kind::BOOL,
            Self::Int(_) => kind::INTEGER,
            Self::Float(_) => kind::FLOAT,
            Self::Str(_) => kind::STRING,
            Self::Blob(kind, _) => *kind,
            Self::List(_) => kind::LIST,
            Self::Map(_) => kind::MAP,
            Self::Geo(_) => kind::GEOJSON,
            Self::Hll(_) => kind::HLL,
        }
    }

    fn write_particle(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nil => {}
            Self::Bool(b) => b.write_particle(out),
            Self::Int(i) => i.write_particle(out),
            Self::Float(f) => f.write_particle(out),
            Self::Str(s) => s.write_particle(out),
            Self::Blob(_, b) | Self::Hll(b) => out.extend_from_slice(b),
            Self::List(_) | Self::Map(_) => self.write_packed(out),
            Self::Geo(s) => geo_particle(s.as_bytes(), out),
        }
    }

    fn write_packed(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nil => pack_nil(out),
            Self::Bool(b) => pack_bool(*b, out),
            Self::Int(i) => pack_int(*i, out),
            Self::Float(f) => pack_float(*f, out),
            Self::Str(s) => s.write_packed(out),
            Self::Blob(kind, b) => pack_bytes(ParticleType(*kind), b, out),
            Self::List(items) => items.write_packed(out),
            Self::Map(entries) => {
                let mut map = MapBuilder::new();
                for (k, v) in entries {
                    map.insert(k, v);
                }
                map.write_packed(out);
            }
            Self::Geo(s) => pack_bytes(ParticleType::GEOJSON, s.as_bytes(), out),
            Self::Hll(b) => pack_bytes(ParticleType::HLL, b, out),
        }
    }
}
