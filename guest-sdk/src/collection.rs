//! Lists and maps, read in place.

use petrel_packed::Reader;

use crate::value::malformed;
use crate::{FromValue, Result, ValueRef};

/// A packed list; its elements are parsed when asked for.
///
/// ```
/// use petrel_udf::{List, Record, Result};
///
/// let record = Record::testing().bin("l", vec![1, 2, 3]).build();
/// let list: List = record.get("l").unwrap();
/// let sum: Result<i64> = list.ints().sum();
/// assert_eq!(sum.unwrap(), 6);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct List<'a> {
    packed: &'a [u8],
    items: &'a [u8],
    len: usize,
}

impl<'a> List<'a> {
    /// A view of a packed list.
    ///
    /// # Errors
    /// When the bytes do not begin with a list.
    #[inline]
    pub fn new(packed: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(packed);
        let len = reader.list().map_err(malformed)?;
        Ok(Self {
            packed,
            items: reader.rest(),
            len,
        })
    }

    /// The packed form.
    pub fn as_packed(&self) -> &'a [u8] {
        self.packed
    }

    /// How many elements it has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Reads the elements.
    #[cfg(feature = "serde")]
    pub(crate) fn reader(&self) -> Reader<'a> {
        Reader::new(self.items)
    }

    /// The elements, of any type.
    ///
    /// ```
    /// use petrel_udf::{Record, ValueRef};
    ///
    /// let record = Record::testing().bin("l", (1, "two", 3)).build();
    /// let list = record.list("l").unwrap();
    /// let texts = list.iter().filter(|item| matches!(item, Ok(ValueRef::Str(_))));
    /// assert_eq!(texts.count(), 1);
    /// ```
    ///
    /// # Errors
    /// Of an element that is malformed.
    pub fn iter(&self) -> impl Iterator<Item = Result<ValueRef<'a>>> + use<'a> {
        let mut reader = Reader::new(self.items);
        (0..self.len).map(move |_| ValueRef::read(&mut reader))
    }

    /// The elements of a list of integers: the fastest way through one.
    ///
    /// # Errors
    /// Of an element that is no integer.
    #[inline]
    pub fn ints(&self) -> impl Iterator<Item = Result<i64>> + use<'a> {
        self.items()
    }

    /// The elements, each as a `T`. Views (`&str`, `List`, `Map`, tuples of them) are read in place,
    /// so that nothing is allocated however deep the list is.
    ///
    /// ```
    /// use petrel_udf::{List, Record};
    ///
    /// let record = Record::testing().bin("rows", [[1, 2], [3, 4]]).build();
    /// let mut sum = 0;
    /// for row in record.list("rows").unwrap().items::<List>() {
    ///     for cell in row.unwrap().ints() {
    ///         sum += cell.unwrap();
    ///     }
    /// }
    /// assert_eq!(sum, 10);
    /// ```
    ///
    /// # Errors
    /// Of an element that is not a `T`.
    pub fn items<T: FromValue<'a>>(&self) -> impl Iterator<Item = Result<T>> + use<'a, T> {
        let mut reader = Reader::new(self.items);
        (0..self.len).map(move |_| T::read(&mut reader))
    }

    /// The element at `index`, from 0; none behind the end. It passes all before it; to visit all use
    /// [`List::items`].
    ///
    /// ```
    /// let record = petrel_udf::Record::testing().bin("l", ["a", "b"]).build();
    /// let list = record.list("l").unwrap();
    /// assert_eq!(list.get(1).unwrap(), Some("b"));
    /// assert_eq!(list.get::<&str>(2).unwrap(), None);
    /// ```
    ///
    /// # Errors
    /// When the list is malformed, or the element is not a `T`.
    pub fn get<T: FromValue<'a>>(&self, index: usize) -> Result<Option<T>> {
        if index >= self.len {
            return Ok(None);
        }
        let mut reader = Reader::new(self.items);
        for _ in 0..index {
            reader.skip().map_err(malformed)?;
        }
        T::from_value(ValueRef::read(&mut reader)?).map(Some)
    }
}

/// A packed map; its entries are parsed when asked for.
///
/// ```
/// use petrel_udf::{MapBuilder, Record};
///
/// let mut stock = MapBuilder::new();
/// stock.insert("cup", 2).insert("tea", 30);
/// let record = Record::testing().bin("stock", &stock).build();
/// let stock = record.map("stock").unwrap();
/// assert_eq!((stock.len(), stock.get("tea").unwrap()), (2, Some(30)));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Map<'a> {
    packed: &'a [u8],
    entries: &'a [u8],
    len: usize,
}

