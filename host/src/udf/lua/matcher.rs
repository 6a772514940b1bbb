//! Lua patterns: a backtracking matcher that can be stopped.

use std::ffi::CStr;

use super::pulse::Pulse;

/// The most captures that a pattern may have.
pub(super) const MAX_CAPTURES: usize = 32;

/// How deep matching may recurse, as in Lua.
const MAX_DEPTH: usize = 200;

/// Why a match did not come to its end.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stop {
    /// The invocation has to end.
    Overdue,
    /// The pattern makes no sense.
    Malformed(&'static CStr),
    /// The pattern names a capture that is not there.
    CaptureIndex(usize),
}

/// A finished capture.
pub(super) enum Capture<'a> {
    Text(&'a [u8]),
    /// Of `()`: an offset.
    Position(usize),
}

#[derive(Clone, Copy)]
enum Extent {
    Open,
    Position,
    Closed(usize),
}

type Matched = Result<Option<usize>, Stop>;

/// One pattern over one subject. Owns nothing that needs dropping.
pub(super) struct Matcher<'a> {
    subject: &'a [u8],
    pattern: &'a [u8],
    level: usize,
    captures: [(usize, Extent); MAX_CAPTURES],
    depth: usize,
    pulse: &'a Pulse,
}

impl<'a> Matcher<'a> {
    /// Ends early when the invocation whose `pulse` it is has to end.
    pub(super) fn new(subject: &'a [u8], pattern: &'a [u8], pulse: &'a Pulse) -> Self {
        Self {
            subject,
            pattern,
            level: 0,
            captures: [(0, Extent::Open); MAX_CAPTURES],
            depth: 0,
            pulse,
        }
    }

    /// Forgets the captures of the last match.
    pub(super) fn start(&mut self) {
        self.level = 0;
        self.depth = 0;
    }

    /// How many captures the match has.
    pub(super) fn captures(&self) -> usize {
        self.level
    }

