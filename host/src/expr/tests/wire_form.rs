//! Expressions packed by the official Rust client.

use std::collections::BTreeMap;

use aerospike::RegexFlags;
use aerospike::Value as ClientValue;
use aerospike::expressions::{
    ExpType, Expression, and, bin_exists, bin_type, blob_bin, blob_val, bool_bin, bool_val, cond,
    def, digest_modulo, eq, exp_let, float_bin, float_val, from_ael, ge, gt, in_list, int_and,
    int_arshift, int_bin, int_count, int_lscan, int_lshift, int_not, int_or, int_rscan, int_rshift,
    int_val, int_xor, is_tombstone, key, key_exists, last_update, le, list_bin, list_val, lt,
    map_bin, map_keys, map_val, map_values, max, min, ne, nil, not, num_abs, num_add, num_ceil,
    num_div, num_floor, num_log, num_mod, num_mul, num_pow, num_sub, or, record_size,
    regex_compare, set_name, since_update, string_bin, string_val, to_float, to_int, ttl, unknown,
    var, void_time, xor,
};
use aerospike::expressions::{lists, maps};
use aerospike::operations::cdt_context::ctx_map_key;
use aerospike::{ListReturnType, MapReturnType};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::fixture::{NOW, RECORD, passes, value, view};
use crate::expr::{Expr, ExprError, decode};
use crate::model::Value;

fn bytes(expression: &Expression) -> Vec<u8> {
    STANDARD
        .decode(expression.base64().expect("packs"))
        .expect("base64")
}

fn decoded(expression: &Expression) -> Expr {
    decode(&bytes(expression)).unwrap_or_else(|e| panic!("{expression:?}: {e}"))
}

fn refused(expression: &Expression) -> ExprError {
    decode(&bytes(expression)).expect_err("refused")
}

#[track_caller]
fn holds(expression: Expression) {
    assert!(passes(&decoded(&expression)), "{expression:?}");
}

#[track_caller]
fn fails(expression: Expression) {
    assert!(!passes(&decoded(&expression)), "{expression:?}");
}

/// Neither the expression nor its negation passes.
#[track_caller]
fn is_unknown(expression: Expression) {
    assert_eq!(value(&decoded(&expression)), None, "{expression:?}");
    assert!(!passes(&decoded(&not(expression))));
}

#[test]
fn comparisons_hold_for_every_type() {
    holds(eq(string_bin("status"), string_val("inactive")));
    holds(ne(string_bin("status"), string_val("active")));
    holds(gt(int_bin("age"), int_val(41)));
    holds(ge(int_bin("age"), int_val(42)));
    holds(lt(float_bin("score"), float_val(2.6)));
    holds(le(float_bin("score"), float_val(2.5)));
    holds(eq(bool_bin("ok"), bool_val(true)));
    holds(eq(blob_bin("raw"), blob_val(vec![1, 2, 3])));
    fails(gt(string_bin("status"), string_val("z")));
    holds(eq(nil(), nil()));
}

#[test]
fn lists_and_maps_compare_by_content() {
    let list = vec![
        ClientValue::from(30),
        ClientValue::from("b"),
        ClientValue::from(10),
    ];
    holds(eq(list_bin("list"), list_val(list.clone())));
    holds(gt(list_bin("list"), list_val(vec![ClientValue::from(29)])));
    let map: BTreeMap<_, _> = [
        (ClientValue::from("x"), ClientValue::from(9)),
        (ClientValue::from("y"), ClientValue::from(3)),
    ]
    .into();
    holds(eq(map_bin("scores"), map_val(map)));
    holds(in_list(
        int_bin("age"),
        list_val(vec![ClientValue::from(1), ClientValue::from(42)]),
    ));
    fails(in_list(string_bin("status"), list_val(list)));
    holds(in_list(string_val("x"), map_keys(map_bin("scores"))));
    holds(in_list(int_val(3), map_values(map_bin("scores"))));
}

