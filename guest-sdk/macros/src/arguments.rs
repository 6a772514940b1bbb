//! The parameters that are arguments of the call.

use proc_macro2::{Ident, Span, TokenStream as Tokens};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{FnArg, Pat};

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
                return Err(syn::Error::new_spanned(input, message));
            };
            let name = match &*argument.pat {
                Pat::Ident(name) => name.ident.to_string(),
                other => other.to_token_stream().to_string(),
            };
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
