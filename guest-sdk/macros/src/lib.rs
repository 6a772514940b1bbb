//! The attribute macro of `petrel-udf`; use it from there.

use proc_macro::TokenStream;
use proc_macro2::{Ident, Span, TokenStream as Tokens};
use quote::{ToTokens, quote};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, FnArg, ItemFn, Lit, LitStr, Meta, Pat, Token, Type};

/// Makes a function one that the host can call, under its own name.
///
/// Its first parameter is the record, `&Record` or `&mut Record`; the others are the
/// arguments of the call, of any type that is `FromValue`, converted before it runs. An
/// argument that is an `Option` may be left out of a call. It returns a `ToValue`, or a
/// `Result` of one.
///
/// `#[udf(bins("a", "b"))]` names the bins that the function reads: it is handed only those.
/// `#[udf(name = "other")]` gives it another name towards the host.
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
    let function = match syn::parse::<ItemFn>(item) {
        Ok(function) => function,
        Err(e) => return e.to_compile_error().into(),
    };
    let glue = Options::parse(options)
        .and_then(|options| glue(&options, &function))
        .unwrap_or_else(|e| e.to_compile_error());
    quote!(#function #glue).into()
}

#[derive(Default)]
struct Options {
    name: Option<String>,
    bins: Option<Vec<LitStr>>,
}

impl Options {
    fn parse(tokens: TokenStream) -> syn::Result<Self> {
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
}

fn glue(options: &Options, function: &ItemFn) -> syn::Result<Tokens> {
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
    let mut arguments = Vec::new();
    for input in inputs {
        let FnArg::Typed(argument) = input else {
            return Err(syn::Error::new_spanned(input, "a UDF is not a method"));
        };
        let name = match &*argument.pat {
            Pat::Ident(name) => name.ident.to_string(),
            other => other.to_token_stream().to_string(),
        };
        arguments.push(format!("{name}: {}", type_text(&argument.ty)));
    }
    let call = &signature.ident;
    let name = options.name.clone().unwrap_or_else(|| call.to_string());
    let numbers: Vec<usize> = (0..arguments.len()).collect();
    let locals: Vec<Ident> = numbers
        .iter()
        .map(|i| Ident::new(&format!("argument_{i}"), Span::call_site()))
        .collect();
    let record = if mutable {
        quote!(record)
    } else {
        quote!(&*record)
    };
    let bins = match &options.bins {
        Some(bins) => quote!(::core::option::Option::Some(&[#(#bins),*])),
        None => quote!(::core::option::Option::None),
    };
    Ok(quote! {
        #[doc(hidden)]
        #[allow(dead_code)]
        const _: () = {
            static FUNCTION: ::petrel_udf::rt::Function = ::petrel_udf::rt::Function {
                signature: ::petrel_udf::rt::Signature {
                    name: #name,
                    arguments: &[#(#arguments),*],
                },
                bins: #bins,
                run: |batch| batch.each(|record, arguments| {
                    #(let #locals = arguments.get(#numbers)?;)*
                    ::core::result::Result::Ok(#call(#record #(, #locals)*))
                }),
            };
            // Constructors run before the first export is called.
            #[cfg(target_family = "wasm")]
            #[used]
            #[unsafe(link_section = ".init_array")]
            static REGISTER: extern "C" fn() = {
                extern "C" fn register() {
                    ::petrel_udf::rt::register(&FUNCTION);
                }
                register
            };
        };
    })
}

const FIRST: &str = "the first parameter of a UDF is its record: `&Record` or `&mut Record`";

/// A type as its author wrote it, without the spaces that tokens are printed with.
fn type_text(ty: &Type) -> String {
    let text = ty.to_token_stream().to_string();
    text.replace(" < ", "<")
        .replace(" >", ">")
        .replace("& ", "&")
        .replace(" ,", ",")
}
