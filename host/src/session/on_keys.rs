//! Calls on the records of given keys.

use std::time::Duration;

use super::action::{PutBins, Selection};
use super::options::{Options, seconds};
use super::{
    Action, Args, BinBuilder, Delete, Fetch, Function, IntoKeys, Invoke, Put, RecordStream, Renews,
    Result, Session, WriteAction,
};
use crate::change::{ExistsAction, GenerationCheck};
use crate::model::{Key, Ttl};

/// A call on the records of given keys, to be finished with [`OnKeys::execute`].
///
/// With one key, a failure of its record is the error of `execute`. With several, the
/// records succeed and fail each for itself, and the stream tells.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> petrel::session::Result<()> {
/// # use petrel::session::{DataSet, Session};
/// # let session = Session::builder().memory().build()?;
/// # let users = DataSet::of("test", "users");
/// use std::time::Duration;
/// use petrel::model::ResultCode;
///
/// let ann = users.id("ann");
/// session.insert(&ann).bin("age").set_to(40).expire_after(Duration::from_secs(60)).execute().await?;
///
/// let again = session.insert(&ann).bin("age").set_to(41).execute().await;
/// assert_eq!(again.unwrap_err().code(), ResultCode::RecordExists);
///
/// let read = session.get([ann, users.id("bob")]).bins(["age"]).execute().await?.all().await?;
/// assert_eq!(read[0].record.bin("age"), Some(&40.into()));
/// assert_eq!(read[1].code, ResultCode::NotFound);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a call does nothing until it is executed"]
pub struct OnKeys<A> {
    session: Session,
    keys: crate::model::Result<Vec<Key>>,
    action: A,
    options: Options,
}

impl<A> OnKeys<A> {
    pub(super) fn new(session: &Session, keys: impl IntoKeys, action: A) -> Self {
        Self {
            session: session.clone(),
            keys: keys.into_keys(),
            action,
            options: Options::default(),
        }
    }

    pub(super) fn existing(mut self, exists: ExistsAction) -> Self {
        self.options.policy.exists = exists;
        self
    }

    /// Leaves records alone that do not match the filter: they fail with
    /// [`ResultCode::FilteredOut`](crate::model::ResultCode::FilteredOut).
    pub fn where_(mut self, filter: impl Into<String>) -> Self {
        self.options.filter = Some(filter.into());
        self
    }
}

impl<A: Action> OnKeys<A> {
    /// Runs the call and gives a result for each key, in their order.
    ///
    /// # Errors
    /// An unknown namespace, a bad key or bin name, a filter that does not parse; with
    /// one key, whatever failed on its record.
    pub async fn execute(self) -> Result<RecordStream> {
        let request = self.options.request(self.action)?;
        let keys = self.keys?;
        let single = keys.len() == 1;
        let mut results = self.session.run(request, keys).await?;
        if single && let Some(result) = results.pop() {
            results.push(result.or_raise()?);
        }
        Ok(RecordStream::ready(results))
    }
}

impl<A: WriteAction> OnKeys<A> {
    /// Fails with [`ResultCode::Generation`](crate::model::ResultCode::Generation) unless
    /// the record's generation is this.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> petrel::session::Result<()> {
    /// # use petrel::session::{DataSet, Session};
    /// # let session = Session::builder().memory().build()?;
    /// # let users = DataSet::of("test", "users");
    /// use petrel::model::ResultCode;
    ///
    /// session.upsert(users.id(1)).bin("a").set_to(1).execute().await?;
    /// let read = session.get(users.id(1)).execute().await?.first_or_raise().await?;
    ///
    /// let write = || session.update(users.id(1)).ensure_generation_is(read.record.generation);
    /// write().bin("a").add(1).execute().await?;
    /// let late = write().bin("a").add(1).execute().await;
    /// assert_eq!(late.unwrap_err().code(), ResultCode::Generation);
    /// # Ok(())
    /// # }
    /// ```
    pub fn ensure_generation_is(mut self, generation: u16) -> Self {
        self.options.policy.generation = GenerationCheck::Equal(generation);
        self
    }
}

impl<A: Renews> OnKeys<A> {
    /// Lets the record expire this long from now, in whole seconds, at least one.
    pub fn expire_after(mut self, ttl: Duration) -> Self {
        self.options.policy.ttl = seconds(ttl);
        self
    }

    /// Lets the record never expire.
    pub fn never_expire(mut self) -> Self {
        self.options.policy.ttl = Ttl::Never;
        self
    }
}

impl OnKeys<Fetch> {
    /// Reads only these bins.
    pub fn bins<I>(mut self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.action = Fetch(Selection::Some(names.into_iter().map(Into::into).collect()));
        self
    }
}

impl OnKeys<Delete> {
    /// Deletes, and tells for each key whether there was a record.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> petrel::session::Result<()> {
    /// # use petrel::session::{DataSet, Session};
    /// # let session = Session::builder().memory().build()?;
    /// # let users = DataSet::of("test", "users");
    /// session.upsert(users.id(1)).bin("a").set_to(1).execute().await?;
    /// assert_eq!(session.delete(users.ids([1, 2])).existed().await?, [true, false]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`OnKeys::execute`], but for a missing record.
    pub async fn existed(self) -> Result<Vec<bool>> {
        self.found().await
    }
}

/// A question whether records exist, to be finished with [`Exists::execute`].
#[derive(Debug)]
#[must_use = "a call does nothing until it is executed"]
pub struct Exists(OnKeys<Fetch>);

impl Exists {
    pub(super) fn new(session: &Session, keys: impl IntoKeys) -> Self {
        Self(OnKeys::new(session, keys, Fetch(Selection::None)))
    }

    /// Tells for each key whether there is a record, in the order of the keys.
    ///
    /// # Errors
    /// An unknown namespace, a bad key, or a failed store.
    pub async fn execute(self) -> Result<Vec<bool>> {
        self.0.found().await
    }
}

impl<A: Action> OnKeys<A> {
    async fn found(self) -> Result<Vec<bool>> {
        use crate::model::ResultCode::NotFound;
        let request = self.options.request(self.action)?;
        let results = self.session.run(request, self.keys?).await?;
        results
            .into_iter()
            .map(|result| match result.code {
                NotFound => Ok(false),
                _ => result.or_raise().map(|_| true),
            })
            .collect()
    }
}

impl OnKeys<Function> {
    /// Names the function: the package (the module's file name without extension) and the
    /// function in it.
    pub fn function(self, package: &str, function: &str) -> OnKeys<Invoke> {
        OnKeys {
            session: self.session,
            keys: self.keys,
            action: Invoke::new(package, function),
            options: self.options,
        }
    }
}

impl OnKeys<Invoke> {
    /// The arguments beside the record.
    pub fn passing(mut self, args: impl Args) -> Self {
        self.action.pass(args);
        self
    }
}

impl OnKeys<Put> {
    /// Starts an operation on a bin.
    pub fn bin(self, name: impl Into<String>) -> BinBuilder<Self> {
        BinBuilder::new(self, name.into())
    }
}

impl PutBins for OnKeys<Put> {
    fn put(&mut self) -> &mut Put {
        &mut self.action
    }
}
