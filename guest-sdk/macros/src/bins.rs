//! What `#[derive(Bins)]` makes.

use proc_macro2::TokenStream as Tokens;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Data, DeriveInput, Error, Expr, Field, Fields, Ident, Lifetime, LitStr, Result,
    Token,
};

use crate::options::check_bin_name;

/// Implements `Bins` for a struct.
pub fn derive(input: &DeriveInput) -> Result<Tokens> {
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => &fields.named,
            other => {
                let message = "a bin has a name, so its field has one: `struct User { age: i64 }`";
                return Err(Error::new_spanned(wide(other, &input.ident), message));
            }
        },
        _ => {
            let message = "only a struct is read from bins: one field a bin";
            return Err(Error::new_spanned(&input.ident, message));
        }
    };
    if let Some(attribute) = input.attrs.iter().find(|a| a.path().is_ident("bins")) {
        let message = "`#[bins(..)]` stands on a field";
        return Err(Error::new_spanned(attribute, message));
    }
    let record = record_lifetime(input)?;
    let mut bins = Vec::new();
    for field in fields {
        let bin = Bin::read(field)?;
        if bins.iter().any(|other: &Bin<'_>| other.name == bin.name) {
            let message = format!("another field has the bin `{}` already", bin.name);
            return Err(Error::new_spanned(bin.field, message));
        }
        bins.push(bin);
    }
    let ty = &input.ident;
    let (_, ty_generics, where_clause) = input.generics.split_for_impl();
    let names = bins.iter().map(|bin| &bin.name);
    let field_names = bins.iter().map(|bin| bin.field);
    let reads = bins.iter().map(Bin::read_field);
    let writes = bins.iter().map(Bin::write_field);
    Ok(quote! {
        #[automatically_derived]
        impl<#record> ::petrel_udf::Bins<#record> for #ty #ty_generics #where_clause {
            const NAMES: &'static [&'static str] = &[#(#names),*];

            fn read(record: &::petrel_udf::Record<#record>) -> ::petrel_udf::Result<Self> {
                ::core::result::Result::Ok(Self { #(#field_names: #reads),* })
            }

            fn write(
                &self,
                record: &mut ::petrel_udf::Record<'_>,
            ) -> ::petrel_udf::Result<()> {
                #(#writes)*
                ::core::result::Result::Ok(())
            }
        }
    })
}

