//! POSIX regular expressions, basic and extended, in terms of the `regex` crate.

use std::iter::Peekable;
use std::str::Chars;

use regex::bytes::{Regex, RegexBuilder};

// The flags are those of glibc's regcomp, to which the peer hands them as they come.
const EXTENDED: i64 = 1;
const IGNORE_CASE: i64 = 2;
const NEWLINE: i64 = 4;

/// No compiled pattern may take more memory than this.
const MAX_COMPILED_BYTES: usize = 1 << 20;

/// A pattern that is no POSIX regular expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the regular expression '{pattern}' is not valid: {why}")]
pub struct PatternError {
    /// The pattern as sent.
    pub pattern: String,
    /// What is wrong with it.
    pub why: String,
}

/// A compiled pattern; it matches anywhere in the text.
#[derive(Debug)]
pub(super) struct Pattern(Regex);

impl Pattern {
    /// Compiles a POSIX pattern with regcomp's flags.
    pub(super) fn posix(pattern: &[u8], flags: i64) -> Result<Self, PatternError> {
        let pattern = pattern.split(|b| *b == 0).next().unwrap_or_default();
        let invalid = |why: String| PatternError {
            pattern: String::from_utf8_lossy(pattern).into_owned(),
            why,
        };
        let text = std::str::from_utf8(pattern).map_err(|_| invalid("it is not UTF-8".into()))?;
        let translated =
            translate(text, flags & EXTENDED != 0).map_err(|why| invalid(why.into()))?;
        let newline = flags & NEWLINE != 0;
        let regex = RegexBuilder::new(&translated)
            .case_insensitive(flags & IGNORE_CASE != 0)
            .dot_matches_new_line(!newline)
            .multi_line(newline)
            .size_limit(MAX_COMPILED_BYTES)
            .nest_limit(64)
            .build();
        // Of the crate's message, which draws the translated pattern, the last line says why.
        regex.map(Self).map_err(|e| {
            let text = e.to_string();
            let why = text.lines().last().unwrap_or_default();
            invalid(why.trim_start_matches("error: ").to_owned())
        })
    }

    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        self.0.is_match(text)
    }
}

/// Writes a POSIX pattern in the `regex` crate's syntax.
fn translate(pattern: &str, extended: bool) -> Result<String, &'static str> {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.chars().peekable();
    // At the start of a pattern, group or alternative, repetition signs are literals.
    let mut start = true;
    while let Some(c) = chars.next() {
        let at_start = std::mem::replace(&mut start, false);
        match c {
            '[' => bracket(&mut chars, &mut out)?,
            '.' => out.push('.'),
            '*' if at_start => out.push_str("\\*"),
            '*' => out.push('*'),
            '^' if extended || at_start => {
                out.push('^');
                start = true;
            }
            '$' if extended || ends(&chars) => out.push('$'),
            '\\' => {
                let escaped = chars.next().ok_or("it ends in a backslash")?;
                start = escape(escaped, extended, &mut chars, &mut out)?;
            }
            '(' | '|' if extended => {
                out.push(c);
                start = true;
            }
            '+' | '?' if extended && at_start => literal(c, &mut out),
            ')' | '+' | '?' if extended => out.push(c),
            '{' if extended => interval(&mut chars, "}", &mut out)?,
            c => literal(c, &mut out),
        }
    }
    Ok(out)
}

/// Writes what a backslash and `c` mean; says whether a new sub-pattern starts after it.
fn escape(
    c: char,
    extended: bool,
    chars: &mut Peekable<Chars<'_>>,
    out: &mut String,
) -> Result<bool, &'static str> {
    match c {
        '(' | '|' if !extended => {
            out.push(c);
            return Ok(true);
        }
        ')' | '+' | '?' if !extended => out.push(c),
        '{' if !extended => interval(chars, "\\}", out)?,
        '1'..='9' => return Err("back-references are not supported"),
        'w' | 'W' | 's' | 'S' | 'b' | 'B' | '<' | '>' => {
            out.push('\\');
            out.push(c);
        }
        '`' => out.push_str("\\A"),
        '\'' => out.push_str("\\z"),
        c => literal(c, out),
    }
    Ok(false)
}

/// Whether a basic pattern ends here, or its group or alternative does.
fn ends(chars: &Peekable<Chars<'_>>) -> bool {
    let mut ahead = chars.clone();
    match ahead.next() {
        None => true,
        Some('\\') => matches!(ahead.next(), Some(')' | '|')),
        Some(_) => false,
    }
}

fn literal(c: char, out: &mut String) {
    if regex_syntax_char(c) {
        out.push('\\');
    }
    out.push(c);
}

