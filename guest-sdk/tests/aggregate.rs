//! Aggregations on their way through packed records and states, as a host takes them.

use std::collections::HashMap;

use petrel_packed::{
    Fields, Particle, ParticleType, RecordHead, RecordsHead, VERSION, flag, pack_bin, pack_int,
    pack_list_len, pack_name,
};
use petrel_udf::rt::{Aggregate, Open, Opened};
use petrel_udf::{FromValue, Map, Record, Result, ToValue, ValueRef};

struct Mean {
    least: f64,
    sum: f64,
    count: i64,
}

/// The mean of bin `v`, at least `least`.
#[petrel_udf::aggregate]
impl Mean {
    fn new(least: f64) -> Result<Self> {
        if least < 0.0 {
            Err("least is negative")?;
        }
        Ok(Self {
            least,
            sum: 0.0,
            count: 0,
        })
    }

    fn fold(&mut self, record: &Record) -> Result<()> {
        self.sum += record.get::<f64>("v")?;
        self.count += 1;
        Ok(())
    }

    fn state(self) -> (f64, i64) {
        (self.sum, self.count)
    }

    fn merge(&mut self, (sum, count): (f64, i64)) {
        self.sum += sum;
        self.count += count;
    }

    fn finish(self) -> Result<f64> {
        match self.count {
            0 => Err("no records")?,
            n => Ok((self.sum / n as f64).max(self.least)),
        }
    }
}

/// How many records have each value of bin `v`.
#[derive(Default)]
struct Histogram(HashMap<i64, i64>);

#[petrel_udf::aggregate(name = "how_many", bins("v"))]
impl Histogram {
    fn fold(&mut self, record: &Record) -> Result<()> {
        *self.0.entry(record.get("v")?).or_default() += 1;
        Ok(())
    }

    // The state of another is read where it lies.
    fn merge(&mut self, other: Map<'_>) -> Result<()> {
        for entry in other.iter() {
            let (value, count) = entry?;
            *self.0.entry(i64::from_value(value)?).or_default() += i64::from_value(count)?;
        }
        Ok(())
    }

    fn finish(self) -> HashMap<i64, i64> {
        self.0
    }
}

fn arguments(arguments: &[i64]) -> Vec<u8> {
    let mut packed = Vec::new();
    pack_list_len(arguments.len() as u32, &mut packed);
    for argument in arguments {
        pack_int(*argument, &mut packed);
    }
    packed
}

/// Records whose bin `v` has these values.
fn records(values: &[i64]) -> Vec<u8> {
    let head = RecordsHead {
        version: VERSION,
        sets: 0,
        count: values.len() as u32,
        now: 0,
    };
    let mut packed = head.to_bytes().to_vec();
    pack_name(b"test", &mut packed);
    for v in values {
        let mut bins = Vec::new();
        let data = v.to_be_bytes();
        pack_bin(b"v", Particle::new(ParticleType::INTEGER, &data), &mut bins);
        let head = RecordHead {
            len: (RecordHead::SIZE - size_of::<u32>() + bins.len()) as u32,
            digest: [0; 20],
            set: 0,
            generation: 1,
            void_time: 0,
            last_update: 0,
            flags: flag::EXISTS,
            key_kind: ParticleType::NULL,
            key_len: 0,
        };
        packed.extend_from_slice(&head.to_bytes());
        packed.extend_from_slice(&bins);
    }
    assert!(RecordsHead::read(&mut Fields::new(&packed)).is_ok());
    packed
}

fn particle(value: &impl ToValue) -> (u8, Vec<u8>) {
    let mut particle = Vec::new();
    value.write_particle(&mut particle);
    (value.kind(), particle)
}

#[test]
fn a_state_crosses_and_is_merged() {
    let begin = || Open::<Mean>::begin(&arguments(&[0])).unwrap();
    let (mut one, mut other) = (begin(), begin());
    one.fold(&records(&[1, 2])).unwrap();
    other.fold(&records(&[30])).unwrap();
    let (kind, state) = other.take().unwrap();
    assert_eq!((kind, state.clone()), particle(&(30.0, 1)));
    one.merge(kind, &state).unwrap();
    assert_eq!(one.finish().unwrap(), particle(&11.0));
}

