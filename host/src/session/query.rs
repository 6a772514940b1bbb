//! Foreground queries over a set.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::action::Selection;
use super::options::parse;
use super::stream::Page;
use super::{DataSet, Record, RecordResult, RecordStream, Result, Session};
use crate::dispatch::{self, Namespace};
use crate::model::{PARTITIONS, PartitionId};
use crate::request::QuerySpec;
use crate::store::Cursor;

/// How many pages of records may wait for their reader.
const PAGES_AHEAD: usize = 4;

/// A query over a set, to be started with [`Query::execute`].
#[derive(Debug)]
#[must_use = "a query does nothing until it is executed"]
pub struct Query {
    session: Session,
    set: DataSet,
    bins: Selection,
    filter: Option<String>,
    limit: u64,
}

impl Query {
    pub(super) fn new(session: &Session, set: DataSet) -> Self {
        Self {
            session: session.clone(),
            set,
            bins: Selection::All,
            filter: None,
            limit: u64::MAX,
        }
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

    /// Starts the query. It reads ahead of the stream by a few pages and no further.
    ///
    /// # Errors
    /// An unknown namespace, a bad bin name, a filter that does not parse.
    pub async fn execute(self) -> Result<RecordStream> {
        let namespace = self
            .session
            .dispatcher()
            .namespace(self.set.namespace().as_bytes())?
            .clone();
        let set = self.set.set();
        let spec = QuerySpec {
            set: (!set.is_empty()).then(|| set.as_bytes().to_vec()),
            filter: parse(self.filter)?,
            bins: self.bins.check()?,
        };
        let (pages, stream) = mpsc::channel(PAGES_AHEAD);
        let limit = self.limit;
        tokio::task::spawn_blocking(move || scan(&namespace, spec, limit, &pages));
        Ok(RecordStream::pages(stream))
    }
}

/// Reads partition after partition until the records, the limit or the reader end.
fn scan(namespace: &Arc<Namespace>, spec: QuerySpec, mut left: u64, pages: &mpsc::Sender<Page>) {
    let mut query = dispatch::Query::new(namespace.clone(), spec);
    let mut found = Vec::new();
    for partition in 0..PARTITIONS as PartitionId {
        let mut cursor = Cursor::default();
        let mut more = true;
        while more && left > 0 {
            more = match query.page(partition, &mut cursor, &mut found) {
                Ok(more) => more,
                Err(e) => {
                    let _ = pages.blocking_send(Err(e.into()));
                    return;
                }
            };
            found.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            left -= found.len() as u64;
            if found.is_empty() {
                continue;
            }
            let bins = &query.spec().bins;
            let page = found
                .drain(..)
                .map(|f| RecordResult::record(Record::found(namespace, f, bins)))
                .collect();
            if pages.blocking_send(Ok(page)).is_err() {
                return;
            }
        }
    }
}
