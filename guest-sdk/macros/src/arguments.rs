//! The parameters that are arguments of the call.

use proc_macro2::{Ident, Span, TokenStream as Tokens};
use quote::{ToTokens, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{FnArg, Pat, Type};

/// The parameters that take the arguments of a call.
#[derive(Default)]
pub struct Arguments {
    /// Each as `name: type`, for messages.
    pub texts: Vec<String>,
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
            let text = format!("{name}: {}", type_text(&argument.ty));
            arguments.texts.push(text);
            let value = quote_spanned!(argument.ty.span()=> arguments.get(#number)?);
            arguments.values.push(value);
            let local = Ident::new(&format!("argument_{number}"), Span::call_site());
            arguments.locals.push(local);
        }
        Ok(arguments)
    }
}

/// A type as its author wrote it, without the spaces that tokens are printed with.
fn type_text(ty: &Type) -> String {
    let text = ty.to_token_stream().to_string();
    text.replace(" < ", "<")
        .replace(" >", ">")
        .replace("& ", "&")
        .replace(" ,", ",")
}
