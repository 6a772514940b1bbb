//! A query: a walk, a filtered read, and the records it finds, page by page.

use std::sync::Arc;
use std::time::Instant;

use super::Namespace;
use super::apply::{Environment, Worker};
use super::range::Ranged;
use super::source::{Item, Partitions, Step, Throttle, Walk};
use crate::change::WritePolicy;
use crate::model::{PartitionId, Result};
use crate::request::{Found, QuerySpec, Request, Work};
use crate::store::StoreError;
use crate::udf::{Budget, Registry};

/// How many records one page reads at most before it returns to its caller.
const PAGE: usize = 256;
/// How many body bytes, about.
const PAGE_BYTES: usize = 1 << 20;
/// The next part of a query's result.
#[derive(Debug, Default)]
pub struct Page {
    /// The records.
    pub found: Vec<Found>,
    /// A partition that could not be read to its end, and why.
    pub failed: Option<(PartitionId, StoreError)>,
    /// When the query's rate limit lets the page out; `None` for at once.
    pub due: Option<Instant>,
}

impl Page {
    /// Waits until the query's rate limit lets the page out.
    pub async fn wait(&self) {
        if let Some(due) = self.due {
            tokio::time::sleep_until(due.into()).await;
        }
    }
}

/// A running query over a namespace.
pub struct Query {
    namespace: Arc<Namespace>,
    registry: Arc<Registry>,
    request: Request,
    walk: Walk,
    throttle: Throttle,
    /// How many records may still be yielded.
    left: u64,
    worker: Worker,
    items: Vec<Item>,
}

impl Query {
    pub(super) fn new(
        namespace: Arc<Namespace>,
        registry: Arc<Registry>,
        spec: QuerySpec,
    ) -> Result<Self> {
        let set = spec.set.as_deref();
        let range = Ranged::find_for(&namespace, set, spec.range.as_ref())?;
        let partitions = spec
            .partitions
            .map_or_else(Partitions::all, Partitions::these);
        Ok(Self {
            request: Request {
                work: Work::Read(spec.bins),
                policy: WritePolicy::default(),
                filter: Ranged::filter(range.as_ref(), spec.filter),
            },
            walk: Walk::new(&namespace, set, &Arc::new(partitions)).within(range),
            throttle: Throttle::new(spec.records_per_second),
            left: match spec.max_records {
                0 => u64::MAX,
                most => most,
            },
            worker: Worker::new(0),
            items: Vec::new(),
            namespace,
            registry,
        })
    }

    /// The namespace that it reads.
    pub fn namespace(&self) -> &Arc<Namespace> {
        &self.namespace
    }

    /// The next page; `None` at the end. There may be no records in it.
    pub async fn next(&mut self) -> Option<Page> {
        if self.left == 0 {
            return None;
        }
        let mut page = Page::default();
        let (mut bytes, most) = (0, self.throttle.batch(PAGE));
        // Small partitions share a page, and most have nothing of a small range.
        while self.items.len() < most && bytes < PAGE_BYTES {
            let (first, room) = (self.items.len(), most - self.items.len());
            let step = self.walk.step(room, PAGE_BYTES - bytes, &mut self.items);
            match step.await {
                Step::More | Step::Ended => {}
                Step::Failed(partition, e) => {
                    page.failed = Some((partition, e));
                    break;
                }
                Step::Over if self.items.is_empty() => return None,
                Step::Over => break,
            }
            bytes += self.items[first..].iter().map(Item::bytes).sum::<usize>();
            tokio::task::consume_budget().await;
        }
        let scope = self.namespace.scope();
        let env = Environment {
            namespace: &self.namespace,
            scope: &scope,
            registry: &self.registry,
            budget: &Budget::default(),
        };
        self.worker
            .apply(&env, &self.request, &mut self.items, &mut page.found)
            .await;
        self.items.clear();
        if page.found.len() as u64 >= self.left {
            page.found.truncate(self.left as usize);
            page.failed = None;
        }
        self.left -= page.found.len() as u64;
        page.due = self.throttle.due(page.found.len());
        Some(page)
    }
}
