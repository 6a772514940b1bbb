//! The macros of `petrel-udf`; use them from there, where they are documented.

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

/// Makes a function one that the host can call; documented in `petrel-udf`.
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

/// Makes a type an aggregation; documented in `petrel-udf`.
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

/// Reads a struct from the bins of a record, and writes it back; documented in `petrel-udf`.
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
