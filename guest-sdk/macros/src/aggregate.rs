//! What `#[aggregate]` puts beside an `impl`.

use proc_macro2::TokenStream as Tokens;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Error, FnArg, ImplItem, ImplItemFn, ItemImpl, Result, Type};

use crate::arguments::Arguments;
use crate::doc::doc;
use crate::options::{Bins, Options};
use crate::register::register;
use crate::type_text::{returned, returns_text};

/// Describes the aggregation to the component, and forwards to the methods of `item`.
pub fn glue(options: &Options, item: &ItemImpl) -> Result<Tokens> {
    if let Some((_, path, _)) = &item.trait_ {
        let message = "#[aggregate] stands on the type's own `impl`, not on that of a trait";
        return Err(Error::new_spanned(path, message));
    }
    if !item.generics.params.is_empty() {
        let message = "an aggregation has no generic parameters: the host has to call it by name";
        return Err(Error::new_spanned(&item.generics, message));
    }
    let ty = &*item.self_ty;
    let name = match (&options.name, ty) {
        (Some(name), _) => name.clone(),
        (None, Type::Path(path)) => {
            let last = path.path.segments.last();
            snake_case(&last.map_or_else(String::new, |segment| segment.ident.to_string()))
        }
        (None, other) => return Err(Error::new_spanned(other, "an aggregation is a named type")),
    };
    let (arguments, empty) = empty(item)?;
    let described = &arguments.described;
    let fold = fold(item)?;
    let merge = merge(item)?;
    let finish = last(item, "finish")?.ok_or_else(|| missing(item, "finish(self) -> R"))?;
    let state = last(item, "state")?.unwrap_or_else(|| quote!(Self::into_result(self)));
    if let Some(writes) = &options.writes {
        let message = "an aggregation reads records and sets no bins";
        return Err(Error::new_spanned(&writes.given, message));
    }
    let bins = Bins::expression(options.bins.as_ref());
    let doc = doc(&item.attrs);
    let returns = method(item, "finish")?.map_or_else(String::new, |m| returns_text(&m.sig.output));
    let register = register(&quote!(AGGREGATIONS));
    Ok(quote! {
        #[doc(hidden)]
        #[allow(dead_code)]
        const _: () = {
            #[automatically_derived]
            impl ::petrel_udf::rt::Aggregate for #ty {
                const SIGNATURE: &'static ::petrel_udf::rt::Signature =
                    &::petrel_udf::rt::Signature {
                        name: #name,
                        doc: #doc,
                        arguments: &[#(#described),*],
                        returns: #returns,
                        bins: #bins,
                        writes: ::core::option::Option::Some(&[]),
                    };
                #[inline]
                fn empty(
                    arguments: &::petrel_udf::rt::Arguments<'_>,
                ) -> ::petrel_udf::Result<Self> {
                    #empty
                }
                #[inline]
                fn fold_record(
                    &mut self,
                    record: &::petrel_udf::Record<'_>,
                ) -> ::petrel_udf::Result<()> {
                    #fold
                }
                fn merge_value(
                    &mut self,
                    state: ::petrel_udf::ValueRef<'_>,
                ) -> ::petrel_udf::Result<()> {
                    #merge
                }
                fn into_state(self) -> ::petrel_udf::Result<impl ::petrel_udf::ToValue> {
                    #state
                }
                fn into_result(self) -> ::petrel_udf::Result<impl ::petrel_udf::ToValue> {
                    #finish
                }
            }
            static ITEM: ::petrel_udf::rt::Aggregation = ::petrel_udf::rt::Aggregation {
                signature: <#ty as ::petrel_udf::rt::Aggregate>::SIGNATURE,
                begin: |arguments| {
                    let open = ::petrel_udf::rt::Open::<#ty>::begin(arguments)?;
                    ::core::result::Result::Ok(::std::boxed::Box::new(open))
                },
            };
            #register
        };
    })
}

fn method<'a>(item: &'a ItemImpl, name: &str) -> Result<Option<&'a ImplItemFn>> {
    let found = item.items.iter().find_map(|item| match item {
        ImplItem::Fn(method) if method.sig.ident == name => Some(method),
        _ => None,
    });
    match found.and_then(|method| method.sig.asyncness.as_ref()) {
        Some(token) => {
            let message = "a method of an aggregation cannot be async";
            Err(Error::new_spanned(token, message))
        }
        None => Ok(found),
    }
}

fn missing(item: &ItemImpl, signature: &str) -> Error {
    Error::new_spanned(
        &item.self_ty,
        format!("an aggregation has a method `fn {signature}`"),
    )
}

