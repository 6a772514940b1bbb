//! The parameters that are arguments of the call.

use proc_macro2::{Ident, Span, TokenStream as Tokens};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Error, FnArg, GenericParam, Generics, Pat, Type, TypeReference};

use crate::type_text::type_text;

/// The parameters that take the arguments of a call.
#[derive(Default)]
pub struct Arguments {
    /// The name and the type of each as a pair of literals.
    pub described: Vec<Tokens>,
    /// How each is had from `arguments`; what is wrong with its type is told where the type is.
    pub values: Vec<Tokens>,
    /// What the glue calls them.
    pub locals: Vec<Ident>,
}

impl Arguments {
    /// Reads parameters, of which none may be `self`.
    pub fn read<'a>(inputs: impl Iterator<Item = &'a FnArg>) -> syn::Result<Self> {
        let mut arguments = Self::default();
        for (number, input) in inputs.enumerate() {
            let FnArg::Typed(argument) = input else {
                let message = "an argument of the call is no `self`";
                return Err(Error::new_spanned(input, message));
            };
            let name = match &*argument.pat {
                Pat::Ident(name) => name.ident.to_string(),
                other => other.to_token_stream().to_string(),
            };
            passable(&argument.ty)?;
            // Rust's way to say that it is not used, which is none of the caller's business.
            let name = name.trim_start_matches('_');
            let ty = type_text(&argument.ty);
            arguments.described.push(quote!((#name, #ty)));
            let value = quote_spanned!(argument.ty.span()=> arguments.get(#number)?);
            arguments.values.push(value);
            let local = Ident::new(&format!("argument_{number}"), Span::call_site());
            arguments.locals.push(local);
        }
        Ok(arguments)
    }
}

/// Refuses what no argument of a call can be, and says what to write instead.
fn passable(ty: &Type) -> syn::Result<()> {
    match ty {
        Type::ImplTrait(_) => {
            let message = "an argument has a type that is known: write `String`, `i64` or the like";
            Err(Error::new_spanned(ty, message))
        }
        Type::Reference(reference) => lent(reference),
        _ => Ok(()),
    }
}

fn lent(reference: &TypeReference) -> syn::Result<()> {
    let inside = type_text(&reference.elem);
    let remedy = match (&*reference.elem, inside.as_str()) {
        _ if reference.mutability.is_some() => inside,
        (_, "str") => match &reference.lifetime {
            Some(lifetime) if lifetime.ident == "static" => {
                let message = "an argument lives as long as the call: write `&str`";
                return Err(Error::new_spanned(lifetime, message));
            }
            _ => return Ok(()),
        },
        (_, "[u8]") => return Ok(()),
        (_, "String") => "&str` or `String".into(),
        (Type::Slice(slice), _) => format!("Vec<{}>` or `List", type_text(&slice.elem)),
        _ => inside,
    };
    let message = format!("an argument is the call's to give away: write `{remedy}`");
    Err(Error::new_spanned(reference, message))
}

/// Refuses parameters that a host cannot choose.
pub fn no_generics(generics: &Generics) -> syn::Result<()> {
    let chosen = |p: &&GenericParam| !matches!(p, GenericParam::Lifetime(_));
    match generics.params.iter().find(chosen) {
        Some(parameter) => {
            let message = "the host calls by name, and cannot choose types: write out the ones \
                           that are meant";
            Err(Error::new_spanned(parameter, message))
        }
        None => Ok(()),
    }
}