#[test]
fn absent_bins_and_other_types_are_unknown() {
    is_unknown(eq(int_bin("absent"), int_val(1)));
    is_unknown(eq(int_bin("status"), int_val(1)));
    is_unknown(unknown());
    holds(bin_exists("age"));
    fails(bin_exists("absent"));
    holds(eq(bin_type("status"), int_val(3)));
    let exists = decoded(&bin_exists("age"));
    assert!(!view(None, |v| exists.matches(v)));
}

#[test]
fn logic_is_three_valued() {
    let hidden = || eq(int_bin("absent"), int_val(1));
    let yes = || eq(int_bin("age"), int_val(42));
    let no = || eq(int_bin("age"), int_val(0));
    holds(or(vec![hidden(), yes()]));
    is_unknown(and(vec![hidden(), yes()]));
    holds(not(and(vec![hidden(), no()])));
    is_unknown(or(vec![hidden(), no()]));
    holds(xor(vec![yes(), no()]));
    fails(xor(vec![yes(), yes()]));
    is_unknown(xor(vec![hidden(), yes()]));
}

#[test]
fn regular_expressions_search_strings() {
    holds(regex_compare(
        "^in.*ive$",
        RegexFlags::NONE,
        string_bin("status"),
    ));
    holds(regex_compare(
        "INACT(IVE|ION)",
        RegexFlags::ICASE | RegexFlags::EXTENDED,
        string_bin("status"),
    ));
    fails(regex_compare(
        "^active",
        RegexFlags::EXTENDED,
        string_bin("status"),
    ));
    is_unknown(regex_compare("x", RegexFlags::NONE, string_bin("age")));
    let error = refused(&regex_compare(
        "(",
        RegexFlags::EXTENDED,
        string_bin("status"),
    ));
    assert!(matches!(error, ExprError::Pattern(_)));
}

#[test]
fn arithmetic_follows_the_protocol() {
    let is = |expression, expected: i64| holds(eq(expression, int_val(expected)));
    is(num_add(vec![int_bin("age"), int_val(1), int_val(2)]), 45);
    is(num_sub(vec![int_bin("age")]), -42);
    is(num_sub(vec![int_bin("age"), int_val(2), int_val(3)]), 37);
    is(num_mul(vec![int_bin("age"), int_val(2)]), 84);
    is(num_div(vec![int_bin("age"), int_val(2), int_val(3)]), 7);
    is(num_mod(int_bin("age"), int_val(5)), 2);
    is(num_abs(int_val(-3)), 3);
    is(to_int(float_bin("score")), 2);
    is(min(vec![int_bin("age"), int_val(3)]), 3);
    is(max(vec![int_bin("age"), int_val(3)]), 42);
    is_unknown(eq(num_div(vec![int_bin("age"), int_val(0)]), int_val(1)));
    is_unknown(eq(num_mod(int_bin("age"), int_val(0)), int_val(1)));
    is(num_div(vec![int_val(i64::MIN), int_val(-1)]), i64::MIN);
    holds(eq(
        num_pow(float_bin("score"), float_val(2.0)),
        float_val(6.25),
    ));
    holds(eq(num_log(float_val(8.0), float_val(2.0)), float_val(3.0)));
    holds(eq(num_floor(float_bin("score")), float_val(2.0)));
    holds(eq(num_ceil(float_bin("score")), float_val(3.0)));
    holds(eq(to_float(int_bin("age")), float_val(42.0)));
}

#[test]
fn integers_have_bits() {
    let is = |expression, expected: i64| holds(eq(expression, int_val(expected)));
    is(int_and(vec![int_bin("age"), int_val(0b1010)]), 0b1010);
    is(int_or(vec![int_bin("age"), int_val(1)]), 43);
    is(int_xor(vec![int_bin("age"), int_val(42)]), 0);
    is(int_not(int_bin("age")), -43);
    is(int_lshift(int_val(1), int_val(4)), 16);
    is(int_rshift(int_val(-1), int_val(63)), 1);
    is(int_arshift(int_val(-8), int_val(1)), -4);
    is(int_count(int_bin("age")), 3);
    is(int_lscan(int_val(1), bool_val(true)), 63);
    is(int_rscan(int_val(1), bool_val(true)), 63);
    is(int_rscan(int_val(8), bool_val(true)), 60);
    is(int_lscan(int_val(0), bool_val(true)), -1);
    is(int_rscan(int_val(-1), bool_val(false)), -1);
}

