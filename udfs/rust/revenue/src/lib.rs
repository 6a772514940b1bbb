//! Revenue over a query of orders, in groups. `udfs/lua/revenue.lua` is its twin.
//!
//! Bins of an order: `status` (only those that are "paid" count), `amount` (integer, in cents), and
//! any to group by.

use std::collections::HashMap;

use petrel_udf::{Record, Result, ValueRef};

/// The amount of an order that counts.
fn paid(record: &Record) -> Result<Option<i64>> {
    let paid = record.value("status")? == ValueRef::Str("paid");
    Ok(match record.value("amount")? {
        ValueRef::Int(amount) if paid => Some(amount),
        _ => None,
    })
}

pub struct By {
    group: String,
    groups: HashMap<String, (i64, i64)>,
}

impl By {
    fn add(&mut self, group: &str, orders: i64, revenue: i64) {
        let sum = match self.groups.get_mut(group) {
            Some(sum) => sum,
            None => self.groups.entry(group.to_owned()).or_default(),
        };
        sum.0 += orders;
        sum.1 += revenue;
    }
}

/// A map of the values of bin `group` to `[orders, revenue]`. Orders without a string in it are
/// passed over.
#[petrel_udf::aggregate]
impl By {
    fn new(group: String) -> Self {
        let groups = HashMap::new();
        Self { group, groups }
    }

    fn fold(&mut self, record: &Record) -> Result<()> {
        if let (Some(amount), ValueRef::Str(group)) = (paid(record)?, record.value(&self.group)?) {
            self.add(group, 1, amount);
        }
        Ok(())
    }

    fn merge(&mut self, others: HashMap<&str, (i64, i64)>) {
        for (group, (orders, revenue)) in others {
            self.add(group, orders, revenue);
        }
    }

    fn finish(self) -> HashMap<String, (i64, i64)> {
        self.groups
    }
}

#[derive(Default)]
pub struct Total(Option<i64>);

/// The revenue of all orders; nil when there is none.
#[petrel_udf::aggregate]
impl Total {
    fn fold(&mut self, record: &Record) -> Result<()> {
        self.merge(paid(record)?);
        Ok(())
    }

    fn merge(&mut self, other: Option<i64>) {
        if let Some(amount) = other {
            self.0 = Some(self.0.unwrap_or(0) + amount);
        }
    }

    fn finish(self) -> Option<i64> {
        self.0
    }
}
