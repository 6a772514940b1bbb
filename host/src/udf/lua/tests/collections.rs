//! Lists, maps and bytes.

use super::*;

#[test]
fn lists_do_what_the_guide_says() {
    table(&[
        ("return tostring(rec.l)", "[1, 2, 3]"),
        (
            "local l = rec.l; l[2] = 'x'; return tostring(l)",
            "[1, \"x\", 3]",
        ),
        ("local l = rec.l; return l[3] + l[1] + l[2]", "Int(6)"),
        (
            "local l = rec.l; return tostring(l[0]) .. tostring(l[4])",
            "nilnil",
        ),
        (
            "local l = list(); list.append(l, 1); list.prepend(l, 0); list.insert(l, 2, 5); return tostring(l)",
            "[0, 5, 1]",
        ),
        (
            "local l = list{1,2,3,4}; list.remove(l, 2); return tostring(l)",
            "[1, 3, 4]",
        ),
        (
            "local l = list{1,2,3,4}; list.trim(l, 3); return tostring(l)",
            "[1, 2]",
        ),
        (
            "return tostring(list.take(rec.l, 2)) .. tostring(list.drop(rec.l, 2))",
            "[1, 2][3]",
        ),
        (
            "local l = list{1}; list.concat(l, l); list.concat(l, rec.l); return tostring(l)",
            "[1, 1, 1, 2, 3]",
        ),
        (
            "return tostring(list.merge(rec.l, list{9})) .. #rec.l",
            "[1, 2, 3, 9]3",
        ),
        (
            "local l = list.clone(rec.l); l[1] = 9; return tostring(l) .. tostring(rec.l)",
            "[9, 2, 3][1, 2, 3]",
        ),
        (
            "local s = 0; for v in list.iterator(rec.l) do s = s + v end; return s",
            "Int(6)",
        ),
        (
            "local l = list{list{1}, map{a=2}}; local s = ''; for v in list.iterator(l) do s = s .. tostring(v) end; return s",
            "[1]{\"a\":2}",
        ),
        (
            "local l = list(); l[3] = 1; return tostring(l) .. list.size(l)",
            "[NIL, NIL, 1]3",
        ),
        ("return list.nbytes(rec.l)", "Int(4)"),
        (
            "local l = list{}; l[1] = l; return l",
            "error: the result is too large, nests too deep, or holds itself",
        ),
        ("return getmetatable(list()) == List", "Bool(true)"),
    ]);
}

#[test]
fn objects_inside_lists_are_the_same_each_time() {
    let inner = Value::list([1.into()]);
    let mut c = context(&[("l", Value::list([0.into(), inner]))]);
    let text = "function f(r) list.append(r.l[2], 5); return tostring(r.l) end";
    assert_eq!(text_of(run(text, vec![], &mut c)), "[0, [1, 5]]");
}

#[test]
fn maps_do_what_the_guide_says() {
    table(&[
        (
            "return tostring(map{a=1, b=list{1,2}})",
            "{\"a\":1, \"b\":[1, 2]}",
        ),
        (
            "local m = map(); m.x = 1; m[2] = 'y'; m[1.5] = true; return tostring(m)",
            "{2:\"y\", \"x\":1}",
        ),
        (
            "local m = map{z=1, a=2, k=3}; local s = ''; for k, v in map.pairs(m) do s = s .. k .. v end; return s",
            "a2k3z1",
        ),
        (
            "local s = ''; for k in map.keys(map{b=1, a=2}) do s = s .. k end; return s",
            "ab",
        ),
        (
            "local s = 0; for v in map.values(map{b=1, a=2}) do s = s * 10 + v end; return s",
            "Int(21)",
        ),
        (
            "local m = map{a=1}; m.a = nil; return map.size(m) .. tostring(m.a)",
            "1nil",
        ),
        (
            "local m = map{a=1, b=2}; map.remove(m, 'a'); return tostring(m) .. #m",
            "{\"b\":2}1",
        ),
        (
            "return tostring(map.merge(map{a=1, b=2}, map{b=3, c=4}))",
            "{\"a\":1, \"b\":3, \"c\":4}",
        ),
        (
            "return tostring(map.merge(map{b=2}, map{b=3}, function(x, y) return x * y end))",
            "{\"b\":6}",
        ),
        (
            "return tostring(map.diff(map{a=1, b=2}, map{b=3, c=4}))",
            "{\"a\":1, \"c\":4}",
        ),
        (
            "local m = map.clone(rec.m); m.x = 5; return m.x + rec.m.x",
            "Int(6)",
        ),
        (
            "local b = bytes(); bytes.append_byte(b, 1); local c = bytes(); bytes.append_byte(c, 1); local m = map(); m[b] = 4; return m[c]",
            "Int(4)",
        ),
        (
            "local m = map(); for i = 1, 40 do m[41 - i] = i end; local s = ''; for k in map.keys(m) do s = s .. k end; return s:sub(1, 12)",
            "123456789101",
        ),
    ]);
}

#[test]
fn bytes_do_what_the_guide_says() {
    table(&[
        (
            "local b = bytes(); bytes.append_int16(b, 258); bytes.append_int16_le(b, 258); return tostring(b)",
            "01 02 02 01",
        ),
        (
            "local b = bytes(4); bytes.set_int32(b, 1, -2); return bytes.get_int32(b, 1) .. ' ' .. bytes.get_int32_le(b, 1)",
            "-2 -16777217",
        ),
        (
            "local b = bytes(); bytes.append_int64(b, math.mininteger); return bytes.get_int64(b, 1) == math.mininteger",
            "Bool(true)",
        ),
        (
            "local b = bytes(); bytes.append_string(b, 'hello'); return bytes.get_string(b, 2, 3) .. #b",
            "ell5",
        ),
        (
            "local b = bytes(); b[1] = 5; b[3] = 6; return tostring(b) .. tostring(b[9])",
            "05 00 06nil",
        ),
        (
            "local b = bytes(); bytes.append_var_int(b, 300); local v, n = bytes.get_var_int(b, 1); return v .. ' ' .. n",
            "300 2",
        ),
        (
            "local b = bytes(); return tostring(bytes.append_byte(b, 256))",
            "false",
        ),
        (
            "local b, c = bytes(), bytes(); bytes.append_string(b, 'ab'); bytes.append_bytes(c, b, 9); bytes.append_bytes(c, c, 9); return tostring(c)",
            "61 62 61 62",
        ),
        (
            "local b = bytes(); bytes.set_type(b, 7); return bytes.get_type(b)",
            "Int(7)",
        ),
        (
            "for i = 1, 3 do local b = bytes(); for j = 1, 100 do bytes.append_byte(b, j) end; assert(#b == 100 and b[100] == 100) end",
            "Nil",
        ),
    ]);
}
