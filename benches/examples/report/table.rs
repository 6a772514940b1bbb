//! Tables of what belongs together: each function in each form.

use std::fmt::{self, Display, Formatter};

use crate::measured::Measured;

/// One table.
pub struct Table {
    /// The columns: `native`.
    pub forms: &'static [&'static str],
    /// The functions, the cheapest in the first form first.
    pub rows: Vec<Row>,
}

/// One function.
pub struct Row {
    /// Its name.
    pub title: String,
    /// What it took in each form; `None` where it was not measured.
    pub times: Vec<Option<Cell>>,
}

/// One measurement.
pub struct Cell {
    /// Nanoseconds.
    pub ns: f64,
    /// As a share of `ns`.
    pub uncertainty: f64,
}

impl Table {
    /// The groups below `prefix`, in these forms.
    pub fn of(measured: &[Measured], prefix: &str, forms: &'static [&'static str]) -> Self {
        let title = |m: &Measured| m.group.strip_prefix(prefix).map(str::to_owned);
        let mut titles: Vec<String> = measured.iter().filter_map(title).collect();
        titles.sort();
        titles.dedup();
        let row = |title: String| {
            let cell = |form: &&str| {
                let here = |m: &&Measured| m.group == format!("{prefix}{title}") && m.form == *form;
                measured.iter().find(here).map(|m| Cell {
                    ns: m.ns,
                    uncertainty: m.uncertainty,
                })
            };
            let times = forms.iter().map(cell).collect();
            Row { title, times }
        };
        let mut rows: Vec<Row> = titles.into_iter().map(row).collect();
        rows.sort_by(|a, b| a.first().total_cmp(&b.first()));
        Self { forms, rows }
    }
}

impl Row {
    fn first(&self) -> f64 {
        self.times
            .iter()
            .flatten()
            .next()
            .map_or(0.0, |cell| cell.ns)
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "| |")?;
        for form in self.forms {
            write!(f, " {form} |")?;
        }
        for form in &self.forms[1..] {
            write!(f, " {form} / {} |", self.forms[0])?;
        }
        write!(f, "\n|---|")?;
        for _ in 1..self.forms.len() * 2 {
            write!(f, "---:|")?;
        }
        writeln!(f)?;
        for row in &self.rows {
            write!(f, "| `{}` |", row.title)?;
            for cell in &row.times {
                match cell {
                    Some(cell) => write!(f, " {} |", cell)?,
                    None => write!(f, " |")?,
                }
            }
            for cell in &row.times[1..] {
                match cell {
                    Some(cell) => write!(f, " {:.2} |", cell.ns / row.first())?,
                    None => write!(f, " |")?,
                }
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl Display for Cell {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (value, unit) = match self.ns {
            ns if ns < 9_995.0 => (ns, "ns"),
            ns if ns < 9_995_000.0 => (ns / 1e3, "µs"),
            ns => (ns / 1e6, "ms"),
        };
        let digits = if value < 99.95 { 1 } else { 0 };
        write!(
            f,
            "{value:.digits$} {unit} ± {:.0} %",
            self.uncertainty * 100.0
        )
    }
}
