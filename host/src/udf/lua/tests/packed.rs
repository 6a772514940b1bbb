//! Collections as they are stored do what those in Lua's tables do.

use super::*;
use crate::model::msgpack::{self, pack_bool, pack_bytes, pack_int, pack_list_len, pack_map_len};

fn stored_values() -> RecordContext {
    let inner = || Value::list([7.into()]);
    let many = (0..40).map(|i| Value::from(i * 100));
    context(&[
        (
            "l",
            Value::list([5.into(), "s".into(), Value::Nil, inner(), 300.into()]),
        ),
        ("many", Value::list(many)),
        (
            "m",
            Value::map([
                ("a".into(), 1.into()),
                ("b".into(), inner()),
                (3.into(), "three".into()),
                ("n".into(), Value::Nil),
            ]),
        ),
    ])
}

/// What bodies return over the stored `l`, `many` and `m`, and over the same in tables.
fn alike(bodies: &[&str]) {
    for body in bodies {
        let of = |l: &str, many: &str, m: &str| {
            let text = format!(
                "function f(rec) local l, many, m = {l}, {many}, {m}
                 local out = {{}} local function say(v) out[#out + 1] = tostring(v) end
                 {body}
                 say(l) say(m) say(#l) say(#m)
                 return table.concat(out, ' ') end"
            );
            text_of(run(&text, vec![], &mut stored_values()))
        };
        let stored = of("rec.l", "rec.many", "rec.m");
        assert_eq!(
            stored,
            of(
                "list.clone(rec.l)",
                "list.clone(rec.many)",
                "map.clone(rec.m)"
            ),
            "{body}"
        );
        assert!(!stored.starts_with("error"), "{body}: {stored}");
    }
}

#[test]
fn they_are_read_alike() {
    alike(&[
        "say(l[1]) say(l[2]) say(l[3]) say(l[5]) say(l[4]) say(l[6]) say(l[0]) say(l[-1])",
        "for i = #l, 1, -1 do say(l[i]) end for i = 1, #l do say(l[i]) end",
        "for i = 1, 30 do say(many[(i * 17) % 40 + 1]) end",
        "for j = 1, 12 do say(many[40]) say(many[1]) end",
        "for v in list.iterator(l) do say(v) say(l[1]) end",
        "for v in list.iterator(l) do for w in list.iterator(l) do say(w) end end",
        "say(m.a) say(m.x) say(m[3]) say(m[4]) say(m.n) say(m.b) say(m.a)",
        "for i = 1, 20 do say(m.a) say(m[3]) end",
        "say(l[4] == l[4]) say(m.b == m.b)",
        "say(m[3.0]) say(m[true]) say(m[list()])",
    ]);
}

#[test]
fn they_are_changed_alike() {
    alike(&[
        "l[1] = 'x'",
        "l[5] = string.rep('y', 300)",
        "l[6] = 1.5",
        "l[9] = true",
        "l[2] = nil",
        "l[1] = list{1}",
        "l[1] = 1 l[2] = 2 l[3] = 3 list.append(l, 4) list.remove(l, 1)",
        "list.append(l, 'end')",
        "list.append(l, nil)",
        "list.prepend(l, false)",
        "list.insert(l, 3, 1 << 40)",
        "list.insert(l, 9, 0)",
        "list.remove(l, 4)",
        "list.remove(l, 5) list.remove(l, 5)",
        "say(l[5]) list.remove(l, 1) say(l[4]) say(l[1])",
        "for i = 1, 100 do list.append(l, i) end",
        "m.a = 2",
        "m.a = string.rep('y', 300) say(m.a)",
        "m.z = 26 m.c = 3",
        "m.a = nil",
        "m.nothing = nil",
        "m.b = 1",
        "m[3] = list{3} say(m[3])",
        "map.remove(m, 'a') map.remove(m, 'a') map.remove(m, 3)",
        "m[3] = m[3] .. m.a say(m[3])",
        "list.append(m.b, 8) m.b[1] = 9",
        "list.append(l[4], 8)",
    ]);
}

#[test]
fn a_list_that_changes_under_an_iterator_goes_on_at_its_place() {
    alike(&[
        "local n = 0 for v in list.iterator(l) do say(v) n = n + 1 if n == 2 then list.remove(l, 1) end end",
        "for v in list.iterator(l) do say(v) if v == 5 then l[1] = string.rep('y', 300) end end",
        "l[1] = 2 for v in list.iterator(l) do say(v) if v == 2 then list.append(l, 9) end end",
        "for v in list.iterator(many) do say(v) if v == 100 then say(many[40]) say(many[1]) end end",
    ]);
}

#[test]
fn garbage_takes_nothing_that_is_in_use() {
    alike(&[
        "local it = list.iterator(l) l[1] = string.rep('y', 300) collectgarbage() say(l[1])
         for i = 1, 50 do local _ = string.rep('z', 300 + i) end collectgarbage() say(l[1])",
        "m.a = string.rep('y', 300) collectgarbage() for i = 1, 50 do local _ = string.rep('z', i) end say(m.a)
         m.c = 1 collectgarbage() say(m.a)",
    ]);
}

#[test]
fn a_changed_map_keeps_its_order_and_others() {
    let mut c = stored_values();
    let text = "function f(r) local m = r.m m.c = 0 r.m = m aerospike:update(r) end";
    run(text, vec![], &mut c).expect("runs");
    let bins = stored(&c).expect("stored");
    let wanted = Value::map([
        ("a".into(), 1.into()),
        ("b".into(), Value::list([7.into()])),
        ("c".into(), 0.into()),
        (3.into(), "three".into()),
        ("n".into(), Value::Nil),
    ]);
    assert!(bins.contains(&("m".into(), wanted)), "{bins:?}");
}

/// Collections that end too early, or hold bytes that mean nothing.
#[test]
fn a_malformed_collection_is_an_error_and_no_more() {
    let mut list = Vec::new();
    pack_list_len(3, &mut list);
    pack_int(1, &mut list);
    pack_bytes(ParticleType::STRING, b"abc", &mut list);
    list.extend([0xDA, 0xFF]);
    let mut map = Vec::new();
    pack_map_len(2, &mut map);
    pack_bytes(ParticleType::STRING, b"a", &mut map);
    pack_bool(true, &mut map);
    map.extend([0xC1, 0xC1]);
    for body in [
        "return r.l[3]",
        "r.l[3] = 1 return r.l[3]",
        "for v in list.iterator(r.l) do end",
        "list.remove(r.l, 3) list.append(r.l, 1)",
        "return tostring(r.m.x)",
        "r.m.x = 1",
        "map.remove(r.m, 'x')",
    ] {
        let mut c = context(&[
            ("l", Value::List(list.clone().into())),
            ("m", Value::Map(map.clone().into())),
        ]);
        let text = format!("function f(r) {body} end");
        let result = text_of(run(&text, vec![], &mut c));
        assert!(
            result.contains("a stored collection is malformed"),
            "{body}: {result}"
        );
    }
}

/// A map that says nothing of its order.
fn plain_map(keys: &[&str]) -> Value {
    let mut packed = Vec::new();
    pack_map_len(keys.len() as u32, &mut packed);
    for key in keys {
        msgpack::pack(&(*key).into(), &mut packed);
        pack_int(1, &mut packed);
    }
    Value::Map(packed.into())
}

fn packed(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    msgpack::pack(value, &mut out);
    out
}

/// What `f` makes of a bin and sets again.
fn changed(body: &str, bin: Value) -> Value {
    let mut c = context(&[("b", bin)]);
    let text = format!("function f(r) local b = r.b {body} r.b = b aerospike:update(r) end");
    run(&text, vec![], &mut c).expect("runs");
    stored(&c).expect("stored").remove(0).1
}

#[test]
fn what_is_kept_in_order_stays_so() {
    let ordered = |items: &[i64]| {
        let mut packed = Vec::new();
        pack_list_len(items.len() as u32 + 1, &mut packed);
        packed.extend([0xC7, 0, 1]);
        items.iter().for_each(|i| pack_int(*i, &mut packed));
        Value::List(packed.into())
    };
    for (body, wanted) in [
        ("list.append(b, 4)", vec![1, 3, 4, 5]),
        ("list.append(b, 4) list.prepend(b, 9)", vec![1, 3, 4, 5, 9]),
        ("list.remove(b, 2)", vec![1, 5]),
        ("b[1] = 7", vec![3, 5, 7]),
    ] {
        assert_eq!(
            changed(body, ordered(&[1, 3, 5])),
            ordered(&wanted),
            "{body}"
        );
    }
    let map = |keys: &[&str]| Value::map(keys.iter().map(|k| ((*k).into(), 1.into())));
    for (body, wanted) in [
        ("b.b = 1", map(&["a", "b", "c"])),
        ("b.b = 1 b.d = 1", map(&["a", "b", "c", "d"])),
        ("map.remove(b, 'a') b.a = 1", map(&["a", "c"])),
    ] {
        let found = changed(body, map(&["a", "c"]));
        assert_eq!(packed(&found), packed(&wanted), "{body}");
    }
    let found = changed("b.b = 1 b.d = 1", plain_map(&["a"]));
    assert_eq!(packed(&found), packed(&plain_map(&["a", "b", "d"])));
}

#[test]
fn keys_that_lua_cannot_make_stay_in_a_stored_map() {
    let map = || Value::map([(1.5.into(), "f".into()), (true.into(), "t".into())]);
    let wanted = Value::map([
        (1.5.into(), "f".into()),
        (true.into(), "t".into()),
        ("x".into(), 2.into()),
        ("y".into(), Value::Nil),
    ]);
    assert_eq!(
        changed("b[1.5] = 1 b[true] = nil b.x = 2 b.y = nil", map()),
        wanted
    );
    assert_eq!(
        changed("b.x = 2 b.y = nil map.remove(b, 1.5)", map()),
        wanted
    );
}
