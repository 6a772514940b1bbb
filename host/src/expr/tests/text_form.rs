//! The text form.

use super::fixture::{passes, text, value, view};
use crate::expr::ael;
use crate::model::Value;

#[track_caller]
fn holds(expression: &str) {
    assert!(passes(&text(expression)), "{expression}");
}

#[track_caller]
fn fails(expression: &str) {
    assert!(!passes(&text(expression)), "{expression}");
}

#[track_caller]
fn is_unknown(expression: &str) {
    assert_eq!(value(&text(expression)), None, "{expression}");
}

/// The message that refuses `expression`.
#[track_caller]
fn refused(expression: &str) -> String {
    ael::parse(expression).expect_err(expression).to_string()
}

#[test]
fn bins_compare_with_literals() {
    holds("$.status == 'inactive'");
    holds("\"inactive\" == $.status");
    holds("$.age > 41 and $.age >= 42 and $.age < 43 and $.age <= 42 and $.age != 0");
    holds("$.score > .5");
    holds("$.score == 2.5 and $.ok == true");
    holds("$.ok and not($.no)");
    holds("$.'status' == 'inactive'");
    holds("$.age == 0x2A and $.age == 0b101010");
    holds("$.list == [30, 'b', 10]");
    holds("$.scores == {'y': 3, 'x': 9}");
    holds("$.raw.get(type: BLOB) == 'AQID'");
    fails("$.age == 41");
}

#[test]
fn the_record_decides_the_type_of_a_bin() {
    is_unknown("$.status == 1");
    is_unknown("$.age == 42.0");
    is_unknown("$.absent == 1");
    is_unknown("not($.absent == 1)");
    holds("$.age.asFloat() == 42.0");
    holds("$.score.asInt() == 2");
    is_unknown("$.age.get(type: STRING) == 'x'");
    holds("$.age.get(type: INT, return: VALUE) == 42");
    holds("28.asFloat() == 28.0 and -5.5.asInt() == -5");
}

#[test]
fn operators_bind_as_the_grammar_says() {
    holds("1 + 2 * 3 == 7");
    holds("(1 + 2) * 3 == 9");
    holds("1 << 2 + 1 == 8");
    holds("1 << 2 & 0xFF == 4");
    holds("2 ** 3 ** 2 == 512.0");
    holds("10 - 3 + 1 == 8 and 10-3-2 == 5");
    holds("-$.age - 1 == -43");
    holds("100 / 10 / 5 == 2");
    holds("~-5 == 4 and +5 == 5 and --5 == 5");
    holds("-1 >>> 63 == 1 and -8 >> 1 == -4");
    holds("$.no or $.ok and $.ok");
    holds("$.no and $.no or $.ok");
    holds("7 % 4 == 3 and (5 ^ 1) == 4 and (4 | 1) == 5");
    holds("-9223372036854775808 < 0");
}

#[test]
fn functions_compute() {
    holds("abs(-3) == 3 and max(1, $.age, 3) == 42 and min(1.5, $.score) == 1.5");
    holds("ceil($.score) == 3.0 and floor($.score) == 2.0");
    holds("pow(2.0, 3.0) == 8.0 and log(8.0, 2.0) == 3.0");
    holds(
        "countOneBits($.age) == 3 and findBitLeft(1, true) == 63 and findBitRight(8, true) == 60",
    );
}

#[test]
fn paths_reach_into_lists_and_maps() {
    holds("$.list.[0] == 30 and $.list.[-1] == 10 and $.list.[1] == 'b'");
    holds("$.list.[#0] == 10 and $.list.[#-1] == 'b'");
    holds("$.map.a.[1] == 8 and $.map.b.c == 'deep' and $.map.'b'.\"c\" == 'deep'");
    holds("$.map.55 == 'int key' and $.map.0x37 == 'int key'");
    is_unknown("$.map.'55' == 'int key'");
    holds(
        "$.scores.{0} == 9 and $.scores.{-1} == 3 and $.scores.{#0} == 3 and $.scores.{#-1} == 9",
    );
    is_unknown("$.list.[3] == 1");
    is_unknown("$.list.a == 1");
    is_unknown("$.age.[0] == 1");
    holds(
        "$.list.count() == 3 and $.map.count() == 3 and $.map.a.count() == 2 and $.map.a.[].count() == 2",
    );
    holds("$.scores.{} == {'x': 9, 'y': 3}");
    is_unknown("$.scores.[] == []");
}

#[test]
fn existence_is_asked_of_bins_and_elements() {
    holds("$.age.exists() and not($.absent.exists())");
    holds("$.map.b.c.exists() and not($.map.b.d.exists()) and $.list.[2].exists()");
    is_unknown("$.absent.a.exists()");
    is_unknown("$.map.x.y.exists()");
    let exists = text("$.age.exists()");
    assert!(!view(None, |v| exists.matches(v)));
    assert_eq!(view(None, |v| exists.eval(v)), None);
}

