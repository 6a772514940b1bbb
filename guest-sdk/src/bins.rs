//! Records as structs.

use crate::{Record, Result};

/// A struct that is read from the bins of a record and written back to them, a field a bin. Derive it.
///
/// A field is of any type that is [`FromValue`](crate::FromValue) and [`ToValue`](crate::ToValue), and
/// its bin has its name. A bin that is missing is an error, unless the field is an `Option` or has a
/// default. What a field may be told:
///
/// - `#[bins(rename = "lastSeen")]`: its bin has another name.
/// - `#[bins(default)]`, `#[bins(default = 18)]`: what it is when the bin is missing.
/// - `#[bins(serde)]`: it is a type of serde's, as `Serde` has it; with the feature
///   `serde`.
///
/// ```
/// use petrel_udf::{Bins, Record, Result};
///
/// #[derive(Bins)]
/// struct User<'a> {
///     name: &'a str,
///     tier: Option<&'a str>,
///     #[bins(default)]
///     visits: i64,
///     #[bins(rename = "lastSeen", default = -1)]
///     last_seen: i64,
/// }
///
/// /// Counts the visit. Only the bins of a `User` are handed to it.
/// #[petrel_udf::udf(bins = User)]
/// fn visit(record: &mut Record, now: i64) -> Result<i64> {
///     let mut user: User = record.bins()?;
///     user.visits += 1;
///     user.last_seen = now;
///     record.set_bins(&user)?;
///     record.save()?;
///     Ok(user.visits)
/// }
///
/// let mut record = Record::testing().bin("name", "Ann").bin("visits", 2).build();
/// assert_eq!(visit(&mut record, 77).unwrap(), 3);
/// assert_eq!(record.get_int("lastSeen").unwrap(), 77);
///
/// let mut nameless = Record::testing().build();
/// let error = visit(&mut nameless, 77).unwrap_err();
/// assert_eq!(error.message(), "bin name: expected string, found nil");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not read from the bins of a record",
    note = "write `#[derive(petrel_udf::Bins)]` on a struct of its bins"
)]
pub trait Bins<'a>: Sized {
    /// The names of the bins, in the order of the fields.
    const NAMES: &'static [&'static str];

    /// Reads them.
    ///
    /// # Errors
    /// As [`Record::get`] of each.
    fn read(record: &Record<'a>) -> Result<Self>;

    /// Sets them.
    ///
    /// # Errors
    /// As [`Record::set`] of each.
    fn write(&self, record: &mut Record<'_>) -> Result<()>;
}

impl<'a> Record<'a> {
    /// The bins as a struct; see [`Bins`].
    ///
    /// # Errors
    /// As [`get`](Self::get), of the first bin that does not fit.
    pub fn bins<T: Bins<'a>>(&self) -> Result<T> {
        T::read(self)
    }

    /// Sets the bins of a struct; see [`Bins`]. A field that is `None` removes its bin.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn set_bins<'b>(&mut self, bins: &impl Bins<'b>) -> Result<()> {
        bins.write(self)
    }
}
