//! Types that no value has.
#![allow(unused)]

use petrel_udf::{Record, Result, udf};

struct Order;

#[udf]
fn takes(_record: &Record, order: Order) {}

#[udf]
fn gives(_record: &Record) -> Order {
    Order
}

#[udf]
fn may_give(_record: &Record) -> Result<Order> {
    Ok(Order)
}

#[udf]
fn too_large(_record: &Record) -> u64 {
    1
}

#[udf]
fn stores(record: &mut Record) -> Result<()> {
    let order: Option<Order> = record.get("order")?;
    record.set("order", order)
}

fn main() {}
