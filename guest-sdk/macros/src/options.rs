//! What stands in the parentheses of an attribute.

use proc_macro2::TokenStream as Tokens;
use quote::{quote, quote_spanned};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Error, Expr, ExprLit, Lit, LitStr, Meta, MetaList, Result, Token, TypePath};

const EXPECTED: &str = "expected `name = \"...\"`, `bins(\"...\", ...)` or `writes(\"...\", ...)`; the bins may \
                        be those of a struct, `bins = User`";

/// The longest name of a bin, in bytes.
const MAX_BIN_NAME: usize = 15;

/// The options of both attributes.
#[derive(Default)]
pub struct Options {
    pub name: Option<String>,
    /// The bins that are read.
    pub bins: Option<Bins>,
    /// The bins that are set.
    pub writes: Option<Bins>,
}

/// Names of bins, and where they are given.
pub struct Bins {
    pub given: Meta,
    names: Names,
}

enum Names {
    Listed(Vec<LitStr>),
    /// Those of a struct.
    Of(TypePath),
}

impl Options {
    /// Reads them.
    pub fn parse(tokens: Tokens) -> Result<Self> {
        let mut options = Self::default();
        for meta in Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens)? {
            let given_before = match &meta {
                Meta::NameValue(pair) if pair.path.is_ident("name") => {
                    options.name.replace(name(&pair.value)?).is_some()
                }
                meta if meta.path().is_ident("bins") => {
                    options.bins.replace(Bins::read(meta)?).is_some()
                }
                meta if meta.path().is_ident("writes") => {
                    options.writes.replace(Bins::read(meta)?).is_some()
                }
                other => return Err(Error::new_spanned(other, EXPECTED)),
            };
            if given_before {
                return Err(Error::new_spanned(meta, "this is given twice"));
            }
        }
        Ok(options)
    }
}

fn name(value: &Expr) -> Result<String> {
    let Expr::Lit(ExprLit {
        lit: Lit::Str(name),
        ..
    }) = value
    else {
        return Err(Error::new_spanned(
            value,
            "expected a string: the name that calls use",
        ));
    };
    if name.value().is_empty() {
        return Err(Error::new_spanned(name, "a name is not empty"));
    }
    Ok(name.value())
}

/// Whether bins can have the name.
pub fn check_bin_name(name: &str) -> std::result::Result<(), String> {
    if (1..=MAX_BIN_NAME).contains(&name.len()) {
        return Ok(());
    }
    Err(format!("a bin's name is 1 to {MAX_BIN_NAME} bytes long"))
}

impl Bins {
    fn read(meta: &Meta) -> Result<Self> {
        let names = match meta {
            Meta::List(list) => Names::Listed(listed(list)?),
            Meta::NameValue(pair) => match &pair.value {
                Expr::Path(path) => Names::Of(TypePath {
                    qself: path.qself.clone(),
                    path: path.path.clone(),
                }),
                other => return Err(Error::new_spanned(other, EXPECTED)),
            },
            Meta::Path(path) => return Err(Error::new_spanned(path, EXPECTED)),
        };
        Ok(Self {
            given: meta.clone(),
            names,
        })
    }

    /// The names, if they are given, as an expression of the glue.
    pub fn expression(given: Option<&Self>) -> Tokens {
        match given.map(|bins| &bins.names) {
            Some(Names::Listed(names)) => quote!(::core::option::Option::Some(&[#(#names),*])),
            Some(Names::Of(ty)) => {
                let names = quote_spanned!(ty.span()=> <#ty as ::petrel_udf::Bins>::NAMES);
                quote!(::core::option::Option::Some(#names))
            }
            None => quote!(::core::option::Option::None),
        }
    }
}

fn listed(list: &MetaList) -> Result<Vec<LitStr>> {
    let names = list.parse_args_with(Punctuated::<LitStr, Token![,]>::parse_terminated)?;
    for name in &names {
        check_bin_name(&name.value()).map_err(|e| Error::new_spanned(name, e))?;
    }
    Ok(names.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_options_is_told() {
        for (source, says) in [
            ("bin(\"a\")", "expected `name"),
            ("name = 5", "expected a string"),
            ("name = \"\"", "not empty"),
            ("bins(a)", "expected string literal"),
            ("bins = \"a\"", "bins = User"),
            ("bins", "bins = User"),
            ("bins(\"a name that is too long\")", "1 to 15 bytes"),
            ("bins(\"a\"), bins(\"b\")", "given twice"),
        ] {
            let tokens = source.parse().expect("the source is tokens");
            let error = Options::parse(tokens).err().expect(source);
            assert!(error.to_string().contains(says), "{source}: {error}");
        }
    }
}
