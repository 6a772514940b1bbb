//! The stream of a call's results.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use futures::stream::BoxStream;
use futures::{Stream, StreamExt};

use super::{RecordResult, Result, SessionError};

/// A query gives pages; an error is its last word.
pub(super) type Page = Result<Vec<RecordResult>>;

/// The results of a call, one for each record: those of keys in the order of the keys,
/// those of a query as they are found.
///
/// It is a [`futures::Stream`] of `Result<RecordResult>`. The outer error is the call's
/// own (the store failed); what happened to one record is in its [`RecordResult`].
/// Dropping the stream ends the query behind it.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> petrel::session::Result<()> {
/// # use petrel::session::{DataSet, Session};
/// # let session = Session::builder().memory().build()?;
/// # let users = DataSet::of("test", "users");
/// session.insert(users.ids([1, 2])).bin("a").set_to(1).execute().await?;
///
/// let results = session.get(users.ids([1, 2, 3])).execute().await?.all().await?;
/// let ok: Vec<bool> = results.iter().map(|result| result.is_ok()).collect();
/// assert_eq!(ok, [true, true, false]);
/// # Ok(())
/// # }
/// ```
pub struct RecordStream {
    ready: vec::IntoIter<RecordResult>,
    pages: Option<BoxStream<'static, Page>>,
}

impl RecordStream {
    pub(super) fn ready(results: Vec<RecordResult>) -> Self {
        Self {
            ready: results.into_iter(),
            pages: None,
        }
    }

    pub(super) fn pages(pages: BoxStream<'static, Page>) -> Self {
        Self {
            ready: Vec::new().into_iter(),
            pages: Some(pages),
        }
    }

    /// The first result.
    ///
    /// # Errors
    /// [`SessionError::NoResult`] when there is none, the first record's failure, or the
    /// call's own.
    pub async fn first_or_raise(mut self) -> Result<RecordResult> {
        self.next()
            .await
            .unwrap_or(Err(SessionError::NoResult))?
            .or_raise()
    }

    /// The first result, whatever became of it; `None` when there is none.
    ///
    /// # Errors
    /// The call's own failure.
    pub async fn first(mut self) -> Result<Option<RecordResult>> {
        self.next().await.transpose()
    }

    /// Every result.
    ///
    /// # Errors
    /// The call's own failure; failures of records are in their results.
    pub async fn all(mut self) -> Result<Vec<RecordResult>> {
        let mut all = Vec::new();
        while let Some(result) = self.next().await {
            all.push(result?);
        }
        Ok(all)
    }
}

impl fmt::Debug for RecordStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordStream")
            .field("ready", &self.ready)
            .finish_non_exhaustive()
    }
}

impl Stream for RecordStream {
    type Item = Result<RecordResult>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(result) = this.ready.next() {
                return Poll::Ready(Some(Ok(result)));
            }
            let Some(pages) = &mut this.pages else {
                return Poll::Ready(None);
            };
            match ready!(pages.poll_next_unpin(cx)) {
                Some(Ok(page)) => this.ready = page.into_iter(),
                Some(Err(e)) => return Poll::Ready(Some(Err(e))),
                None => this.pages = None,
            }
        }
    }
}