fn regex_syntax_char(c: char) -> bool {
    matches!(
        c,
        '\\' | '.'
            | '+'
            | '*'
            | '?'
            | '('
            | ')'
            | '|'
            | '['
            | ']'
            | '{'
            | '}'
            | '^'
            | '$'
            | '#'
            | '&'
            | '-'
            | '~'
    )
}

/// An interval, behind its opening brace: `{n}`, `{n,}`, `{n,m}` or `{,m}`.
fn interval(
    chars: &mut Peekable<Chars<'_>>,
    close: &str,
    out: &mut String,
) -> Result<(), &'static str> {
    out.push('{');
    let mut digits = 0;
    while let Some(c) = chars.next_if(|c| c.is_ascii_digit() || *c == ',') {
        if c == ',' && digits == 0 {
            out.push('0');
        }
        digits += 1;
        out.push(c);
    }
    for expected in close.chars() {
        if chars.next() != Some(expected) {
            return Err("an interval must be {n}, {n,} or {n,m}");
        }
    }
    out.push('}');
    Ok(())
}

/// A bracket expression, behind its opening bracket. Backslashes are literal in it.
fn bracket(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), &'static str> {
    const OPEN: &str = "a bracket expression has no closing bracket";
    out.push('[');
    if chars.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    let mut first = true;
    loop {
        let c = chars.next().ok_or(OPEN)?;
        match c {
            ']' if !first => break,
            '[' if chars.next_if_eq(&':').is_some() => {
                out.push_str("[:");
                while let Some(c) = chars.next_if(char::is_ascii_alphabetic) {
                    out.push(c);
                }
                if chars.next() != Some(':') || chars.next() != Some(']') {
                    return Err("a character class must be like [:alpha:]");
                }
                out.push_str(":]");
            }
            '[' if matches!(chars.peek(), Some('.' | '=')) => {
                return Err("collating elements are not supported");
            }
            '-' if !first && chars.peek() != Some(&']') => out.push('-'),
            c => literal(c, out),
        }
        first = false;
    }
    out.push(']');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, flags: i64, text: &str) -> bool {
        Pattern::posix(pattern.as_bytes(), flags)
            .expect("a valid pattern")
            .is_match(text.as_bytes())
    }

    #[test]
    fn basic_patterns_take_extended_signs_as_literals() {
        assert!(matches("a+b", 0, "xa+bx"));
        assert!(!matches("a+b", 0, "aab"));
        assert!(matches("\\(ab\\)*c", 0, "ababc"));
        assert!(matches("a\\{2\\}", 0, "aa"));
        assert!(matches("*a", 0, "*a"));
        assert!(matches("a^b$c", 0, "a^b$c"));
        assert!(matches("x|y", 0, "x|y"));
    }

    #[test]
    fn extended_patterns_group_repeat_and_alternate() {
        assert!(matches("^(ab|cd)+$", EXTENDED, "abcd"));
        assert!(!matches("^(ab|cd)+$", EXTENDED, "abc"));
        assert!(matches("a{2,3}", EXTENDED, "aa"));
        assert!(matches("^prefix.*suffix$", EXTENDED, "prefix and suffix"));
    }

    #[test]
    fn crate_syntax_beyond_posix_stays_literal() {
        assert!(matches("(?i)A", EXTENDED, "?iA"));
        assert!(!matches("(?i)A", EXTENDED, "a"));
        assert!(matches("\\d", EXTENDED, "d"));
        assert!(!matches("\\d", EXTENDED, "7"));
    }

    #[test]
    fn flags_set_case_and_line_handling() {
        assert!(matches("ABC", IGNORE_CASE, "xabcx"));
        assert!(matches("a.b", 0, "a\nb"));
        assert!(!matches("a.b", NEWLINE, "a\nb"));
        assert!(matches("^b", NEWLINE, "a\nb"));
        assert!(!matches("^b", 0, "a\nb"));
    }

    #[test]
    fn brackets_follow_posix() {
        assert!(matches("[]x]", 0, "]"));
        assert!(matches("[^]x]", 0, "a"));
        assert!(matches("[a\\]", 0, "\\"));
        assert!(matches("[[:digit:]]{2}", EXTENDED, "a12"));
        assert!(matches("[a-c-]", 0, "-"));
        assert!(matches("[a&&b]", 0, "&"));
    }

    #[test]
    fn invalid_patterns_say_why() {
        for pattern in ["(", "a\\", "[a", "\\1", "a{x}", "[[.a.]]"] {
            let refused = Pattern::posix(pattern.as_bytes(), EXTENDED);
            assert!(matches!(refused, Err(PatternError { .. })), "{pattern}");
        }
    }
}
