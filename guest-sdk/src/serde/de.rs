//! From values to types of serde's.

use ::serde::de::value::StrDeserializer;
use ::serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use ::serde::forward_to_deserialize_any;
use petrel_packed::Reader;

use super::failure::Failure;
use crate::{List, Map, ValueRef};

/// A value to be read.
pub(super) struct Source<'a>(pub ValueRef<'a>);

impl<'de> Deserializer<'de> for Source<'de> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.0 {
            ValueRef::Nil => visitor.visit_unit(),
            ValueRef::Bool(b) => visitor.visit_bool(b),
            ValueRef::Int(i) => visitor.visit_i64(i),
            ValueRef::Float(f) => visitor.visit_f64(f),
            ValueRef::Str(s) | ValueRef::Geo(s) => visitor.visit_borrowed_str(s),
            ValueRef::Blob(_, b) | ValueRef::Hll(b) => visitor.visit_borrowed_bytes(b),
            ValueRef::List(list) => visitor.visit_seq(Items::new(list)),
            ValueRef::Map(map) => visitor.visit_map(Entries::new(map)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.0 {
            ValueRef::Nil => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        match self.0 {
            ValueRef::Str(variant) => visitor.visit_enum(variant.into_deserializer()),
            ValueRef::Map(map) if map.len() == 1 => {
                let (variant, value) = map.items().next().unwrap_or(Ok(("", ValueRef::Nil)))?;
                visitor.visit_enum(Chosen { variant, value })
            }
            other => {
                let found = crate::kind::name(other.kind());
                let message = format!(
                    "expected the name of a variant of {name}, or a map of one entry; found {found}"
                );
                Err(Failure::custom(message))
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The elements of a list.
struct Items<'a> {
    reader: Reader<'a>,
    len: usize,
    at: usize,
}

impl<'a> Items<'a> {
    fn new(list: List<'a>) -> Self {
        Self {
            reader: list.reader(),
            len: list.len(),
            at: 0,
        }
    }
}

impl<'a> SeqAccess<'a> for Items<'a> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'a>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Failure> {
        if self.at == self.len {
            return Ok(None);
        }
        let item = Source(ValueRef::read(&mut self.reader)?);
        let read = seed.deserialize(item);
        self.at += 1;
        read.map(Some)
            .map_err(|e| e.within(format_args!("element {}", self.at)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.len - self.at)
    }
}

/// The entries of a map.
struct Entries<'a> {
    reader: Reader<'a>,
    left: usize,
    key: ValueRef<'a>,
}

impl<'a> Entries<'a> {
    fn new(map: Map<'a>) -> Self {
        Self {
            reader: map.reader(),
            left: map.len(),
            key: ValueRef::Nil,
        }
    }
}

impl<'a> MapAccess<'a> for Entries<'a> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'a>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Failure> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.key = ValueRef::read(&mut self.reader)?;
        seed.deserialize(Source(self.key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        let value = Source(ValueRef::read(&mut self.reader)?);
        seed.deserialize(value).map_err(|e| match self.key {
            ValueRef::Str(key) => e.within(key),
            ValueRef::Int(key) => e.within(key),
            _ => e,
        })
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// A variant of an enum with what it holds.
struct Chosen<'a> {
    variant: &'a str,
    value: ValueRef<'a>,
}

impl<'a> EnumAccess<'a> for Chosen<'a> {
    type Error = Failure;
    type Variant = Source<'a>;

    fn variant_seed<V: DeserializeSeed<'a>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Source<'a>), Failure> {
        let variant: StrDeserializer<'_, Failure> = self.variant.into_deserializer();
        Ok((seed.deserialize(variant)?, Source(self.value)))
    }
}

impl<'a> VariantAccess<'a> for Source<'a> {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        match self.0 {
            ValueRef::Nil => Ok(()),
            _ => Err(Failure::custom("this variant holds nothing")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'a>>(self, seed: T) -> Result<T::Value, Failure> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'a>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'a>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_any(visitor)
    }
}
