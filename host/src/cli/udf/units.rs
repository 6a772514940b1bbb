//! Times and sizes for people.

use std::time::Duration;

/// A time in the unit that leaves one to three digits before the point.
pub fn time(time: Duration) -> String {
    let nanos = time.as_nanos() as f64;
    match nanos {
        ..1e3 => format!("{nanos:.0} ns"),
        ..1e6 => format!("{:.1} µs", nanos / 1e3),
        ..1e9 => format!("{:.1} ms", nanos / 1e6),
        _ => format!("{:.1} s", nanos / 1e9),
    }
}

/// A size in bytes, KiB or MiB.
pub fn size(bytes: usize) -> String {
    let bytes = bytes as f64;
    match bytes {
        ..1024.0 => format!("{bytes} bytes"),
        ..1_048_576.0 => format!("{:.1} KiB", bytes / 1024.0),
        _ => format!("{:.1} MiB", bytes / 1_048_576.0),
    }
}

/// Text of at most so many characters, the rest cut off.
pub fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_fit_the_number() {
        let times = [7, 1_500, 2_000_000, 3_200_000_000].map(|n| time(Duration::from_nanos(n)));
        assert_eq!(times, ["7 ns", "1.5 µs", "2.0 ms", "3.2 s"]);
        assert_eq!(
            [10, 2048, 3 << 20].map(size),
            ["10 bytes", "2.0 KiB", "3.0 MiB"]
        );
        assert_eq!([short("abc", 3), short("äbcd", 2)], ["abc", "äb…"]);
    }
}
