//! What `#[udf]` puts beside a function.

use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::{FnArg, ItemFn, Type};

use crate::arguments::Arguments;
use crate::doc::doc;
use crate::options::{Bins, Options};
use crate::register::register;
use crate::type_text::returns_text;

const FIRST: &str = "the first parameter of a UDF is its record: `&Record` or `&mut Record`";

/// Describes the function to the component, and runs it over batches.
pub fn glue(options: &Options, function: &ItemFn) -> syn::Result<Tokens> {
    let signature = &function.sig;
    if let Some(token) = &signature.asyncness {
        return Err(syn::Error::new_spanned(token, "a UDF cannot be async"));
    }
    let mut inputs = signature.inputs.iter();
    let mutable = match inputs.next() {
        Some(FnArg::Typed(first)) => match &*first.ty {
            Type::Reference(reference) => reference.mutability.is_some(),
            other => return Err(syn::Error::new_spanned(other, FIRST)),
        },
        Some(other) => return Err(syn::Error::new_spanned(other, FIRST)),
        None => return Err(syn::Error::new_spanned(signature, FIRST)),
    };
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
            return Err(syn::Error::new_spanned(&writes.given, message));
        }
        None if !mutable => quote!(::core::option::Option::Some(&[])),
        writes => Bins::expression(writes.as_ref()),
    };
    let doc = doc(&function.attrs);
    let returns = returns_text(&signature.output);
    let register = register(&quote!(FUNCTIONS));
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
                run: |batch| batch.each(|record, arguments| {
                    #(let #locals = #values;)*
                    ::core::result::Result::Ok(#call(#record #(, #locals)*))
                }),
            };
            #register
        };
    })
}