    /// The part of the subject between two offsets.
    pub(super) fn subject_part(&self, (from, to): (usize, usize)) -> &'a [u8] {
        self.subject.get(from..to).unwrap_or_default()
    }

    /// Capture `i`, from 0; without captures, capture 0 is the whole match.
    pub(super) fn capture(&self, i: usize, whole: (usize, usize)) -> Result<Capture<'a>, Stop> {
        if i >= self.level {
            return if i == 0 {
                Ok(Capture::Text(self.subject_part(whole)))
            } else {
                Err(Stop::CaptureIndex(i + 1))
            };
        }
        let (at, extent) = self.captures[i];
        match extent {
            Extent::Open => Err(Stop::Malformed(c"unfinished capture")),
            Extent::Position => Ok(Capture::Position(at)),
            Extent::Closed(n) => Ok(Capture::Text(self.subject_part((at, at + n)))),
        }
    }

    fn pat(&self, p: usize) -> Option<u8> {
        self.pattern.get(p).copied()
    }

    /// Asks whether to go on.
    #[inline]
    fn step(&self) -> Result<(), Stop> {
        if self.pulse.has_tripped() {
            return Err(Stop::Overdue);
        }
        Ok(())
    }

    /// Matches the pattern from `p` on at `s`; gives the end of the match.
    pub(super) fn run(&mut self, s: usize, p: usize) -> Matched {
        if self.depth >= MAX_DEPTH {
            return Err(Stop::Malformed(c"pattern too complex"));
        }
        self.depth += 1;
        let found = self.run_here(s, p);
        self.depth -= 1;
        found
    }

    fn run_here(&mut self, mut s: usize, mut p: usize) -> Matched {
        loop {
            self.step()?;
            let Some(c) = self.pat(p) else {
                return Ok(Some(s));
            };
            match (c, self.pat(p + 1)) {
                (b'(', Some(b')')) => return self.open(s, p + 2, Extent::Position),
                (b'(', _) => return self.open(s, p + 1, Extent::Open),
                (b')', _) => return self.close(s, p + 1),
                (b'$', None) => return Ok((s == self.subject.len()).then_some(s)),
                (b'%', Some(b'b')) => match self.balance(s, p + 2)? {
                    Some(end) => {
                        s = end;
                        p += 4;
                        continue;
                    }
                    None => return Ok(None),
                },
                (b'%', Some(b'f')) => {
                    p += 2;
                    if self.pat(p) != Some(b'[') {
                        return Err(Stop::Malformed(c"missing '[' after '%f' in pattern"));
                    }
                    let end = self.class_end(p)?;
                    let before = if s == 0 { 0 } else { self.subject[s - 1] };
                    let after = self.subject.get(s).copied().unwrap_or(0);
                    if self.in_set(before, p, end - 1) || !self.in_set(after, p, end - 1) {
                        return Ok(None);
                    }
                    p = end;
                    continue;
                }
                (b'%', Some(d @ b'0'..=b'9')) => {
                    let Some(end) = self.back_reference(s, d)? else {
                        return Ok(None);
                    };
                    s = end;
                    p += 2;
                    continue;
                }
                _ => {}
            }
            let end = self.class_end(p)?;
            match self.pat(end) {
                Some(b'?') => {
                    if self.single(s, p, end)
                        && let Some(found) = self.run(s + 1, end + 1)?
                    {
                        return Ok(Some(found));
                    }
                    p = end + 1;
                }
                Some(b'+') => {
                    return if self.single(s, p, end) {
                        self.longest(s + 1, p, end)
                    } else {
                        Ok(None)
                    };
                }
                Some(b'*') => return self.longest(s, p, end),
                Some(b'-') => return self.shortest(s, p, end),
                _ => {
                    if !self.single(s, p, end) {
                        return Ok(None);
                    }
                    s += 1;
                    p = end;
                }
            }
        }
    }

    fn longest(&mut self, s: usize, p: usize, end: usize) -> Matched {
        let mut n = 0;
        while self.single(s + n, p, end) {
            self.step()?;
            n += 1;
        }
        loop {
            if let Some(found) = self.run(s + n, end + 1)? {
                return Ok(Some(found));
            }
            if n == 0 {
                return Ok(None);
            }
            n -= 1;
        }
    }

    fn shortest(&mut self, mut s: usize, p: usize, end: usize) -> Matched {
        loop {
            if let Some(found) = self.run(s, end + 1)? {
                return Ok(Some(found));
            }
            if !self.single(s, p, end) {
                return Ok(None);
            }
            s += 1;
        }
    }

    fn open(&mut self, s: usize, p: usize, extent: Extent) -> Matched {
        let level = self.level;
        let Some(slot) = self.captures.get_mut(level) else {
            return Err(Stop::Malformed(c"too many captures"));
        };
        *slot = (s, extent);
        self.level = level + 1;
        let found = self.run(s, p)?;
        if found.is_none() {
            self.level = level;
        }
        Ok(found)
    }

    fn close(&mut self, s: usize, p: usize) -> Matched {
        let open = self.captures[..self.level]
            .iter()
            .rposition(|(_, extent)| matches!(extent, Extent::Open));
        let Some(i) = open else {
            return Err(Stop::Malformed(c"invalid pattern capture"));
        };
        self.captures[i].1 = Extent::Closed(s - self.captures[i].0);
        let found = self.run(s, p)?;
        if found.is_none() {
            self.captures[i].1 = Extent::Open;
        }
        Ok(found)
    }

    fn balance(&self, s: usize, p: usize) -> Matched {
        let (Some(open), Some(close)) = (self.pat(p), self.pat(p + 1)) else {
            return Err(Stop::Malformed(
                c"malformed pattern (missing arguments to '%b')",
            ));
        };
        if self.subject.get(s) != Some(&open) {
            return Ok(None);
        }
        let mut depth = 1;
        for (i, c) in self.subject.iter().enumerate().skip(s + 1) {
            if *c == close {
                depth -= 1;
                if depth == 0 {
                    return Ok(Some(i + 1));
                }
            } else if *c == open {
                depth += 1;
            }
        }
        Ok(None)
    }

    fn back_reference(&self, s: usize, digit: u8) -> Matched {
        let i = usize::from(digit).wrapping_sub(usize::from(b'1'));
        match self.captures[..self.level].get(i) {
            Some((at, Extent::Closed(n))) => {
                let text = self.subject_part((*at, at + n));
                let rest = self.subject.get(s..).unwrap_or_default();
                Ok(rest.starts_with(text).then_some(s + n))
            }
            Some((_, Extent::Position)) => Ok(Some(s)),
            _ => Err(Stop::CaptureIndex(i.wrapping_add(1))),
        }
    }

    /// Where the single-character class that starts at `p` ends.
    fn class_end(&self, p: usize) -> Result<usize, Stop> {
        match self.pat(p) {
            Some(b'%') if p + 1 >= self.pattern.len() => {
                Err(Stop::Malformed(c"malformed pattern (ends with '%')"))
            }
            Some(b'%') => Ok(p + 2),
            Some(b'[') => {
                let mut p = p + 1;
                if self.pat(p) == Some(b'^') {
                    p += 1;
                }
                let mut first = true;
                loop {
                    match self.pat(p) {
                        None => {
                            return Err(Stop::Malformed(c"malformed pattern (missing ']')"));
                        }
                        Some(b']') if !first => return Ok(p + 1),
                        Some(b'%') => p += 2,
                        Some(_) => p += 1,
                    }
                    first = false;
                }
            }
            _ => Ok(p + 1),
        }
    }

    /// Whether the subject's character at `s` is in the class between `p` and `end`.
    #[inline]
    fn single(&self, s: usize, p: usize, end: usize) -> bool {
        let Some(&c) = self.subject.get(s) else {
            return false;
        };
        match self.pattern[p] {
            b'.' => true,
            b'%' => in_class(c, self.pattern[p + 1]),
            b'[' => self.in_set(c, p, end - 1),
            literal => literal == c,
        }
    }

    /// Whether `c` is in the set that starts at `p` and whose `]` is at `end`.
    fn in_set(&self, c: u8, p: usize, end: usize) -> bool {
        let (negated, mut p) = match self.pat(p + 1) {
            Some(b'^') => (true, p + 2),
            _ => (false, p + 1),
        };
        while p < end {
            match (self.pattern[p], self.pat(p + 1)) {
                (b'%', Some(class)) => {
                    if in_class(c, class) {
                        return !negated;
                    }
                    p += 2;
                }
                (low, Some(b'-')) if p + 2 < end => {
                    if (low..=self.pattern[p + 2]).contains(&c) {
                        return !negated;
                    }
                    p += 3;
                }
                (literal, _) => {
                    if literal == c {
                        return !negated;
                    }
                    p += 1;
                }
            }
        }
        negated
    }
}

/// Whether `c` is in the class `%class`; an upper-case letter negates.
fn in_class(c: u8, class: u8) -> bool {
    let inside = match class.to_ascii_lowercase() {
        b'a' => c.is_ascii_alphabetic(),
        b'c' => c.is_ascii_control(),
        b'd' => c.is_ascii_digit(),
        b'g' => c.is_ascii_graphic(),
        b'l' => c.is_ascii_lowercase(),
        b'p' => c.is_ascii_punctuation(),
        b's' => c.is_ascii_whitespace() || c == 0x0B,
        b'u' => c.is_ascii_uppercase(),
        b'w' => c.is_ascii_alphanumeric(),
        b'x' => c.is_ascii_hexdigit(),
        _ => return class == c,
    };
    inside != class.is_ascii_uppercase()
}
