//! Operations on one bin of a call that writes.

use super::action::PutBins;
use crate::model::Value;
use crate::ops::OpKind;

/// A bin of a call that writes; its methods say what to do with it and give the call back.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> petrel::session::Result<()> {
/// # use petrel::session::{DataSet, Session};
/// # let session = Session::builder().memory().build()?;
/// # let users = DataSet::of("test", "users");
/// session
///     .upsert(users.id(1))
///     .bin("name").set_to("Ann")
///     .bin("visits").add(1)
///     .execute()
///     .await?;
/// session.update(users.id(1)).bin("name").append("a").bin("visits").remove().execute().await?;
///
/// let read = session.get(users.id(1)).execute().await?.first_or_raise().await?;
/// assert_eq!(read.record.bins, [("name".to_owned(), "Anna".into())]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "say what to do with the bin: set_to, add, append, prepend or remove"]
pub struct BinBuilder<C> {
    call: C,
    name: String,
}

impl<C: PutBins> BinBuilder<C> {
    pub(super) fn new(call: C, name: String) -> Self {
        Self { call, name }
    }

    /// Sets the bin to a value.
    pub fn set_to(self, value: impl Into<Value>) -> C {
        self.op(OpKind::Write, value.into())
    }

    /// Adds to an integer or float; a missing bin counts as zero.
    #[expect(
        clippy::should_implement_trait,
        reason = "the guide's word for the operation"
    )]
    pub fn add(self, value: impl Into<Value>) -> C {
        self.op(OpKind::Add, value.into())
    }

    /// Appends to a string or blob.
    pub fn append(self, value: impl Into<Value>) -> C {
        self.op(OpKind::Append, value.into())
    }

    /// Prepends to a string or blob.
    pub fn prepend(self, value: impl Into<Value>) -> C {
        self.op(OpKind::Prepend, value.into())
    }

    /// Removes the bin.
    pub fn remove(self) -> C {
        self.op(OpKind::Write, Value::Nil)
    }

    fn op(mut self, kind: OpKind, value: Value) -> C {
        self.call.put().push(self.name, kind, value);
        self.call
    }
}