impl<'a> Map<'a> {
    /// A view of a packed map.
    ///
    /// # Errors
    /// When the bytes do not begin with a map.
    pub fn new(packed: &'a [u8]) -> Result<Self> {
        let mut reader = Reader::new(packed);
        let len = reader.map().map_err(malformed)?;
        Ok(Self {
            packed,
            entries: reader.rest(),
            len,
        })
    }

    /// The packed form.
    pub fn as_packed(&self) -> &'a [u8] {
        self.packed
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Reads the entries: a key, then its value.
    #[cfg(feature = "serde")]
    pub(crate) fn reader(&self) -> Reader<'a> {
        Reader::new(self.entries)
    }

    /// The entries, of any types, in stored order.
    ///
    /// # Errors
    /// Of an entry that is malformed.
    pub fn iter(&self) -> impl Iterator<Item = Result<(ValueRef<'a>, ValueRef<'a>)>> + use<'a> {
        let mut reader = Reader::new(self.entries);
        let mut next = move || ValueRef::read(&mut reader);
        (0..self.len).map(move |_| Ok((next()?, next()?)))
    }

    /// The entries, each as a `K` and a `V`, read in place as those of [`List::items`].
    ///
    /// ```
    /// use petrel_udf::{MapBuilder, Record};
    ///
    /// let mut stock = MapBuilder::new();
    /// stock.insert("cup", 2).insert("tea", 30);
    /// let record = Record::testing().bin("stock", &stock).build();
    /// for entry in record.map("stock").unwrap().items() {
    ///     let (name, count): (&str, i64) = entry.unwrap();
    ///     assert!(count > 1, "{name}");
    /// }
    /// ```
    ///
    /// # Errors
    /// Of an entry whose key is not a `K` or whose value is not a `V`.
    pub fn items<K, V>(&self) -> impl Iterator<Item = Result<(K, V)>> + use<'a, K, V>
    where
        K: FromValue<'a>,
        V: FromValue<'a>,
    {
        let mut reader = Reader::new(self.entries);
        (0..self.len).map(move |_| Ok((K::read(&mut reader)?, V::read(&mut reader)?)))
    }

    /// The keys, each as a `K`; the values are passed over.
    ///
    /// # Errors
    /// Of a key that is not a `K`.
    pub fn keys<K: FromValue<'a>>(&self) -> impl Iterator<Item = Result<K>> + use<'a, K> {
        let mut reader = Reader::new(self.entries);
        (0..self.len).map(move |_| {
            let key = K::read(&mut reader)?;
            reader.skip().map_err(malformed)?;
            Ok(key)
        })
    }

    /// The values, each as a `V`; the keys are passed over.
    ///
    /// # Errors
    /// Of a value that is not a `V`.
    pub fn values<V: FromValue<'a>>(&self) -> impl Iterator<Item = Result<V>> + use<'a, V> {
        let mut reader = Reader::new(self.entries);
        (0..self.len).map(move |_| {
            reader.skip().map_err(malformed)?;
            V::read(&mut reader)
        })
    }

    /// The value under a key: a string, an integer or any other [`ValueRef`].
    ///
    /// ```
    /// use petrel_udf::{MapBuilder, Record};
    ///
    /// let mut prices = MapBuilder::new();
    /// prices.insert("tea", 3).insert(7, "seven");
    /// let record = Record::testing().bin("m", &prices).build();
    /// let map = record.map("m").unwrap();
    /// assert_eq!(map.get("tea").unwrap(), Some(3));
    /// assert_eq!(map.get(7).unwrap(), Some("seven"));
    /// assert_eq!(map.get::<i64>("coffee").unwrap(), None);
    /// ```
    ///
    /// # Errors
    /// When the map is malformed, or the value is not a `T`.
    pub fn get<'k, T: FromValue<'a>>(&self, key: impl Into<ValueRef<'k>>) -> Result<Option<T>> {
        let key = key.into().element();
        let mut reader = Reader::new(self.entries);
        for _ in 0..self.len {
            if reader.next_is(&key).map_err(malformed)? {
                return T::from_value(ValueRef::read(&mut reader)?).map(Some);
            }
            reader.skip().map_err(malformed)?;
        }
        Ok(None)
    }
}
