//! From types of serde's to values.

use ::serde::Serialize;
use ::serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::failure::Failure;
use crate::{Value, kind};

/// Where a value is made.
pub(super) struct Sink;

/// A list being made, of a variant of an enum if there is one.
pub(super) struct Items {
    items: Vec<Value>,
    variant: Option<&'static str>,
}

/// A map being made, of a variant of an enum if there is one.
pub(super) struct Entries {
    entries: Vec<(Value, Value)>,
    variant: Option<&'static str>,
}

fn text(text: &str) -> Value {
    Value::Str(text.to_owned())
}

/// A value within its variant.
fn chosen(variant: Option<&'static str>, value: Value) -> Value {
    match variant {
        Some(variant) => Value::Map(vec![(text(variant), value)]),
        None => value,
    }
}

fn items(len: usize, variant: Option<&'static str>) -> Items {
    Items {
        items: Vec::with_capacity(len),
        variant,
    }
}

fn entries(len: usize, variant: Option<&'static str>) -> Entries {
    Entries {
        entries: Vec::with_capacity(len),
        variant,
    }
}

impl Serializer for Sink {
    type Ok = Value;
    type Error = Failure;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    fn serialize_bool(self, v: bool) -> Result<Value, Failure> {
        Ok(Value::Bool(v))
    }

    fn serialize_i8(self, v: i8) -> Result<Value, Failure> {
        Ok(Value::Int(v.into()))
    }

    fn serialize_i16(self, v: i16) -> Result<Value, Failure> {
        Ok(Value::Int(v.into()))
    }

    fn serialize_i32(self, v: i32) -> Result<Value, Failure> {
        Ok(Value::Int(v.into()))
    }

    fn serialize_i64(self, v: i64) -> Result<Value, Failure> {
        Ok(Value::Int(v))
    }

    fn serialize_u8(self, v: u8) -> Result<Value, Failure> {
        Ok(Value::Int(v.into()))
    }

    fn serialize_u16(self, v: u16) -> Result<Value, Failure> {
        Ok(Value::Int(v.into()))
    }

    fn serialize_u32(self, v: u32) -> Result<Value, Failure> {
        Ok(Value::Int(v.into()))
    }

    fn serialize_u64(self, v: u64) -> Result<Value, Failure> {
        let fits = i64::try_from(v).map(Value::Int);
        fits.map_err(|_| Failure::custom(format_args!("{v} does not fit i64")))
    }

    fn serialize_f32(self, v: f32) -> Result<Value, Failure> {
        Ok(Value::Float(v.into()))
    }

    fn serialize_f64(self, v: f64) -> Result<Value, Failure> {
        Ok(Value::Float(v))
    }

    fn serialize_char(self, v: char) -> Result<Value, Failure> {
        Ok(Value::Str(v.into()))
    }

    fn serialize_str(self, v: &str) -> Result<Value, Failure> {
        Ok(text(v))
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<Value, Failure> {
        Ok(Value::Blob(kind::BLOB, v.to_owned()))
    }

    fn serialize_none(self) -> Result<Value, Failure> {
        Ok(Value::Nil)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Failure> {
        value.serialize(Self)
    }

    fn serialize_unit(self) -> Result<Value, Failure> {
        Ok(Value::Nil)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Failure> {
        Ok(Value::Nil)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, Failure> {
        Ok(text(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value, Failure> {
        value.serialize(Self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, Failure> {
        Ok(chosen(Some(variant), value.serialize(Self)?))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Items, Failure> {
        Ok(items(len.unwrap_or_default(), None))
    }

    fn serialize_tuple(self, len: usize) -> Result<Items, Failure> {
        Ok(items(len, None))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Items, Failure> {
        Ok(items(len, None))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Items, Failure> {
        Ok(items(len, Some(variant)))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Entries, Failure> {
        Ok(entries(len.unwrap_or_default(), None))
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Entries, Failure> {
        Ok(entries(len, None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Entries, Failure> {
        Ok(entries(len, Some(variant)))
    }
}

impl Items {
    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        self.items.push(value.serialize(Sink)?);
        Ok(())
    }

    fn done(self) -> Value {
        chosen(self.variant, Value::List(self.items))
    }
}

impl Entries {
    fn field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Failure> {
        let value = value.serialize(Sink).map_err(|e| e.within(name))?;
        self.entries.push((text(name), value));
        Ok(())
    }

    fn done(self) -> Value {
        chosen(self.variant, Value::Map(self.entries))
    }
}

/// Traits of serde's that are the same thing under several names.
macro_rules! lists {
    ($($name:ident $add:ident;)*) => {$(
        impl $name for Items {
            type Ok = Value;
            type Error = Failure;
            fn $add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
                self.add(value)
            }
            fn end(self) -> Result<Value, Failure> {
                Ok(self.done())
            }
        }
    )*};
}
lists! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

/// The same for structs.
macro_rules! structs {
    ($($name:ident)*) => {$(
        impl $name for Entries {
            type Ok = Value;
            type Error = Failure;
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Failure> {
                self.field(name, value)
            }
            fn end(self) -> Result<Value, Failure> {
                Ok(self.done())
            }
        }
    )*};
}
structs!(SerializeStruct SerializeStructVariant);

impl SerializeMap for Entries {
    type Ok = Value;
    type Error = Failure;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failure> {
        self.entries.push((key.serialize(Sink)?, Value::Nil));
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        let value = value.serialize(Sink)?;
        if let Some((_, last)) = self.entries.last_mut() {
            *last = value;
        }
        Ok(())
    }

    fn end(self) -> Result<Value, Failure> {
        Ok(self.done())
    }
}
