//! Arguments of a function call.

use crate::model::Value;

/// What [`passing`](super::OnKeys::passing) takes: a tuple of up to eight values of any
/// types, an array of one type, a vector of [`Value`]s, or a single value.
///
/// ```
/// use petrel::{model::Value, session::Args};
///
/// assert_eq!(42.into_values(), [Value::from(42)]);
/// assert_eq!(("a", 1.5).into_values(), [Value::from("a"), Value::from(1.5)]);
/// assert_eq!([1, 2].into_values(), [Value::from(1), Value::from(2)]);
/// ```
pub trait Args {
    /// The arguments in order.
    fn into_values(self) -> Vec<Value>;
}

impl Args for Vec<Value> {
    fn into_values(self) -> Vec<Value> {
        self
    }
}

impl Args for () {
    fn into_values(self) -> Vec<Value> {
        Vec::new()
    }
}

impl<T: Into<Value>, const N: usize> Args for [T; N] {
    fn into_values(self) -> Vec<Value> {
        self.into_iter().map(Into::into).collect()
    }
}

macro_rules! single {
    ($($t:ty),*) => {$(
        impl Args for $t {
            fn into_values(self) -> Vec<Value> {
                vec![self.into()]
            }
        }
    )*};
}
single!(i32, i64, f64, bool, &str, String, Value);

macro_rules! tuple {
    ($($t:ident $i:tt),*) => {
        impl<$($t: Into<Value>),*> Args for ($($t,)*) {
            fn into_values(self) -> Vec<Value> {
                vec![$(self.$i.into()),*]
            }
        }
    };
}
tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
