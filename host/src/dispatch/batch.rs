//! A batch: many keys in order, and their replies.

use std::collections::HashMap;
use std::sync::Arc;

use futures::{Stream, StreamExt as _, stream};

use super::source::Item;
use super::{Dispatcher, Namespace};
use crate::model::{Digest, ResultCode};
use crate::request::{Group, Reply, Request, Target, Work};
use crate::udf::Budget;

/// Rows of a batch that are worked on at a time, so that their replies are sent while others run.
const ROWS: usize = 1024;
/// How many such pieces of a batch run at once.
const AT_ONCE: usize = 16;
/// Records that a thread works on at a time, so that a piece spreads over the threads.
const RECORDS: usize = 128;

/// Replies to some rows of a batch.
pub struct Replies {
    /// How much error detail the rows ask for.
    pub error_detail: u8,
    /// The replies, each with its row's index in the caller's batch.
    pub rows: Vec<(u32, Reply)>,
}

impl Dispatcher {
    /// Applies a batch. Rows on different records run side by side, rows on one record in their
    /// order, each seeing what the one before it wrote.
    pub fn batch(&self, groups: Vec<Group>) -> impl Stream<Item = Replies> + Send + '_ {
        // Functions run on other threads: several pieces at a time keep those busy.
        let run = |wave: Vec<Group>| {
            stream::iter(wave.into_iter().flat_map(pieces))
                .map(|piece| self.piece(piece))
                .buffered(AT_ONCE)
        };
        stream::iter(waves(groups)).flat_map(run)
    }

    async fn piece(&self, piece: Group) -> Replies {
        let (indexes, targets): (Vec<u32>, Vec<Target>) = piece.rows.into_iter().unzip();
        let ready = piece
            .request
            .and_then(|request| Ok((self.namespace(&piece.namespace)?, request)));
        let replies = match ready {
            Ok((namespace, request)) => self.keys(namespace, request, targets).await,
            Err(e) => vec![Reply::from(e); targets.len()],
        };
        Replies {
            error_detail: piece.error_detail,
            rows: indexes.into_iter().zip(replies).collect(),
        }
    }

    /// Applies a request to keys; the replies are in their order.
    async fn keys(
        &self,
        namespace: &Arc<Namespace>,
        request: Request,
        targets: Vec<Target>,
    ) -> Vec<Reply> {
        let mut replies: Vec<Option<Reply>> = Vec::with_capacity(targets.len());
        let mut items = Vec::with_capacity(targets.len());
        for target in targets {
            match Item::of_key(namespace, &request.work, target).await {
                Ok(item) => {
                    items.push(item);
                    replies.push(None);
                }
                Err(e) => replies.push(Some(e.into())),
            }
        }
        let done = match request.work {
            Work::Udf(_) => self.elsewhere(namespace, request, items).await,
            _ => self.here(namespace, &request, items).await,
        };
        let mut done = done.into_iter();
        let missing = || Reply::from(ResultCode::ServerError);
        replies
            .into_iter()
            .map(|r| r.unwrap_or_else(|| done.next().unwrap_or_else(missing)))
            .collect()
    }

    /// Runs a function over items on the function threads.
    async fn elsewhere(
        &self,
        namespace: &Arc<Namespace>,
        request: Request,
        items: Vec<Item>,
    ) -> Vec<Reply> {
        let request = Arc::new(request);
        let mut rest = items.into_iter();
        let mut runs = Vec::new();
        loop {
            let items: Vec<Item> = rest.by_ref().take(RECORDS).collect();
            if items.is_empty() {
                break;
            }
            runs.push(self.pool.run(namespace.clone(), request.clone(), items));
        }
        futures::future::join_all(runs).await.concat()
    }

    /// Applies a request that runs no function on the caller's own thread.
    async fn here(
        &self,
        namespace: &Arc<Namespace>,
        request: &Request,
        mut items: Vec<Item>,
    ) -> Vec<Reply> {
        let mut replies = Vec::with_capacity(items.len());
        for items in items.chunks_mut(RECORDS) {
            let budget = Budget::default();
            self.apply_here(namespace, request, items, &budget, &mut replies)
                .await;
            tokio::task::consume_budget().await;
        }
        replies
    }
}