#[test]
fn metadata_is_read_without_bins() {
    for expression in [
        eq(digest_modulo(3), int_val(1)),
        eq(ttl(), int_val(100)),
        eq(set_name(), string_val("people")),
        eq(
            void_time(),
            int_val((i64::from(NOW) + 100 + 1_262_304_000) * 1_000_000_000),
        ),
        eq(
            last_update(),
            int_val((499_000_000 + 1_262_304_000) * 1_000_000_000),
        ),
        gt(since_update(), int_val(999_999_999)),
        not(is_tombstone()),
    ] {
        assert!(!decoded(&expression).needs_bins(), "{expression:?}");
        holds(expression);
    }
    for expression in [
        key_exists(),
        gt(record_size(), int_val(0)),
        eq(key(ExpType::Int), int_val(77)),
    ] {
        assert!(decoded(&expression).needs_bins(), "{expression:?}");
        holds(expression);
    }
    is_unknown(eq(key(ExpType::String), string_val("77")));
    assert!(decoded(&eq(ttl(), int_bin("age"))).needs_bins());
}

#[test]
fn a_record_without_expiry_has_ttl_minus_one() {
    let mut record = RECORD.clone();
    record.meta.void_time = 0;
    for expression in [eq(ttl(), int_val(-1)), eq(void_time(), int_val(-1))] {
        assert!(view(Some(&record), |v| decoded(&expression).matches(v)));
    }
}

#[test]
fn cond_takes_the_first_case_that_holds() {
    let size = || {
        cond(vec![
            lt(int_bin("age"), int_val(10)),
            string_val("young"),
            lt(int_bin("age"), int_val(50)),
            string_val("grown"),
            unknown(),
        ])
    };
    holds(eq(size(), string_val("grown")));
    is_unknown(eq(
        cond(vec![
            eq(int_bin("absent"), int_val(1)),
            int_val(1),
            int_val(2),
        ]),
        int_val(2),
    ));
}

#[test]
fn variables_are_scoped() {
    holds(exp_let(vec![
        def("x", num_add(vec![int_bin("age"), int_val(1)])),
        def(
            "y",
            exp_let(vec![def("z", var("x")), num_add(vec![var("z"), var("x")])]),
        ),
        eq(var("y"), int_val(86)),
    ]));
    let error = refused(&eq(var("x"), int_val(1)));
    assert_eq!(error, ExprError::UndefinedVariable("x".into()));
}

#[test]
fn types_that_cannot_fit_are_refused() {
    assert!(matches!(
        refused(&eq(int_bin("a"), string_val("b"))),
        ExprError::Type { .. }
    ));
    assert!(matches!(
        refused(&and(vec![int_bin("a"), bool_val(true)])),
        ExprError::Type { .. }
    ));
    assert!(matches!(
        refused(&num_add(vec![int_bin("a"), float_val(1.0)])),
        ExprError::Type {
            name: "num_add",
            ..
        }
    ));
    assert!(matches!(
        refused(&digest_modulo(0)),
        ExprError::Arguments { .. }
    ));
    assert!(!decoded(&int_bin("a")).is_filter());
    assert!(decoded(&bool_bin("a")).is_filter());
}

