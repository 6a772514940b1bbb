//! The guide's snippets through the official Rust client: every background task and every
//! way to call a function, each checked by reading the records back.

mod background;
mod calls;
mod tasks;

use aerospike::{WritePolicy, expressions::from_ael};
use anyhow::Result;

fn matching(filter: &str) -> Result<WritePolicy> {
    let mut policy = WritePolicy::default();
    policy.base_policy.filter_expression = Some(from_ael(filter)?);
    Ok(policy)
}