#[test]
fn membership_looks_in_constants_and_bins() {
    holds("$.age in [1, 42]");
    holds("10 IN $.list and 'b' in $.list and not('c' in $.list)");
    holds("8 in $.map.a");
    is_unknown("1 in $.age");
    assert!(refused("1 in 2").contains("expected a list"));
}

#[test]
fn metadata_functions_need_no_bins() {
    for expression in [
        "$.ttl() == 100",
        "$.setName() == 'people'",
        "$.digestModulo(3) == 1",
        "not($.isTombstone())",
        "$.sinceUpdate() > 0",
    ] {
        assert!(!text(expression).needs_bins(), "{expression}");
        holds(expression);
    }
    holds("$.keyExists() and $.recordSize() > 0 and $.deviceSize() == $.memorySize()");
    holds("$.lastUpdate() < $.voidTime()");
    assert!(text("$.ttl == 100").needs_bins());
}

#[test]
fn control_structures_choose_and_name() {
    holds("when($.age < 10 => 'young', $.age < 50 => 'grown', default => 'old') == 'grown'");
    holds("let (x = 1, y = ${x} + $.age) then (${y} == 43)");
    holds("with (x = $.age) do (${x} == 42)");
    holds("exclusive($.ok, $.no)");
    fails("exclusive($.ok, $.ok)");
    is_unknown("unknown");
    is_unknown("$.age == error");
    holds("$.age == 42 or unknown");
}

#[test]
fn words_of_the_language_can_name_bins() {
    is_unknown("$.in == 5");
    is_unknown("$.and == 1 and $.or == 2");
    is_unknown("$.name@host.key == 5");
    is_unknown("$.true.key == 5");
    is_unknown("$.a.in > 5");
}

#[test]
fn errors_say_where_what_and_what_instead() {
    let error = ael::parse("$.age > 1 and\n  $.name = 'x'").expect_err("refused");
    assert_eq!((error.at, error.line, error.column), (23, 2, 10));
    assert_eq!(error.found, "'='");
    assert!(error.to_string().contains("equality is '=='"), "{error}");

    assert!(refused("").contains("found the end of the text, expected an operand"));
    assert!(refused("$.age > ").contains("column 9: found the end of the text"));
    assert!(refused("$.strBin == yes").contains("found 'yes', expected an operand"));
    assert!(refused("this is not valid AEL !!!").contains("column 1: found 'this'"));
    assert!(refused("$.a == 'x").contains("expected a closing '"));
    assert!(refused("$.a == 1 == 2").contains("the end of the comparison"));
    assert!(refused("28.0 == 'x'").contains("found a float and a string"));
    assert!(refused("1 and $.ok").contains("found an integer, expected a condition"));
    assert!(refused("$.numbers.[invalid] == 100").contains("found 'invalid', expected an index"));
    assert!(refused("$.a.[=100] == 1").contains("does not evaluate ranges"));
    assert!(refused("$.h.hllCount() > 0").contains("the function 'hllCount'"));
    assert!(refused("nosuch(1)").contains("the function 'nosuch'"));
    assert!(refused("$.nosuch() == 1").contains("a metadata function"));
    assert!(refused("${x} == 1").contains("a variable that an enclosing 'let' defines"));
    assert!(refused("$.a == ?0").contains("placeholders"));
    assert!(refused("$.abcdefghijklmnop == 1").contains("at most 15 bytes"));
    assert!(refused("$.é == 1").contains("found 'é'"));
    assert!(refused("1 + 9223372036854775808").contains("at most 64 bits"));
}

#[test]
fn long_chains_are_flat_and_deep_nesting_is_refused() {
    let chain = vec!["$.age == 42"; 5_000].join(" and ");
    holds(&chain);
    let sum = vec!["1"; 5_000].join(" + ");
    holds(&format!("{sum} == 5000"));
    let untyped = vec!["$.age"; 50_000].join(" + ");
    assert_eq!(value(&text(&untyped)), Some(Value::Int(50_000 * 42)));
    for deep in [
        "(".repeat(100_000),
        "-".repeat(100_000),
        "not(".repeat(100_000),
        "[".repeat(100_000),
    ] {
        assert!(
            refused(&deep).contains("levels of nesting"),
            "{}",
            refused(&deep)
        );
    }
    assert!(refused(&vec!["2"; 100_000].join(" ** ")).contains("levels of nesting"));
    assert!(refused(&vec!["2"; 100_000].join(" / ")).contains("levels of nesting"));
    holds(&format!("{}$.ok{}", "(".repeat(80), ")".repeat(80)));
}

#[test]
fn any_expression_has_a_value() {
    assert_eq!(value(&text("$.age + 1")), Some(Value::Int(43)));
    assert_eq!(
        value(&text("$.map.b")),
        Some(Value::map([(Value::from("c"), Value::from("deep"))]))
    );
    assert!(!text("$.age + 1").is_filter());
    assert!(text("$.ok").is_filter());
}