/// Where a struct without named fields is to be blamed.
fn wide(fields: &Fields, name: &Ident) -> Tokens {
    match fields {
        Fields::Unit => quote!(#name),
        fields => quote!(#fields),
    }
}

/// The lifetime of what the struct borrows from its record.
fn record_lifetime(input: &DeriveInput) -> Result<Lifetime> {
    let generics = &input.generics;
    if let Some(parameter) = generics.type_params().next() {
        let message = "the bins of a record have types that are known: no type parameters";
        return Err(Error::new_spanned(parameter, message));
    }
    if let Some(parameter) = generics.const_params().next() {
        let message = "the bins of a record have types that are known: no const parameters";
        return Err(Error::new_spanned(parameter, message));
    }
    let mut lifetimes = generics.lifetimes();
    let first = lifetimes.next().map(|l| l.lifetime.clone());
    if let Some(second) = lifetimes.next() {
        let message = "all that is borrowed is borrowed from one record: one lifetime is enough";
        return Err(Error::new_spanned(second, message));
    }
    Ok(first.unwrap_or_else(|| Lifetime::new("'record", input.ident.span())))
}

/// A field and its bin.
struct Bin<'a> {
    field: &'a Ident,
    ty: &'a syn::Type,
    name: String,
    default: Option<Default>,
    serde: bool,
}

/// What a field is when its bin is missing.
enum Default {
    OfType,
    Expr(Expr),
}

impl<'a> Bin<'a> {
    fn read(field: &'a Field) -> Result<Self> {
        let Some(ident) = &field.ident else {
            return Err(Error::new_spanned(field, "a bin has a name"));
        };
        let mut bin = Self {
            field: ident,
            ty: &field.ty,
            name: ident.to_string().trim_start_matches("r#").to_owned(),
            default: None,
            serde: false,
        };
        let mut renamed = false;
        for attribute in field.attrs.iter().filter(|a| a.path().is_ident("bins")) {
            bin.options(attribute, &mut renamed)?;
        }
        if !renamed && let Err(e) = check_bin_name(&bin.name) {
            let message = format!("{e}: give it a shorter one, `#[bins(rename = \"...\")]`");
            return Err(Error::new_spanned(ident, message));
        }
        Ok(bin)
    }

    fn options(&mut self, attribute: &Attribute, renamed: &mut bool) -> Result<()> {
        attribute.parse_nested_meta(|meta| {
            let path = &meta.path;
            let given_before = if path.is_ident("rename") {
                let name: LitStr = meta.value()?.parse()?;
                check_bin_name(&name.value()).map_err(|e| Error::new_spanned(&name, e))?;
                self.name = name.value();
                std::mem::replace(renamed, true)
            } else if path.is_ident("default") {
                let default = if meta.input.peek(Token![=]) {
                    Default::Expr(meta.value()?.parse()?)
                } else {
                    Default::OfType
                };
                self.default.replace(default).is_some()
            } else if path.is_ident("serde") {
                std::mem::replace(&mut self.serde, true)
            } else {
                let message = "expected `rename = \"...\"`, `default`, `default = ...` or `serde`";
                return Err(meta.error(message));
            };
            if given_before {
                return Err(meta.error("this is given twice"));
            }
            Ok(())
        })
    }

    /// An expression of the field's value.
    fn read_field(&self) -> Tokens {
        let Self { name, ty, .. } = self;
        let (wrapped, unwrapped) = if self.serde {
            (
                quote!(::petrel_udf::Serde<#ty>),
                quote!(.map(|value| value.0)),
            )
        } else {
            (quote!(#ty), quote!())
        };
        let span = ty.span();
        match &self.default {
            None => quote_spanned!(span=> record.get::<#wrapped>(#name)#unwrapped?),
            Some(default) => {
                let missing = match default {
                    Default::OfType => quote_spanned!(span=> .unwrap_or_default()),
                    Default::Expr(value) => quote!(.unwrap_or_else(|| #value)),
                };
                quote_spanned! {span=>
                    record.get::<::core::option::Option<#wrapped>>(#name)?#unwrapped #missing
                }
            }
        }
    }

    /// A statement that sets the bin.
    fn write_field(&self) -> Tokens {
        let Self { name, field, .. } = self;
        let value = if self.serde {
            quote!(::petrel_udf::serde::to_value(&self.#field)?)
        } else {
            quote!(&self.#field)
        };
        quote_spanned!(self.ty.span()=> record.set(#name, #value)?;)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_in_words() {
        for (source, says) in [
            ("enum A { B }", "only a struct"),
            ("struct A(i64);", "its field has one"),
            ("struct A;", "its field has one"),
            ("struct A<T> { a: T }", "no type parameters"),
            (
                "struct A<'a, 'b> { a: &'a str, b: &'b str }",
                "one lifetime",
            ),
            ("#[bins(default)] struct A { a: i64 }", "on a field"),
            (
                "struct A { #[bins(renamed = \"b\")] a: i64 }",
                "expected `rename",
            ),
            (
                "struct A { #[bins(default, default)] a: i64 }",
                "given twice",
            ),
            ("struct A { a_field_that_is_long: i64 }", "a shorter one"),
            (
                "struct A { #[bins(rename = \"\")] a: i64 }",
                "1 to 15 bytes",
            ),
            (
                "struct A { a: i64, #[bins(rename = \"a\")] b: i64 }",
                "another field",
            ),
        ] {
            let input = syn::parse_str(source).expect("the source is an item");
            let error = derive(&input).expect_err(source);
            assert!(error.to_string().contains(says), "{source}: {error}");
        }
    }
}
