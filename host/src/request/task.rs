//! A background task, as it is asked for; and an aggregation, which is listed with them.

use std::sync::Arc;

use super::{AggregateSpec, IndexRange, Request, Work};
use crate::change::{ExistsAction, WritePolicy};
use crate::model::{Error, Result, ResultCode};

/// A request for every record of a set or namespace that exists when its turn comes.
#[derive(Clone, Debug)]
pub struct TaskSpec {
    /// The id that the caller chose (`trid`); 0 to be given one.
    pub id: u64,
    /// Who asks: `ADDRESS+PORT`, or `embedded`.
    pub from: String,
    /// At most this many records a second; 0 for no limit.
    pub records_per_second: u32,
    /// The client's socket timeout in milliseconds.
    pub socket_timeout: u32,
    /// The range of an index that the records are in; `None` for all of the set.
    pub range: Option<IndexRange>,
    namespace: String,
    set: Vec<u8>,
    request: Request,
    aggregates: bool,
}

impl TaskSpec {
    /// A task over a set, or over the namespace where the set's name is empty. It changes records
    /// and creates none: whatever the request says of missing records, they are left alone.
    ///
    /// # Errors
    /// [`ResultCode::ParameterError`] for a request that changes nothing.
    pub fn new(namespace: &str, set: &[u8], mut request: Request) -> Result<Self> {
        let refuse = |why| Err(Error::new(ResultCode::ParameterError, why));
        match &mut request.work {
            Work::Udf(_) | Work::Delete => {}
            Work::Operate { ops, reply_all } => {
                if !ops.iter().any(|op| op.kind.is_write()) {
                    return refuse(
                        "a background task needs operations that write, or a function to run",
                    );
                }
                // Nobody reads its replies.
                *reply_all = false;
            }
            Work::Read(_) => return refuse("a background task writes; query to read"),
        }
        request.policy.exists = match request.policy.exists {
            ExistsAction::Replace | ExistsAction::ReplaceOnly => ExistsAction::ReplaceOnly,
            _ => ExistsAction::UpdateOnly,
        };
        Ok(Self {
            id: 0,
            from: "embedded".into(),
            records_per_second: 0,
            socket_timeout: 0,
            range: None,
            namespace: namespace.into(),
            set: set.into(),
            request,
            aggregates: false,
        })
    }

    /// Namespace name.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Set name; `None` for the whole namespace.
    pub fn set(&self) -> Option<&[u8]> {
        (!self.set.is_empty()).then_some(&self.set)
    }

    /// What to do with each record.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// What such a task is called.
    pub fn job_type(&self) -> &'static str {
        match self.request.work {
            _ if self.aggregates => "aggregation",
            Work::Udf(_) => "background-udf",
            Work::Delete => "background-delete",
            Work::Operate { .. } | Work::Read(_) => "background-ops",
        }
    }

    /// Package and function of a task that runs one.
    pub fn udf(&self) -> Option<(&Arc<str>, &Arc<str>)> {
        match &self.request.work {
            Work::Udf(call) => Some((&call.package, &call.function)),
            _ => None,
        }
    }
}

/// How an aggregation is tracked.
impl From<&AggregateSpec> for TaskSpec {
    fn from(spec: &AggregateSpec) -> Self {
        Self {
            id: spec.id,
            from: spec.from.clone(),
            records_per_second: spec.records_per_second,
            socket_timeout: spec.socket_timeout,
            namespace: spec.namespace.clone(),
            set: spec.set.clone().unwrap_or_default(),
            request: Request {
                work: Work::Udf(spec.call.clone()),
                policy: WritePolicy::default(),
                filter: spec.filter.clone(),
            },
            range: spec.range.clone(),
            aggregates: true,
        }
    }
}
