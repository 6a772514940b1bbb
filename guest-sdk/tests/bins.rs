//! Records as structs.

use std::collections::BTreeMap;

use petrel_udf::testing::Effect;
use petrel_udf::{Bins, List, Record};

#[derive(Bins, Debug, PartialEq)]
struct User<'a> {
    name: &'a str,
    tier: Option<String>,
    #[bins(default)]
    visits: i64,
    #[bins(rename = "lastSeen", default = 7)]
    last_seen: u32,
    #[bins(default)]
    scores: BTreeMap<String, Vec<f64>>,
}

#[test]
fn a_struct_is_read_and_written_back() {
    let scores = BTreeMap::from([("go".to_owned(), vec![1.5])]);
    let mut record = Record::testing()
        .bin("name", "Ann")
        .bin("tier", "gold")
        .bin("lastSeen", 9)
        .bin("scores", &scores)
        .build();
    let mut user: User = record.bins().unwrap();
    assert_eq!((user.name, user.visits, user.last_seen), ("Ann", 0, 9));
    assert_eq!(
        (user.tier.as_deref(), &user.scores),
        (Some("gold"), &scores)
    );
    user.tier = None;
    user.visits = 3;
    record.set_bins(&user).unwrap();
    assert_eq!(
        record.effects(),
        [
            Effect::set("name", "Ann"),
            Effect::set("tier", ()),
            Effect::set("visits", 3),
            Effect::set("lastSeen", 9),
            Effect::set("scores", &scores),
        ]
    );
    assert_eq!(record.bins::<User>().unwrap(), user);
}

#[test]
fn bins_that_do_not_fit_are_told_by_name_with_both_types() {
    let says = |record: Record<'_>| record.bins::<User>().unwrap_err().message().to_owned();
    assert_eq!(
        says(Record::testing().build()),
        "bin name: expected string, found nil"
    );
    let record = Record::testing().bin("name", "Ann").bin("visits", "3");
    assert_eq!(
        says(record.build()),
        "bin visits: expected integer, found string"
    );
    let record = Record::testing().bin("name", "Ann").bin("lastSeen", -1);
    assert_eq!(says(record.build()), "bin lastSeen: -1 does not fit u32");
}

#[test]
fn a_struct_names_its_bins() {
    assert_eq!(
        User::NAMES,
        ["name", "tier", "visits", "lastSeen", "scores"]
    );
}

#[derive(Bins)]
struct Views<'a> {
    rows: List<'a>,
}

#[test]
fn views_in_a_struct_outlive_changes_of_the_record() {
    let mut record = Record::testing().bin("rows", [1, 2]).build();
    let views: Views = record.bins().unwrap();
    record.set("rows", [3]).unwrap();
    let rows: Vec<i64> = views.rows.items().collect::<Result<_, _>>().unwrap();
    assert_eq!(rows, [1, 2]);
}

#[cfg(feature = "serde")]
mod serde {
    use petrel_udf::serde::{from_value, to_value};
    use petrel_udf::{Bins, FromValue, Outcome, Record, Serde, Value};
    use serde::{Deserialize, Serialize};

    #[derive(Deserialize, Serialize, Debug, Clone, PartialEq)]
    enum Shape {
        Point,
        Circle(f64),
        Rectangle { width: u8, height: u8 },
        Line(i32, i32),
    }

    #[derive(Deserialize, Serialize, Debug, Clone, PartialEq)]
    struct Drawing {
        name: String,
        shapes: Vec<Shape>,
        note: Option<char>,
        bytes: (u64, f32),
    }

    #[derive(Bins, Debug, PartialEq)]
    struct Page {
        #[bins(serde)]
        drawing: Drawing,
        #[bins(serde, default)]
        shapes: Vec<Shape>,
    }

    fn drawing() -> Drawing {
        Drawing {
            name: "d".into(),
            shapes: vec![
                Shape::Point,
                Shape::Circle(1.5),
                Shape::Rectangle {
                    width: 2,
                    height: 3,
                },
                Shape::Line(-1, 1),
            ],
            note: Some('ö'),
            bytes: (5, 0.5),
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let page = Page {
            drawing: drawing(),
            shapes: vec![Shape::Circle(0.0)],
        };
        let mut record = Record::testing().build();
        record.set_bins(&page).unwrap();
        assert_eq!(record.bins::<Page>().unwrap(), page);
        record.remove_bin("shapes").unwrap();
        assert_eq!(record.bins::<Page>().unwrap().shapes, []);
        let drawing: Serde<Drawing> = record.get("drawing").unwrap();
        assert_eq!(drawing.outcome().unwrap(), to_value(&page.drawing).unwrap());
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        let mut drawing = to_value(&drawing()).unwrap();
        let Value::Map(fields) = &mut drawing else {
            panic!("a struct is a map");
        };
        for (name, value) in fields {
            if *name == Value::Str("shapes".into()) {
                *value = to_value(&[("Rectangle", 1)]).unwrap();
            }
        }
        let record = Record::testing().bin("drawing", drawing).build();
        let error = record.bins::<Page>().unwrap_err();
        assert_eq!(
            error.message(),
            "bin drawing: shapes: element 1: expected the name of a variant of Shape, or a map of \
             one entry; found list"
        );
        let record = Record::testing().bin("n", 300).build();
        let error = from_value::<u8>(record.value("n").unwrap()).unwrap_err();
        assert_eq!(error.message(), "invalid value: integer `300`, expected u8");
        assert_eq!(
            to_value(&u64::MAX).unwrap_err().message(),
            "18446744073709551615 does not fit i64"
        );
    }

    #[test]
    fn strings_are_borrowed() {
        let record = Record::testing().bin("s", "borrowed").build();
        let value = record.value("s").unwrap();
        let text: &str = Serde::from_value(value).unwrap().0;
        assert_eq!(text, "borrowed");
    }
}
