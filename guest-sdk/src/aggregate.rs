//! Folds packed records into the state of an aggregation.

use crate::arguments::{Arguments, Signature};
use crate::record::Record;
use crate::{Error, FromValue, Result, ToValue, ValueRef, batch};

/// An aggregation as the macro describes it.
#[doc(hidden)]
pub struct Aggregation {
    /// Its name and arguments.
    pub signature: &'static Signature,
    /// Begins it with packed arguments.
    pub begin: fn(&[u8]) -> Result<Box<dyn Opened>>,
}

/// A state and what is done with it, as the macro forwards it to its author's methods.
#[doc(hidden)]
pub trait Aggregate: Sized {
    /// The name and the arguments.
    const SIGNATURE: &'static Signature;

    /// An empty state.
    ///
    /// # Errors
    /// When the arguments do not fit.
    fn empty(arguments: &Arguments<'_>) -> Result<Self>;

    /// Folds a record into it.
    ///
    /// # Errors
    /// The author's own.
    fn fold_record(&mut self, record: &Record<'_>) -> Result<()>;

    /// Merges what [`Aggregate::into_state`] gave into it.
    ///
    /// # Errors
    /// When the value does not fit, and the author's own.
    fn merge_value(&mut self, state: ValueRef<'_>) -> Result<()>;

    /// The state as a value.
    ///
    /// # Errors
    /// The author's own.
    fn into_state(self) -> Result<impl ToValue>;

    /// What it comes to.
    ///
    /// # Errors
    /// The author's own.
    fn into_result(self) -> Result<impl ToValue>;
}

/// What a method that may fail or not returns: a `T`, or a [`Result`] of one.
#[doc(hidden)]
#[diagnostic::on_unimplemented(message = "this method returns `{T}`, or a `Result` of it")]
pub trait Fallible<T> {
    /// The `T` or the failure.
    ///
    /// # Errors
    /// The method's own.
    fn result(self) -> Result<T>;
}

impl<T> Fallible<T> for T {
    #[inline]
    fn result(self) -> Result<T> {
        Ok(self)
    }
}

impl<T, E: Into<Error>> Fallible<T> for Result<T, E> {
    #[inline]
    fn result(self) -> Result<T> {
        self.map_err(Into::into)
    }
}

/// A value as the contract has it: its particle type and its particle.
pub type Packed = (u8, Vec<u8>);

/// An open aggregation of any type. After an error its state is not to be used.
#[doc(hidden)]
pub trait Opened {
    /// Folds packed records.
    ///
    /// # Errors
    /// That of the first record that failed.
    fn fold(&mut self, records: &[u8]) -> Result<()>;

    /// Takes the state out.
    ///
    /// # Errors
    /// The author's own.
    fn take(&mut self) -> Result<Packed>;

    /// Merges another's state.
    ///
    /// # Errors
    /// When the value does not fit, and the author's own.
    fn merge(&mut self, kind: u8, particle: &[u8]) -> Result<()>;

    /// Ends it.
    ///
    /// # Errors
    /// The author's own.
    fn finish(&mut self) -> Result<Packed>;
}

/// An open aggregation.
#[doc(hidden)]
pub struct Open<A> {
    arguments: Box<[u8]>,
    /// `None` for an empty one that is not made yet.
    state: Option<A>,
}

/// What another instance's state is to its author's `merge`.
///
/// # Errors
/// When `merge` takes another type.
#[doc(hidden)]
#[inline]
pub fn state_of<'a, T: FromValue<'a>>(value: ValueRef<'a>) -> Result<T> {
    T::from_value(value).map_err(|e| {
        e.within("`merge` takes another type than `state` (or, without one, `finish`) returns")
    })
}

impl<A: Aggregate> Open<A> {
    /// Begins an aggregation with packed arguments and an empty state.
    ///
    /// # Errors
    /// When the arguments do not fit.
    pub fn begin(arguments: &[u8]) -> Result<Self> {
        let mut open = Self {
            arguments: arguments.into(),
            state: None,
        };
        open.state()?;
        Ok(open)
    }

    fn state(&mut self) -> Result<&mut A> {
        Ok(match &mut self.state {
            Some(state) => state,
            none => {
                let arguments = Arguments::parse(A::SIGNATURE, &self.arguments)?;
                none.insert(A::empty(&arguments)?)
            }
        })
    }

    fn take_state(&mut self) -> Result<A> {
        self.state()?;
        // It was just made.
        self.state
            .take()
            .ok_or_else(|| Error::new("there is no state"))
    }
}

fn pack(value: &impl ToValue) -> Packed {
    let mut particle = Vec::new();
    value.write_particle(&mut particle);
    (value.kind(), particle)
}

impl<A: Aggregate> Opened for Open<A> {
    fn fold(&mut self, records: &[u8]) -> Result<()> {
        let state = self.state()?;
        batch::open(records, A::SIGNATURE, |shared, count, mut packed| {
            let mut record = Record::new(shared, Vec::new(), Vec::new());
            for index in 0..count {
                record.load(index, &mut packed)?;
                state.fold_record(&record)?;
            }
            Ok(())
        })
    }

    fn take(&mut self) -> Result<Packed> {
        Ok(pack(&self.take_state()?.into_state()?))
    }

    fn merge(&mut self, kind: u8, particle: &[u8]) -> Result<()> {
        self.state()?
            .merge_value(ValueRef::from_particle(kind, particle)?)
    }

    fn finish(&mut self) -> Result<Packed> {
        Ok(pack(&self.take_state()?.into_result()?))
    }
}
