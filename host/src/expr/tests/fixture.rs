//! A record to ask about.

use std::sync::LazyLock;

use crate::expr::{Expr, View, ael};
use crate::model::{BodyBuilder, Digest, Meta, Particle, Record, Value};

pub(super) const NOW: u32 = 500_000_000;

pub(super) static RECORD: LazyLock<Record> = LazyLock::new(|| {
    record(&[
        ("status", Value::from("inactive")),
        ("age", Value::from(42)),
        ("score", Value::from(2.5)),
        ("ok", Value::from(true)),
        ("no", Value::from(false)),
        ("raw", Value::from(vec![1, 2, 3])),
        (
            "list",
            Value::from(vec![Value::from(30), Value::from("b"), Value::from(10)]),
        ),
        (
            "map",
            Value::map([
                (
                    Value::from("a"),
                    Value::from(vec![Value::from(7), Value::from(8)]),
                ),
                (
                    Value::from("b"),
                    Value::map([(Value::from("c"), Value::from("deep"))]),
                ),
                (Value::from(55), Value::from("int key")),
            ]),
        ),
        (
            "scores",
            Value::map([
                (Value::from("x"), Value::from(9)),
                (Value::from("y"), Value::from(3)),
            ]),
        ),
    ])
});

pub(super) fn record(bins: &[(&str, Value)]) -> Record {
    let mut builder = BodyBuilder::new();
    let key = 77i64.to_be_bytes();
    builder.start(Some(Particle::new(
        crate::model::ParticleType::INTEGER,
        &key,
    )));
    let mut data = Vec::new();
    for (name, value) in bins {
        data.clear();
        value.write_particle(&mut data);
        builder.bin(name.as_bytes(), Particle::new(value.kind(), &data));
    }
    let meta = Meta {
        generation: 1,
        set: 1,
        void_time: NOW + 100,
        last_update: 499_000_000_000,
    };
    Record {
        meta,
        body: builder.finish(),
    }
}

pub(super) fn view<T>(record: Option<&Record>, ask: impl FnOnce(&View<'_>) -> T) -> T {
    let mut digest = Digest([0; 20]);
    digest.0[16] = 7;
    ask(&View {
        digest: &digest,
        set: "people",
        record,
        now: NOW,
    })
}

pub(super) fn passes(expr: &Expr) -> bool {
    view(Some(&RECORD), |v| expr.matches(v))
}

pub(super) fn value(expr: &Expr) -> Option<Value> {
    view(Some(&RECORD), |v| expr.eval(v))
}

pub(super) fn text(text: &str) -> Expr {
    ael::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}
