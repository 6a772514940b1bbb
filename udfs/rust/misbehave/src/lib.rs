//! Functions that fail in every way there is, to see that the host stands.

use petrel_udf::{Record, Result, ValueRef};

/// Fails by its own word.
#[petrel_udf::udf]
pub fn throw(_record: &Record, message: &str) -> Result<()> {
    Err(message)?
}

/// Panics.
#[petrel_udf::udf]
pub fn trap(_record: &Record) {
    panic!("this function panics");
}

/// Panics on a record whose bin `bad` is true, else returns 1.
#[petrel_udf::udf]
pub fn trap_if_bad(record: &Record) -> Result<i64> {
    if record.get::<Option<bool>>("bad")? == Some(true) {
        panic!("a bad record");
    }
    Ok(1)
}

/// Loops for ever.
#[petrel_udf::udf]
pub fn spin(_record: &Record) -> i64 {
    let mut n = 0i64;
    loop {
        n = std::hint::black_box(n).wrapping_add(1);
        if n == i64::MIN {
            return n;
        }
    }
}

/// Takes memory for ever.
#[petrel_udf::udf]
pub fn eat(_record: &Record) -> i64 {
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(std::hint::black_box(vec![1; 1 << 20]));
        if eaten.is_empty() {
            return 0;
        }
    }
}

/// Calls itself for ever.
#[petrel_udf::udf]
pub fn deep(_record: &Record) -> i64 {
    fn down(n: i64) -> i64 {
        let n = std::hint::black_box(n);
        if n < 0 { n } else { down(n + 1) + 1 }
    }
    down(0)
}

/// Returns its argument.
#[petrel_udf::udf]
pub fn echo<'a>(_record: &Record, value: ValueRef<'a>) -> ValueRef<'a> {
    value
}

/// Returns a string of so many bytes.
#[petrel_udf::udf]
pub fn big(_record: &Record, bytes: usize) -> String {
    "x".repeat(bytes)
}

/// Writes more to the log than anybody reads.
#[petrel_udf::udf]
pub fn log_often(_record: &Record, lines: i64, message: &str) {
    for _ in 0..lines {
        petrel_udf::info!("{message}");
    }
}

/// Writes one long line to the log.
#[petrel_udf::udf]
pub fn log_long(_record: &Record, bytes: usize) {
    petrel_udf::info!("{}", "x".repeat(bytes));
}

pub struct Misfold {
    how: String,
    eaten: Vec<Vec<u8>>,
}

/// Sets a bin that it does not say it sets.
#[petrel_udf::udf(writes("a"))]
pub fn careless(record: &mut Record) -> Result<()> {
    record.set("a", 1)?;
    record.set("b", 2)
}

/// An aggregation that fails as it is told to.
#[petrel_udf::aggregate]
impl Misfold {
    fn new(how: String) -> Result<Self> {
        if how == "arguments" {
            Err(petrel_udf::Error::arguments("no such way"))?;
        }
        let eaten = Vec::new();
        Ok(Self { how, eaten })
    }

    fn fold(&mut self, record: &Record) -> Result<()> {
        match &*self.how {
            "throw" => Err("no stock")?,
            "trap" => panic!("this fold panics"),
            "spin" => {
                spin(record);
            }
            // The state grows with the records.
            "eat" => self.eaten.push(vec![1; 1 << 20]),
            _ => {}
        }
        Ok(())
    }

    fn state(self) -> String {
        self.how
    }

    fn merge(&mut self, _other: &str) {}

    fn finish(self) -> String {
        match &*self.how {
            "big" => "x".repeat(2 << 20),
            "late" => panic!("this finish panics"),
            _ => self.how,
        }
    }
}

#[derive(Default)]
pub struct Mismatch(i64);

/// An aggregation whose states do not fit each other.
#[petrel_udf::aggregate]
impl Mismatch {
    fn fold(&mut self, _record: &Record) {
        self.0 += 1;
    }

    fn merge(&mut self, other: i64) {
        self.0 += other;
    }

    fn finish(self) -> String {
        self.0.to_string()
    }
}

pub struct Longest {
    bin: String,
    longest: String,
}

/// The longest string of a bin.
#[petrel_udf::aggregate]
impl Longest {
    fn new(bin: String) -> Self {
        let longest = String::new();
        Self { bin, longest }
    }

    fn fold(&mut self, record: &Record) -> Result<()> {
        self.merge(record.get(&self.bin)?);
        Ok(())
    }

    fn merge(&mut self, other: &str) {
        if other.len() > self.longest.len() {
            other.clone_into(&mut self.longest);
        }
    }

    fn finish(self) -> String {
        self.longest
    }
}