/// How an empty state is made, and of which arguments.
fn empty(item: &ItemImpl) -> Result<(Arguments, Tokens)> {
    let Some(new) = method(item, "new")? else {
        let ty = &item.self_ty;
        let default = quote_spanned! {ty.span()=>
            <#ty as ::core::default::Default>::default()
        };
        let checked = quote! {
            let _ = arguments;
            ::core::result::Result::Ok(#default)
        };
        return Ok((Arguments::default(), checked));
    };
    let arguments = Arguments::read(new.sig.inputs.iter())?;
    let Arguments { values, locals, .. } = &arguments;
    let made = quote_spanned! {returned(&new.sig)=>
        ::petrel_udf::rt::Fallible::<Self>::result(Self::new(#(#locals),*))
    };
    let empty = quote! {
        #(let #locals = #values;)*
        #made
    };
    Ok((arguments, empty))
}

/// The only parameter beside `self`.
fn only<'a>(method: &'a ImplItemFn, signature: &str) -> Result<&'a Type> {
    let mut inputs = method.sig.inputs.iter();
    match (inputs.next(), inputs.next(), inputs.next()) {
        (Some(FnArg::Receiver(_)), Some(FnArg::Typed(only)), None) => Ok(&only.ty),
        _ => Err(Error::new_spanned(
            &method.sig,
            format!("this is to be `fn {signature}`; arguments of the call go to `new`"),
        )),
    }
}

fn fold(item: &ItemImpl) -> Result<Tokens> {
    const SIGNATURE: &str = "fold(&mut self, record: &Record)";
    let method = method(item, "fold")?.ok_or_else(|| missing(item, SIGNATURE))?;
    match only(method, SIGNATURE)? {
        Type::Reference(record) if record.mutability.is_none() => {}
        other => {
            let message = "an aggregation reads records: `&Record`";
            return Err(Error::new_spanned(other, message));
        }
    }
    Ok(quote_spanned! {returned(&method.sig)=>
        ::petrel_udf::rt::Fallible::<()>::result(Self::fold(self, record))
    })
}

fn merge(item: &ItemImpl) -> Result<Tokens> {
    const SIGNATURE: &str = "merge(&mut self, other: S)";
    let method = method(item, "merge")?.ok_or_else(|| missing(item, SIGNATURE))?;
    let ty = only(method, SIGNATURE)?;
    let other = quote_spanned!(ty.span()=> ::petrel_udf::rt::state_of::<#ty>(state));
    let merged = quote_spanned! {returned(&method.sig)=>
        ::petrel_udf::rt::Fallible::<()>::result(Self::merge(self, other))
    };
    Ok(quote! {
        let other = #other?;
        #merged
    })
}

/// A call of `finish` or `state`, if there is one.
fn last(item: &ItemImpl, name: &str) -> Result<Option<Tokens>> {
    let Some(method) = method(item, name)? else {
        return Ok(None);
    };
    let mut inputs = method.sig.inputs.iter();
    if !matches!(
        (inputs.next(), inputs.next()),
        (Some(FnArg::Receiver(_)), None)
    ) {
        let message = format!("this is to be `fn {name}(self)`; arguments of the call go to `new`");
        return Err(Error::new_spanned(&method.sig, message));
    }
    let call = &method.sig.ident;
    Ok(Some(quote_spanned! {returned(&method.sig)=>
        ::petrel_udf::Outcome::outcome(self.#call())
    }))
}

/// `TopK` as `top_k`, `HTTPErrors` as `http_errors`.
fn snake_case(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (i, c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| chars.get(i));
        let after = chars.get(i + 1);
        let starts_word = c.is_uppercase()
            && (before.is_some_and(|b| b.is_lowercase() || b.is_numeric())
                || before.is_some_and(|b| b.is_uppercase())
                    && after.is_some_and(|a| a.is_lowercase()));
        if starts_word {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_in_words() {
        for (source, says) in [
            ("impl Default for Count {}", "own `impl`"),
            ("impl<T> Count<T> {}", "generic"),
            ("impl [u8] {}", "a named type"),
            ("impl Count {}", "fn fold(&mut self, record: &Record)"),
            (
                "impl Count { fn fold(&mut self, record: &mut Record) {} }",
                "`&Record`",
            ),
            (
                "impl Count { fn fold(&mut self, record: &Record, n: i64) {} }",
                "go to `new`",
            ),
            (
                "impl Count { async fn fold(&mut self, record: &Record) {} }",
                "async",
            ),
            (
                "impl Count { fn fold(&mut self, record: &Record) {} }",
                "fn merge(&mut self, other: S)",
            ),
            (
                "impl Count { fn fold(&mut self, record: &Record) {} fn merge(&mut self, n: i64) {} }",
                "fn finish(self) -> R",
            ),
            (
                "impl Count { fn fold(&mut self, record: &Record) {} fn merge(&mut self, n: i64) {} \
                 fn finish() -> i64 { 0 } }",
                "fn finish(self)",
            ),
            ("impl Count { fn new(self) -> Self { self } }", "no `self`"),
        ] {
            let item: ItemImpl = syn::parse_str(source).expect("the source is an impl");
            let error = glue(&Options::default(), &item).expect_err(source);
            assert!(error.to_string().contains(says), "{source}: {error}");
        }
    }

    #[test]
    fn a_type_is_named_as_functions_are() {
        for (ty, name) in [
            ("Count", "count"),
            ("TopK", "top_k"),
            ("HTTPErrors", "http_errors"),
            ("Last7Days", "last7_days"),
        ] {
            assert_eq!(snake_case(ty), name);
        }
    }
}
