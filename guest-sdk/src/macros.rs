//! The macros, documented here because their examples need the crate.

/// Makes a function one that the host can call, under its own name.
///
/// Its first parameter is the record, `&Record` or `&mut Record`; the others are the
/// arguments of the call, of any type that is `FromValue`, converted before it runs. An
/// argument that is an `Option` may be left out of a call. It returns a `ToValue`, or a
/// `Result` of one.
///
/// `#[udf(bins("a", "b"))]` names the bins that the function reads: it is handed only those, and
/// reading another is an error. `#[udf(writes("a"))]` names those that it sets, for people: setting
/// another is an error. The bins of a struct with `#[derive(Bins)]` are named by it:
/// `#[udf(bins = User)]`.
/// `#[udf(name = "other")]` gives it another name towards the host.
///
/// Its doc comment and its types travel in the component: `petrel udf show` prints them.
///
/// ```
/// use petrel_udf::{Record, Result};
///
/// #[petrel_udf::udf(name = "is_adult", bins("age"))]
/// fn adult(record: &Record, from: Option<i64>) -> Result<bool> {
///     Ok(record.get_int("age")? >= from.unwrap_or(18))
/// }
///
/// let record = Record::testing().bin("age", 20).build();
/// assert!(adult(&record, None).unwrap());
/// ```
pub use petrel_udf_macros::udf;

/// Makes a type an aggregation over the records of a query: it folds records into itself, merges
/// what others of its kind have folded, and finishes as a value.
///
/// It stands on the type's own `impl`, which has the methods
///
/// - `fn new(arguments…) -> Self`: an empty state. Its parameters are the arguments of the call, as
///   those of a function marked with [`macro@crate::udf`]. An aggregation without arguments may be
///   [`Default`] instead.
/// - `fn fold(&mut self, record: &Record)`, for each record of a share of the query's.
/// - `fn state(self) -> S`: what crosses to another instance. Without it, what `finish` returns
///   does.
/// - `fn merge(&mut self, other: S)`: takes the state of another instance in.
/// - `fn finish(self) -> R`: what the aggregation comes to.
///
/// Each may return a `Result` instead, and an error ends the aggregation. `R` and `S` are `ToValue`;
/// `merge` takes `S` or anything that is `FromValue` of it. Shares are folded in no order that can
/// be relied on: merging the states of two must come to the same as folding the records of both into
/// one.
///
/// Towards the host it has the type's name in snake case, `TopK` is `top_k`, or that of
/// `#[aggregate(name = "other")]`. `#[aggregate(bins("a", "b"))]` names the bins that it reads: it
/// is handed only those, and none for `bins()`; reading another is an error. The doc comment of the
/// `impl` travels in the component: `petrel udf show` prints it.
///
/// ```
/// use petrel_udf::{Record, Result};
///
/// /// The mean of a bin.
/// struct Mean {
///     bin: String,
///     sum: f64,
///     count: i64,
/// }
///
/// #[petrel_udf::aggregate]
/// impl Mean {
///     fn new(bin: String) -> Self {
///         Self { bin, sum: 0.0, count: 0 }
///     }
///
///     fn fold(&mut self, record: &Record) -> Result<()> {
///         if let Some(value) = record.get::<Option<f64>>(&self.bin)? {
///             self.sum += value;
///             self.count += 1;
///         }
///         Ok(())
///     }
///
///     fn state(self) -> (f64, i64) {
///         (self.sum, self.count)
///     }
///
///     fn merge(&mut self, (sum, count): (f64, i64)) {
///         self.sum += sum;
///         self.count += count;
///     }
///
///     fn finish(self) -> Option<f64> {
///         (self.count > 0).then(|| self.sum / self.count as f64)
///     }
/// }
///
/// // Natively it is a type like any other.
/// let (mut mean, mut other) = (Mean::new("age".into()), Mean::new("age".into()));
/// mean.fold(&Record::testing().bin("age", 20).build()).unwrap();
/// other.fold(&Record::testing().bin("age", 40).build()).unwrap();
/// mean.merge(other.state());
/// assert_eq!(mean.finish(), Some(30.0));
/// ```
pub use petrel_udf_macros::aggregate;

pub use petrel_udf_macros::Bins;
