//! Foreground queries over a set.

use futures::{StreamExt as _, stream};

use super::action::Selection;
use super::options::parse;
use super::{
    Aggregate, Args, DataSet, Filter, Record, RecordResult, RecordStream, Result, Session,
};
use crate::model::Error;
use crate::request::QuerySpec;

/// A query over a set, to be started with [`Query::execute`].
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> petrel::session::Result<()> {
/// # use petrel::session::{DataSet, Session};
/// # let session = Session::builder().memory().build()?;
/// # let users = DataSet::of("test", "users");
/// use futures::TryStreamExt;
///
/// for id in 0..10 {
///     session.insert(users.id(id)).bin("age").set_to(id * 10).execute().await?;
/// }
/// let mut stream = session.query(&users).where_("$.age > 50").bins(["age"]).execute().await?;
/// let mut count = 0;
/// while let Some(found) = stream.try_next().await? {
///     assert!(found.record.bin("age").is_some());
///     count += 1;
/// }
/// assert_eq!(count, 4);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a query does nothing until it is executed"]
pub struct Query {
    session: Session,
    set: DataSet,
    bins: Selection,
    index: Option<Filter>,
    filter: Option<String>,
    /// 0 for none.
    limit: u64,
}

impl Query {
    pub(super) fn new(session: &Session, set: DataSet) -> Self {
        Self {
            session: session.clone(),
            set,
            bins: Selection::All,
            index: None,
            filter: None,
            limit: 0,
        }
    }

    /// Finds the records by a secondary index. They come in the order of their values, partition by
    /// partition.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.index = Some(filter);
        self
    }

    /// Yields only records that match the filter.
    pub fn where_(mut self, filter: impl Into<String>) -> Self {
        self.filter = Some(filter.into());
        self
    }

    /// Reads only these bins.
    pub fn bins<I>(mut self, names: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.bins = Selection::Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Reads keys and metadata only.
    pub fn no_bins(mut self) -> Self {
        self.bins = Selection::None;
        self
    }

    /// Yields at most this many records.
    pub fn limit(mut self, records: u64) -> Self {
        self.limit = records;
        self
    }

    /// Aggregates the records instead of yielding them: a stream function of a module folds them, with
    /// these arguments beside the stream.
    pub fn aggregate(self, module: &str, function: &str, args: impl Args) -> Aggregate {
        let refused = match (&self.bins, self.limit) {
            (Selection::All, 0) => None,
            (Selection::All, _) => {
                Some("an aggregation has no limit; let its function pass records over")
            }
            _ => Some("an aggregation sees every bin; name those that it reads in its function"),
        };
        let call = (module, function, args);
        Aggregate::new(
            self.session,
            self.set,
            self.index,
            self.filter,
            refused,
            call,
        )
    }

    /// Starts the query. It reads as the stream is read, a page of records at a time.
    ///
    /// # Errors
    /// An unknown namespace, a bad bin name, a filter that does not parse, an index that is not there
    /// or not built yet.
    pub async fn execute(self) -> Result<RecordStream> {
        let dispatcher = self.session.dispatcher();
        let namespace = dispatcher.namespace(self.set.namespace().as_bytes())?;
        let set = self.set.set();
        let bins = self.bins.check()?;
        let spec = QuerySpec {
            set: (!set.is_empty()).then(|| set.as_bytes().to_vec()),
            range: self.index.map(Filter::into_range).transpose()?,
            filter: parse(self.filter)?,
            bins: bins.clone(),
            partitions: None,
            max_records: self.limit,
            records_per_second: 0,
        };
        let query = dispatcher.query(namespace, spec)?;
        let pages = stream::unfold((query, bins), async |(mut query, bins)| {
            let page = query.next().await?;
            tokio::task::consume_budget().await;
            if let Some((_, Some(e))) = page.ended {
                return Some((Err(Error::from(e).into()), (query, bins)));
            }
            let result = |f| RecordResult::record(Record::found(query.namespace(), f, &bins));
            let results = page.found.into_iter().map(result).collect();
            Some((Ok(results), (query, bins)))
        });
        Ok(RecordStream::pages(pages.boxed()))
    }
}