#[test]
fn sizes_and_single_elements_of_collections_are_read() {
    let value = || ListReturnType::VALUES;
    let at = |i| lists::get_by_index(value(), ExpType::Int, int_val(i), list_bin("list"), &[]);
    holds(eq(lists::size(list_bin("list"), &[]), int_val(3)));
    holds(eq(maps::size(map_bin("map"), &[]), int_val(3)));
    holds(eq(at(0), int_val(30)));
    holds(eq(at(-1), int_val(10)));
    is_unknown(eq(at(1), int_val(10)));
    is_unknown(eq(at(9), int_val(10)));
    let rank = lists::get_by_rank(value(), ExpType::Int, int_val(0), list_bin("list"), &[]);
    holds(eq(rank, int_val(10)));
    let of = |key| {
        let bin = map_bin("scores");
        maps::get_by_key(
            MapReturnType::VALUE,
            ExpType::Int,
            string_val(key),
            bin,
            &[],
        )
    };
    holds(eq(of("x"), int_val(9)));
    is_unknown(eq(of("z"), int_val(9)));
    let there = |key| {
        let bin = map_bin("scores");
        maps::get_by_key(
            MapReturnType::EXISTS,
            ExpType::Bool,
            string_val(key),
            bin,
            &[],
        )
    };
    holds(there("y"));
    fails(there("z"));
    let rank = maps::get_by_rank(
        MapReturnType::VALUE,
        ExpType::Int,
        int_val(0),
        map_bin("scores"),
        &[],
    );
    holds(eq(rank, int_val(3)));
    let nested = [ctx_map_key(ClientValue::from("a"))];
    let deep = lists::get_by_index(value(), ExpType::Int, int_val(1), map_bin("map"), &nested);
    holds(eq(deep, int_val(8)));
    holds(eq(lists::size(map_bin("map"), &nested), int_val(2)));
}

#[test]
fn other_reads_of_collections_are_refused_by_name() {
    let range = lists::get_by_index_range(ListReturnType::COUNT, int_val(1), list_bin("list"), &[]);
    let error = refused(&gt(range, int_val(1)));
    assert!(
        matches!(
            error,
            ExprError::Unsupported {
                op: 127,
                name: "call",
                ..
            }
        ),
        "{error}"
    );
    let region = aerospike::expressions::geo_val("{}");
    let error = refused(&aerospike::expressions::geo_compare(region.clone(), region));
    assert!(
        matches!(error, ExprError::Unsupported { op: 8, .. }),
        "{error}"
    );
}

#[test]
fn nesting_and_patterns_are_bounded() {
    let mut expression = bool_bin("ok");
    for _ in 0..80 {
        expression = not(expression);
    }
    holds(expression.clone());
    for _ in 0..80 {
        expression = not(expression);
    }
    assert_eq!(refused(&expression), ExprError::TooDeep);
    let patterns = vec![regex_compare("x", RegexFlags::NONE, string_bin("status")); 33];
    assert!(matches!(
        refused(&or(patterns)),
        ExprError::Arguments {
            name: "regex_compare",
            ..
        }
    ));
    let mut deep = vec![0x92, 18];
    deep.resize(4_000_000, 0x92);
    assert!(decode(&deep).is_err());
}

#[test]
fn the_text_form_comes_in_the_same_field() {
    holds(from_ael("$.status == 'inactive'").expect("packs"));
    fails(from_ael("$.status == 'active'").expect("packs"));
    holds(from_ael(&format!("$.status != '{}'", "x".repeat(300))).expect("packs"));
    let error = refused(&from_ael("$.status = 'active'").expect("packs"));
    assert!(error.to_string().contains("line 1, column 10"), "{error}");
}

#[test]
fn what_follows_or_precedes_an_expression_is_refused() {
    let mut field = bytes(&bool_bin("ok"));
    field.push(0xC0);
    assert!(matches!(decode(&field), Err(ExprError::Malformed(_))));
    assert!(matches!(decode(&[]), Err(ExprError::Malformed(_))));
    assert!(matches!(decode(&[0x90]), Err(ExprError::Malformed(_))));
    assert!(matches!(
        decode(&[0x91, 60]),
        Err(ExprError::UnknownOp { op: 60, .. })
    ));
}

#[test]
fn any_expression_has_a_value() {
    assert_eq!(
        value(&decoded(&num_add(vec![int_bin("age"), int_val(1)]))),
        Some(Value::Int(43))
    );
    assert_eq!(
        value(&decoded(&string_bin("status"))),
        Some(Value::from("inactive"))
    );
    assert_eq!(
        value(&decoded(&map_keys(map_bin("scores")))),
        Some(Value::from(vec![Value::from("x"), Value::from("y")]))
    );
}
