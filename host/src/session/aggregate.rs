//! Aggregations of the records that a query finds.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, stream};

use super::options::parse;
use super::{Args, DataSet, Filter, Result, Session, SessionError};
use crate::model::{Error, ResultCode, Value, msgpack};
use crate::request::{AggregateSpec, UdfCall};

/// An aggregation over a set, to be started with [`Aggregate::execute`].
///
/// The function folds records into a state in each of several instances; then the host merges the
/// states and does the last reduce, so that what comes is final. The states may take as much memory
/// as the module's limit lets each instance have.
///
/// With this function in the module `stats`,
///
/// ```lua
/// function sum(stream, bin)
///   return stream : map(function(rec) return rec[bin] end) : reduce(math.sum)
/// end
/// ```
///
/// the sum of a bin is
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> petrel::session::Result<()> {
/// # use petrel::{model::Value, session::{DataSet, Session}};
/// # let session = Session::builder().memory().build()?;
/// # let dir = tempfile::tempdir().expect("a directory");
/// # let path = dir.path().join("stats.lua");
/// # std::fs::write(&path, "
/// #   function sum(stream, bin)
/// #     return stream : map(function(rec) return rec[bin] end) : reduce(math.sum)
/// #   end
/// # ").expect("written");
/// # session.info().register_udf(&path).await?;
/// let orders = DataSet::of("test", "orders");
/// for id in 0..10 {
///     session.insert(orders.id(id)).bin("total").set_to(id * 10).execute().await?;
/// }
/// let sums = session
///     .query(&orders)
///     .where_("$.total > 50")
///     .aggregate("stats", "sum", "total")
///     .execute()
///     .await?;
/// assert_eq!(sums.all().await?, [Value::from(300)]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "an aggregation does nothing until it is executed"]
pub struct Aggregate {
    session: Session,
    set: DataSet,
    index: Option<Filter>,
    filter: Option<String>,
    call: UdfCall,
    records_per_second: u32,
    refused: Option<&'static str>,
}

impl Aggregate {
    /// `refused` says what the query asked for that aggregations do not have.
    pub(super) fn new(
        session: Session,
        set: DataSet,
        index: Option<Filter>,
        filter: Option<String>,
        refused: Option<&'static str>,
        (module, function, args): (&str, &str, impl Args),
    ) -> Self {
        Self {
            session,
            set,
            index,
            filter,
            call: UdfCall {
                package: module.into(),
                function: function.into(),
                args: msgpack::pack_list(args.into_values()).into(),
            },
            records_per_second: 0,
            refused,
        }
    }

    /// Folds at most this many records a second; 0, the default, for no limit.
    pub fn records_per_second(mut self, limit: u32) -> Self {
        self.records_per_second = limit;
        self
    }

    /// Starts the aggregation.
    ///
    /// # Errors
    /// An unknown namespace or module, a filter that does not parse, an index that is not there
    /// or not built yet, a query with a limit or with bins. What fails later is the stream's last word.
    pub async fn execute(self) -> Result<ValueStream> {
        if let Some(why) = self.refused {
            return Err(Error::new(ResultCode::ParameterError, why).into());
        }
        let set = Some(self.set.set().as_bytes()).filter(|set| !set.is_empty());
        let spec = AggregateSpec {
            range: self.index.map(Filter::into_range).transpose()?,
            filter: parse(self.filter)?,
            records_per_second: self.records_per_second,
            ..AggregateSpec::new(self.set.namespace(), set, self.call)
        };
        let aggregation = self.session.dispatcher().aggregate(spec)?;
        let parts = stream::unfold(aggregation, async |mut aggregation| {
            let part = aggregation.next().await?;
            Some((part.map_err(SessionError::from), aggregation))
        });
        Ok(ValueStream {
            ready: Vec::new().into_iter(),
            parts: Some(parts.boxed()),
        })
    }
}

/// The values that an aggregation comes to.
///
/// It is a [`futures::Stream`] of `Result<Value>`; an error, of the function or the store, is its
/// last word. Dropping the stream ends the aggregation behind it.
pub struct ValueStream {
    ready: vec::IntoIter<Value>,
    parts: Option<BoxStream<'static, Result<Vec<Value>>>>,
}

impl ValueStream {
    /// The first value; `None` when there is none.
    ///
    /// # Errors
    /// What ended the aggregation.
    pub async fn first(mut self) -> Result<Option<Value>> {
        self.next().await.transpose()
    }

    /// Every value.
    ///
    /// # Errors
    /// What ended the aggregation.
    pub async fn all(mut self) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        while let Some(value) = self.next().await {
            all.push(value?);
        }
        Ok(all)
    }
}

impl fmt::Debug for ValueStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValueStream")
            .field("ready", &self.ready)
            .finish_non_exhaustive()
    }
}

impl Stream for ValueStream {
    type Item = Result<Value>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(value) = this.ready.next() {
                return Poll::Ready(Some(Ok(value)));
            }
            let Some(parts) = &mut this.parts else {
                return Poll::Ready(None);
            };
            match ready!(parts.poll_next_unpin(cx)) {
                Some(Ok(values)) => this.ready = values.into_iter(),
                Some(Err(e)) => {
                    this.parts = None;
                    return Poll::Ready(Some(Err(e)));
                }
                None => this.parts = None,
            }
        }
    }
}
