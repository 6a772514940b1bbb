//! Values of serde's types.
//!
//! A struct is a map by the names of its fields, a sequence or tuple a list, an enum a string or a map
//! of one entry (serde's default), `None` nil. Integers have to fit 64 bits with a sign.

mod de;
mod failure;
mod ser;

use ::serde::{Deserialize, Serialize};

use crate::{FromValue, Outcome, Result, Value, ValueRef};

/// A value of a type that is serde's: as an argument, a bin or an element when it is `Deserialize`, as a
/// result when it is `Serialize`.
///
/// ```
/// use petrel_udf::{MapBuilder, Record, Result, Serde};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Deserialize)]
/// struct Order {
///     item: String,
///     #[serde(default)]
///     count: Option<u32>,
/// }
///
/// #[derive(Serialize)]
/// struct Receipt {
///     item: String,
///     left: i64,
/// }
///
/// #[petrel_udf::udf]
/// fn sell(record: &mut Record, order: Serde<Order>) -> Result<Serde<Receipt>> {
///     let Serde(Order { item, count }) = order;
///     let left = record.get_int(&item)? - i64::from(count.unwrap_or(1));
///     record.set(&item, left)?;
///     record.update()?;
///     Ok(Serde(Receipt { item, left }))
/// }
///
/// let mut record = Record::testing().bin("tea", 7).build();
/// let order = Order { item: "tea".into(), count: Some(2) };
/// assert_eq!(sell(&mut record, Serde(order)).unwrap().0.left, 5);
///
/// let mut order = MapBuilder::new();
/// order.insert("item", 5);
/// let record = Record::testing().bin("order", &order).build();
/// let error = record.get::<Serde<Order>>("order").err().unwrap();
/// let says = "bin order: item: invalid type: integer `5`, expected a string";
/// assert_eq!(error.message(), says);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Serde<T>(pub T);

impl<'a, T: Deserialize<'a>> FromValue<'a> for Serde<T> {
    fn from_value(value: ValueRef<'a>) -> Result<Self> {
        from_value(value).map(Self)
    }
}

impl<T: Serialize> Outcome for Serde<T> {
    type Value = Value;

    fn outcome(self) -> Result<Value> {
        to_value(&self.0)
    }
}

/// Reads a value as a type of serde's; strings and bytes can be borrowed.
///
/// ```
/// use petrel_udf::{Record, serde::from_value};
///
/// let record = Record::testing().bin("point", (1, 2.5)).build();
/// let point: (u8, f32) = from_value(record.value("point").unwrap()).unwrap();
/// assert_eq!(point, (1, 2.5));
/// ```
///
/// # Errors
/// When it does not fit, with the place in it.
pub fn from_value<'a, T: Deserialize<'a>>(value: ValueRef<'a>) -> Result<T> {
    Ok(T::deserialize(de::Source(value))?)
}

/// Makes a value of a type of serde's.
///
/// ```
/// use petrel_udf::{Record, serde::to_value};
///
/// #[derive(serde::Serialize)]
/// struct Point { x: u8, y: f32 }
///
/// let mut record = Record::testing().build();
/// record.set("point", to_value(&Point { x: 1, y: 2.5 }).unwrap()).unwrap();
/// assert_eq!(record.map("point").unwrap().get("y").unwrap(), Some(2.5));
/// ```
///
/// # Errors
/// When the type says so, or an integer does not fit 64 bits with a sign.
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value> {
    Ok(value.serialize(ser::Sink)?)
}
