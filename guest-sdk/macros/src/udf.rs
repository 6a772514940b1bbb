//! What `#[udf]` puts beside a function.

use proc_macro2::{Ident, TokenStream as Tokens};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Error, FnArg, Generics, ItemFn, Signature, Type};

use crate::arguments::{Arguments, no_generics};
use crate::doc::doc;
use crate::options::{Bins, Options};
use crate::register::register;
use crate::type_text::{returned, returns_text};

const FIRST: &str = "the first parameter of a UDF is its record: `&Record` or `&mut Record`";

/// Describes the function to the component, and runs it over batches.
pub fn glue(options: &Options, function: &ItemFn) -> syn::Result<Tokens> {
    let signature = &function.sig;
    plain(signature)?;
    let mut inputs = signature.inputs.iter();
    let first = match inputs.next() {
        Some(FnArg::Typed(first)) => match &*first.ty {
            Type::Reference(reference) => reference,
            other => return Err(Error::new_spanned(other, FIRST)),
        },
        Some(other) => {
            let message = "a UDF is a function, no method: move it out of the `impl`, and let its \
                           first parameter be `&Record` or `&mut Record`";
            return Err(Error::new_spanned(other, message));
        }
        None => return Err(Error::new_spanned(&signature.ident, FIRST)),
    };
    let mutable = first.mutability.is_some();
    let is_record = is_record(&signature.generics, &first.elem);
    let Arguments {
        described,
        values,
        locals,
    } = Arguments::read(inputs)?;
    let call = &signature.ident;
    let name = options.name.clone().unwrap_or_else(|| call.to_string());
    let record = if mutable {
        quote!(record)
    } else {
        quote!(&*record)
    };
    let bins = Bins::expression(options.bins.as_ref());
    let writes = match &options.writes {
        Some(writes) if !mutable => {
            let message = "a function of `&Record` sets no bins: write `&mut Record`";
            return Err(Error::new_spanned(&writes.given, message));
        }
        None if !mutable => quote!(::core::option::Option::Some(&[])),
        writes => Bins::expression(writes.as_ref()),
    };
    let doc = doc(&function.attrs);
    let returns = returns_text(&signature.output);
    let register = register(&quote!(FUNCTIONS));
    // What is wrong with the type of the result is told where it stands.
    let each = Ident::new("each", returned(signature));
    Ok(quote! {
        #[doc(hidden)]
        #[allow(dead_code)]
        const _: () = {
            static ITEM: ::petrel_udf::rt::Function = ::petrel_udf::rt::Function {
                signature: ::petrel_udf::rt::Signature {
                    name: #name,
                    doc: #doc,
                    arguments: &[#(#described),*],
                    returns: #returns,
                    bins: #bins,
                    writes: #writes,
                },
                run: |batch| batch.#each(|record, arguments| {
                    #(let #locals = #values;)*
                    ::core::result::Result::Ok(#call(#record #(, #locals)*))
                }),
            };
            #is_record
            #register
        };
    })
}

/// Refuses functions that a host cannot call by their name alone.
fn plain(signature: &Signature) -> syn::Result<()> {
    if let Some(token) = &signature.asyncness {
        let message = "a UDF cannot be async: there is nothing to wait for beside a record";
        return Err(Error::new_spanned(token, message));
    }
    if let Some(token) = &signature.unsafety {
        let message = "a UDF cannot be unsafe: the host calls it with any arguments";
        return Err(Error::new_spanned(token, message));
    }
    no_generics(&signature.generics)
}

/// Compiles if the type, in which the function's lifetimes may be, is that of records; what is wrong is
/// told where it stands.
fn is_record(lifetimes: &Generics, ty: &Type) -> Tokens {
    let check = quote_spanned!(ty.span()=> ::petrel_udf::rt::is_record::<#ty>());
    quote!(fn is_record #lifetimes () { #check })
}
