//! What stands in the parentheses of an attribute.

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, Lit, LitStr, Meta, Token};

/// The options of both attributes.
#[derive(Default)]
pub struct Options {
    pub name: Option<String>,
    bins: Option<Vec<LitStr>>,
}

impl Options {
    /// Reads them.
    pub fn parse(tokens: TokenStream) -> syn::Result<Self> {
        let mut options = Self::default();
        for meta in Punctuated::<Meta, Token![,]>::parse_terminated.parse(tokens)? {
            match &meta {
                Meta::NameValue(pair) if pair.path.is_ident("name") => {
                    let Expr::Lit(ExprLit {
                        lit: Lit::Str(name),
                        ..
                    }) = &pair.value
                    else {
                        return Err(syn::Error::new_spanned(&pair.value, "expected a string"));
                    };
                    options.name = Some(name.value());
                }
                Meta::List(list) if list.path.is_ident("bins") => {
                    let names =
                        list.parse_args_with(Punctuated::<LitStr, Token![,]>::parse_terminated)?;
                    options.bins = Some(names.into_iter().collect());
                }
                other => {
                    return Err(syn::Error::new_spanned(
                        other,
                        "expected `name = \"...\"` or `bins(\"...\", ...)`",
                    ));
                }
            }
        }
        Ok(options)
    }

    /// The bins as an expression of the glue.
    pub fn bins(&self) -> Tokens {
        match &self.bins {
            Some(bins) => quote!(::core::option::Option::Some(&[#(#bins),*])),
            None => quote!(::core::option::Option::None),
        }
    }
}
