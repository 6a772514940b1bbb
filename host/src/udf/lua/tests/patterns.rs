//! Patterns of strings.

use super::*;

#[test]
fn patterns_match_as_lua_has_them() {
    table(&[
        ("return string.find('hello world', 'o w')", "Int(5)"),
        ("return (('hello'):gsub('l+', 'L'))", "heLo"),
        (
            "return table.concat({('key = value'):match('^(%w+)%s*=%s*(%w+)$')}, '|')",
            "key|value",
        ),
        ("return ('x'):rep(3, ',') .. ('%d+'):len()", "x,x,x3"),
        (
            "local t = {} for k, v in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do t[#t+1] = k .. v end return table.concat(t, ';')",
            "a1;b2",
        ),
        ("return (('abc'):gsub('%w', '%0%0'))", "aabbcc"),
        (
            "return (('hello world'):gsub('o', {o = '0'}))",
            "hell0 w0rld",
        ),
        ("return (('abc'):gsub('', '-'))", "-a-b-c-"),
        ("return ('THE (quick) fox'):find('%((%a+)%)')", "Int(5)"),
        ("return ('f(a(b)c)d'):match('%b()')", "(a(b)c)"),
        (
            "return ('THE (quick) fox'):gsub('%f[%a]%a+', string.lower)",
            "the (quick) fox",
        ),
        ("return ('  trim  '):match('^%s*(.-)%s*$')", "trim"),
        ("return ('abcabc'):match('(a)(b)c%1%2')", "a"),
        (
            "return select(2, ('abc'):gsub('.', function(c) return nil end))",
            "Int(3)",
        ),
        ("return ('a.b'):find('.', 1, true)", "Int(2)"),
        ("return ('abc'):match('()b()')", "Int(2)"),
        ("return ('x-y'):gsub('%-', '%%')", "x%y"),
        ("return ('[a]'):match('[]a]+')", "a]"),
        ("return ('09af'):match('^[0-9a-f]+$')", "09af"),
        ("return ('x'):match('[^%d]')", "x"),
        (
            "string.find('a', '[a')",
            "error: test.lua:1: malformed pattern (missing ']')",
        ),
        (
            "string.find('a', '%')",
            "error: test.lua:1: malformed pattern (ends with '%')",
        ),
        (
            "string.find('a', '(a')",
            "error: test.lua:1: unfinished capture",
        ),
        (
            "string.gsub('a', 'a', '%2')",
            "error: test.lua:1: invalid capture index %2 in replacement string",
        ),
        (
            "local n = 0 for w in ('one two'):gmatch('%a+') do n = n + 1 end return n",
            "Int(2)",
        ),
        ("return ('abc'):find('b', -1)", "Nil"),
        ("return ('abc'):find('', 10)", "Nil"),
        ("return ('abc'):find('', 4)", "Int(4)"),
    ]);
}