#[test]
fn a_state_that_was_taken_is_empty_and_keeps_the_arguments() {
    let mut open = Open::<Mean>::begin(&arguments(&[5])).unwrap();
    open.fold(&records(&[100])).unwrap();
    open.take().unwrap();
    open.fold(&records(&[1])).unwrap();
    assert_eq!(open.finish().unwrap(), particle(&5.0));
    assert_eq!(open.finish().unwrap_err().message(), "no records");
}

#[test]
fn without_a_state_what_it_comes_to_crosses() {
    let begin = || Open::<Histogram>::begin(&[]).unwrap();
    let (mut one, mut other) = (begin(), begin());
    one.fold(&records(&[1, 2, 1])).unwrap();
    other.fold(&records(&[1])).unwrap();
    let (kind, state) = other.take().unwrap();
    one.merge(kind, &state).unwrap();
    assert_eq!(
        one.finish().unwrap(),
        particle(&HashMap::from([(1, 3), (2, 1)]))
    );
}

#[test]
fn arguments_are_checked_when_it_begins() {
    let message = |arguments: &[u8]| match Open::<Mean>::begin(arguments) {
        Ok(_) => panic!("it begins"),
        Err(e) => (e.message().to_owned(), e.is_arguments()),
    };
    let (says, blamed) = message(&[]);
    assert_eq!(says, "mean(least: f64) takes 1 argument, 0 given");
    assert!(blamed);
    assert_eq!(
        message(&arguments(&[-1])),
        ("least is negative".into(), false)
    );
    assert!(Open::<Histogram>::begin(&arguments(&[1])).is_err());
}

#[test]
fn a_state_of_another_type_is_told() {
    let mut open = Open::<Mean>::begin(&arguments(&[0])).unwrap();
    let (kind, state) = particle(&7);
    let error = open.merge(kind, &state).unwrap_err();
    assert!(error.message().contains("`merge` takes another type"));
}

#[test]
fn the_host_hears_of_names_and_arguments() {
    assert_eq!(Mean::SIGNATURE.name, "mean");
    assert_eq!(
        Mean::SIGNATURE.doc,
        "The mean of bin `v`, at least `least`."
    );
    assert_eq!(Mean::SIGNATURE.arguments, [("least", "f64")]);
    assert_eq!(Mean::SIGNATURE.returns, "f64");
    assert_eq!(Histogram::SIGNATURE.name, "how_many");
    assert_eq!(Histogram::SIGNATURE.bins, Some(&["v"][..]));
}

#[test]
fn a_tuple_is_a_list_of_its_length() {
    let (kind, packed) = particle(&(1, "a", 2.5));
    let value = ValueRef::from_particle(kind, &packed).unwrap();
    assert_eq!(
        <(i64, &str, f64)>::from_value(value).unwrap(),
        (1, "a", 2.5)
    );
    let error = <(i64, &str)>::from_value(value).unwrap_err();
    assert_eq!(error.message(), "expected a list of 2, found one of 3");
}

/// Reads a bin that it does not name.
#[derive(Default)]
struct Careless;

#[petrel_udf::aggregate(bins("v"))]
impl Careless {
    fn fold(&mut self, record: &Record) -> Result<()> {
        record.get_or("w", 0i64).map(|_| ())
    }

    fn merge(&mut self, _: ValueRef<'_>) {}

    fn finish(self) {}
}

// It may be in the record: the host handed over none but those that were named.
#[test]
fn a_bin_that_is_not_named_is_not_taken_for_missing() {
    let mut open = Open::<Careless>::begin(&arguments(&[])).unwrap();
    let error = open.fold(&records(&[1])).unwrap_err();
    assert!(error.message().starts_with("bin w is not among"));
    let mut open = Open::<Histogram>::begin(&arguments(&[])).unwrap();
    open.fold(&records(&[1])).unwrap();
}
