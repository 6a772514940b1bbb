//! The attribute macros of `petrel-udf`; use them from there.

use proc_macro::TokenStream;
use proc_macro2::Span;
use quote::quote;
use syn::parse::Parse;
use syn::{DeriveInput, Item, ItemFn, ItemImpl};

use options::Options;

mod aggregate;
mod arguments;
mod bins;
mod doc;
mod options;
mod register;
mod type_text;
mod udf;

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
#[proc_macro_attribute]
pub fn udf(options: TokenStream, item: TokenStream) -> TokenStream {
    let message = "`#[udf]` stands on a function; for the `impl` of a type there is `#[aggregate]`";
    let function: ItemFn = match parse(item, message) {
        Ok(function) => function,
        Err(error) => return error,
    };
    let glue = Options::parse(options.into())
        .and_then(|options| udf::glue(&options, &function))
        .unwrap_or_else(|e| e.to_compile_error());
    quote!(#function #glue).into()
}

/// Makes a type an aggregation over the records of a query: it folds records into itself, merges
/// what others of its kind have folded, and finishes as a value.
///
/// It stands on the type's own `impl`, which has the methods
///
/// - `fn new(arguments…) -> Self`: an empty state. Its parameters are the arguments of the call, as
///   those of a function marked with [`macro@udf`]. An aggregation without arguments may be
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
/// is handed only those, and none for `bins()`; reading another is an error.
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
#[proc_macro_attribute]
pub fn aggregate(options: TokenStream, item: TokenStream) -> TokenStream {
    let message = "`#[aggregate]` stands on the `impl` of a type, which has its methods";
    let methods: ItemImpl = match parse(item, message) {
        Ok(methods) => methods,
        Err(error) => return error,
    };
    let glue = Options::parse(options.into())
        .and_then(|options| aggregate::glue(&options, &methods))
        .unwrap_or_else(|e| e.to_compile_error());
    quote!(#methods #glue).into()
}

/// Reads a struct from the bins of a record, and writes it back. See the trait.
#[proc_macro_derive(Bins, attributes(bins))]
pub fn bins(item: TokenStream) -> TokenStream {
    let derived = syn::parse::<DeriveInput>(item).and_then(|input| bins::derive(&input));
    derived.unwrap_or_else(|e| e.to_compile_error()).into()
}

/// Parses what an attribute stands on. Of another item `message` says what it should be, and the item
/// stays, so that nothing else is reported as missing.
fn parse<T: Parse>(item: TokenStream, message: &str) -> Result<T, TokenStream> {
    syn::parse(item.clone()).map_err(|e| {
        let error = match syn::parse::<Item>(item.clone()) {
            Ok(_) => syn::Error::new(Span::call_site(), message),
            // What is no item at all, the compiler explains better.
            Err(_) => e,
        };
        let error = TokenStream::from(error.to_compile_error());
        error.into_iter().chain(item).collect()
    })
}
