//! Secondary indexes: made, dropped, and named in queries and background tasks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{DataSet, Result, Session, Wait};
use crate::index::{
    Bounds, Collection, Context, Definition, Index, IndexError, Kind, Place, State,
};
use crate::model::Value;
use crate::request::{IndexRange, IndexRef};

/// How often a wait for an index looks at it.
const LOOK: Duration = Duration::from_millis(5);

/// An index to be made or dropped; see [`Session::index`].
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> petrel::session::Result<()> {
/// # use petrel::session::{DataSet, Session};
/// # let session = Session::builder().memory().build()?;
/// # let users = DataSet::of("test", "users");
/// use petrel::session::{Filter, Wait};
///
/// for id in 0..100 {
///     session.insert(users.id(id)).bin("age").set_to(id).execute().await?;
/// }
/// let task = session.index(&users).on_bin("age").named("age_idx").numeric().create().await?;
/// task.wait_till_complete(Wait::default()).await?;
///
/// let adults = Filter::range("age", 18, 64);
/// let stream = session.query(&users).filter(adults).execute().await?;
/// assert_eq!(stream.all().await?.len(), 47);
///
/// assert!(session.index(&users).named("age_idx").drop().await?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "an index is made by `create` and dropped by `drop`"]
pub struct IndexBuilder {
    session: Session,
    set: DataSet,
    bin: String,
    name: String,
    kind: Option<Kind>,
    collection: Collection,
    context: Context,
}

impl IndexBuilder {
    pub(super) fn new(session: &Session, set: DataSet) -> Self {
        Self {
            session: session.clone(),
            set,
            bin: String::new(),
            name: String::new(),
            kind: None,
            collection: Collection::Default,
            context: Context::default(),
        }
    }

    /// The bin whose values are in it.
    pub fn on_bin(mut self, bin: impl Into<String>) -> Self {
        self.bin = bin.into();
        self
    }

    /// Its name, one in its namespace.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// It is of integers.
    pub fn numeric(self) -> Self {
        self.of(Kind::Numeric)
    }

    /// It is of strings.
    pub fn string(self) -> Self {
        self.of(Kind::String)
    }

    /// It is of blobs.
    pub fn blob(self) -> Self {
        self.of(Kind::Blob)
    }

    fn of(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// It is of the elements of a list, or of the keys or values of a map, instead of the bin itself.
    pub fn collection(mut self, collection: Collection) -> Self {
        self.collection = collection;
        self
    }

    /// It is of an element inside the bin.
    pub fn context(mut self, context: Context) -> Self {
        self.context = context;
        self
    }

    /// Makes the index, over all of the namespace where the set's name is empty. It is built in the
    /// background, and can be asked when it is built.
    ///
    /// # Errors
    /// An unknown namespace; a name, bin or type that is missing or another index's.
    pub async fn create(self) -> Result<IndexTask> {
        let untyped = "an index is numeric, string or blob; say which";
        let kind = self.kind.ok_or(IndexError::Definition(untyped.into()))?;
        let place = Place::of_bin(self.bin.as_bytes(), kind)?;
        let place = place.over(self.collection).within(self.context);
        let definition = Definition::new(&self.name, self.set.set(), place)?;
        let dispatcher = self.session.dispatcher();
        let namespace = dispatcher.namespace(self.set.namespace().as_bytes())?;
        let indexes = namespace.indexes();
        indexes.create(definition).await?;
        match indexes.named(&self.name) {
            Some(index) => Ok(IndexTask { index }),
            None => Err(IndexError::Missing.into()),
        }
    }

    /// Drops the index of this name. Tells whether there was one.
    ///
    /// # Errors
    /// An unknown namespace; the store's.
    pub async fn drop(self) -> Result<bool> {
        let dispatcher = self.session.dispatcher();
        let namespace = dispatcher.namespace(self.set.namespace().as_bytes())?;
        Ok(namespace.indexes().drop(&self.name).await?)
    }
}

/// An index that is being built.
#[derive(Clone, Debug)]
pub struct IndexTask {
    index: Arc<Index>,
}

impl IndexTask {
    /// The index, with its progress.
    pub fn index(&self) -> &Arc<Index> {
        &self.index
    }

    /// Waits until it is built.
    ///
    /// # Errors
    /// [`ResultCode::IndexNotReadable`](crate::model::ResultCode::IndexNotReadable) after the last
    /// attempt, or when the store failed.
    pub async fn wait_till_complete(&self, wait: Wait) -> Result<()> {
        let started = Instant::now();
        let patience = wait.longest();
        loop {
            let waits = patience.is_none_or(|longest| started.elapsed() < longest);
            match self.index.state() {
                State::Readable => return Ok(()),
                State::Building if waits => tokio::time::sleep(LOOK).await,
                State::Building | State::Failed => {
                    let name = self.index.definition().name.clone();
                    return Err(IndexError::NotReadable(name).into());
                }
            }
        }
    }
}

/// The values that a query or background task is for, by a secondary index: a filter that is looked
/// up, where [`Query::where_`](super::Query::where_) looks at each record.
///
/// ```
/// use petrel::index::Collection;
/// use petrel::session::Filter;
///
/// let eighteen = Filter::equal("age", 18);
/// let adults = Filter::range("age", 18, i64::MAX);
/// let red = Filter::contains("tags", "red", Collection::List);
/// let high = Filter::contains_range("scores", 90, 100, Collection::MapValues);
/// # let _ = (eighteen, adults, red, high);
/// ```
#[derive(Clone, Debug)]
pub struct Filter {
    bin: String,
    collection: Collection,
    context: Context,
    name: Option<String>,
    /// The value, or the first and the last.
    values: (Value, Value),
}

impl Filter {
    /// The bin has this integer, string or blob.
    pub fn equal(bin: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::contains(bin, value, Collection::Default)
    }

    /// The bin has an integer from one to another, both included.
    pub fn range(bin: impl Into<String>, from: i64, to: i64) -> Self {
        Self::contains_range(bin, from, to, Collection::Default)
    }

    /// The collection in the bin has this integer, string or blob.
    pub fn contains(
        bin: impl Into<String>,
        value: impl Into<Value>,
        collection: Collection,
    ) -> Self {
        let value = value.into();
        Self::new(bin.into(), (value.clone(), value), collection)
    }

    /// The collection in the bin has an integer from one to another, both included.
    pub fn contains_range(
        bin: impl Into<String>,
        from: i64,
        to: i64,
        collection: Collection,
    ) -> Self {
        Self::new(bin.into(), (from.into(), to.into()), collection)
    }

    fn new(bin: String, values: (Value, Value), collection: Collection) -> Self {
        Self {
            bin,
            collection,
            context: Context::default(),
            name: None,
            values,
        }
    }

    /// An element inside the bin is meant.
    pub fn context(mut self, context: Context) -> Self {
        self.context = context;
        self
    }

    /// The index of this name is meant, whatever its bin is.
    pub fn by_name(mut self, index: impl Into<String>) -> Self {
        self.name = Some(index.into());
        self
    }

    pub(super) fn into_range(self) -> Result<IndexRange> {
        let (kind, bounds) = match self.values {
            (Value::Int(from), Value::Int(to)) => (Kind::Numeric, Bounds::Integers(from, to)),
            (Value::Str(text), _) => (Kind::String, Bounds::Bytes(text)),
            (Value::Blob(_, bytes), _) => (Kind::Blob, Bounds::Bytes(bytes)),
            (other, _) => {
                let kind = other.kind().name();
                return Err(IndexError::Definition(format!("no index is of {kind}s")).into());
            }
        };
        let index = match self.name {
            Some(name) => IndexRef::Named(name),
            None => {
                let place = Place::of_bin(self.bin.as_bytes(), kind)?;
                IndexRef::Of(place.over(self.collection).within(self.context))
            }
        };
        Ok(IndexRange { index, bounds })
    }
}