/// Cuts a group into pieces of at most [`ROWS`] rows.
fn pieces(group: Group) -> impl Iterator<Item = Group> {
    let mut rest = group.rows.into_iter();
    std::iter::from_fn(move || {
        let rows: Vec<_> = rest.by_ref().take(ROWS).collect();
        (!rows.is_empty()).then(|| Group {
            namespace: group.namespace.clone(),
            request: group.request.clone(),
            rows,
            error_detail: group.error_detail,
        })
    })
}

/// Cuts a batch into waves that run one after the other: the rows that are the first on their
/// record, then those that are the second, and so on. Most batches are one wave.
fn waves(groups: Vec<Group>) -> Vec<Vec<Group>> {
    if !repeats(&groups) {
        return vec![groups];
    }
    let mut seen: HashMap<Digest, usize> = HashMap::new();
    let mut waves: Vec<Vec<Group>> = Vec::new();
    for group in groups {
        let mut parts: Vec<Vec<(u32, Target)>> = Vec::new();
        for row in group.rows {
            let before = seen.entry(row.1.digest).or_default();
            if parts.len() <= *before {
                parts.resize_with(*before + 1, Vec::new);
            }
            parts[*before].push(row);
            *before += 1;
        }
        if waves.len() < parts.len() {
            waves.resize_with(parts.len(), Vec::new);
        }
        for (wave, rows) in waves.iter_mut().zip(parts) {
            if !rows.is_empty() {
                wave.push(Group {
                    namespace: group.namespace.clone(),
                    request: group.request.clone(),
                    rows,
                    error_detail: group.error_detail,
                });
            }
        }
    }
    waves
}

/// Whether two rows may be on one record: digests are hashes, so the start of one stands for it.
fn repeats(groups: &[Group]) -> bool {
    let rows = groups.iter().flat_map(|group| &group.rows);
    let start = |(_, target): &(u32, Target)| target.digest.0.first_chunk::<8>().copied();
    let mut starts: Vec<_> = rows.map(start).collect();
    starts.sort_unstable();
    starts.windows(2).any(|pair| pair[0] == pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::WritePolicy;
    use crate::request::BinSelection;

    fn group(rows: &[(u32, u8)]) -> Group {
        let row = |&(index, digest): &(u32, u8)| {
            let target = Target {
                digest: Digest([digest; 20]),
                set: Default::default(),
                user_key: None,
            };
            (index, target)
        };
        Group {
            namespace: b"test".to_vec(),
            request: Ok(Request {
                work: Work::Read(BinSelection::All),
                policy: WritePolicy::default(),
                filter: None,
            }),
            rows: rows.iter().map(row).collect(),
            error_detail: 0,
        }
    }

    fn indexes(waves: &[Vec<Group>]) -> Vec<Vec<u32>> {
        let of = |wave: &Vec<Group>| {
            let rows = wave.iter().flat_map(|group| &group.rows);
            rows.map(|(index, _)| *index).collect()
        };
        waves.iter().map(of).collect()
    }

    #[test]
    fn rows_on_different_records_are_one_wave() {
        let waves = waves(vec![group(&[(0, 1), (1, 2)]), group(&[(2, 3)])]);
        assert_eq!(indexes(&waves), [vec![0, 1, 2]]);
    }

    #[test]
    fn rows_on_one_record_run_one_after_the_other() {
        let waves = waves(vec![
            group(&[(0, 1), (1, 2), (2, 1)]),
            group(&[(3, 2)]),
            group(&[(4, 1), (5, 3)]),
        ]);
        assert_eq!(indexes(&waves), [vec![0, 1, 5], vec![2, 3], vec![4]]);
    }
}
