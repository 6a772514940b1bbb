//! Types as people read them.

use proc_macro2::Span;
use quote::ToTokens;
use syn::spanned::Spanned as _;
use syn::{GenericArgument, PathArguments, PathSegment, ReturnType, Signature, Type};

/// A type as its author wrote it, without the modules it is in and without lifetimes:
/// `std::collections::HashMap<&'a str, i64>` as `HashMap<&str, i64>`.
pub fn type_text(ty: &Type) -> String {
    match ty {
        Type::Reference(reference) => {
            let mutable = reference.mutability.map_or("", |_| "mut ");
            format!("&{mutable}{}", type_text(&reference.elem))
        }
        Type::Path(path) => path.path.segments.last().map_or_else(String::new, segment),
        Type::Tuple(tuple) => {
            let items: Vec<_> = tuple.elems.iter().map(type_text).collect();
            format!("({})", items.join(", "))
        }
        Type::Slice(slice) => format!("[{}]", type_text(&slice.elem)),
        Type::Array(array) => {
            let len = array.len.to_token_stream();
            format!("[{}; {len}]", type_text(&array.elem))
        }
        Type::Paren(inside) => type_text(&inside.elem),
        Type::Group(inside) => type_text(&inside.elem),
        other => other.to_token_stream().to_string(),
    }
}

/// Where a function says what it returns: what is wrong with that is told there.
pub fn returned(signature: &Signature) -> Span {
    match &signature.output {
        ReturnType::Type(_, ty) => ty.span(),
        ReturnType::Default => signature.ident.span(),
    }
}

/// What a function returns when it does not fail: of a `Result` its first type.
pub fn returns_text(output: &ReturnType) -> String {
    let ReturnType::Type(_, ty) = output else {
        return "()".into();
    };
    if let Type::Path(path) = &**ty
        && let Some(last) = path.path.segments.last()
        && last.ident == "Result"
        && let Some(value) = types(last).next()
    {
        return type_text(value);
    }
    type_text(ty)
}

fn types(segment: &PathSegment) -> impl Iterator<Item = &Type> {
    let arguments = match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
        _ => None,
    };
    arguments
        .into_iter()
        .flatten()
        .filter_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        })
}

fn segment(segment: &PathSegment) -> String {
    let inside: Vec<_> = types(segment).map(type_text).collect();
    if inside.is_empty() {
        return segment.ident.to_string();
    }
    format!("{}<{}>", segment.ident, inside.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_in_short() {
        for (source, text) in [
            ("i64", "i64"),
            ("&'a str", "&str"),
            (
                "std::collections::HashMap< & 'a str , Vec<i64>>",
                "HashMap<&str, Vec<i64>>",
            ),
            ("Option<List<'_>>", "Option<List>"),
            ("(i64, &mut [u8])", "(i64, &mut [u8])"),
            ("[f64; 3]", "[f64; 3]"),
            ("()", "()"),
        ] {
            let ty = syn::parse_str(source).expect("the source is a type");
            assert_eq!(type_text(&ty), text);
        }
    }

    #[test]
    fn of_a_result_the_value_is_told() {
        for (source, text) in [
            ("", "()"),
            ("-> i64", "i64"),
            ("-> petrel_udf::Result<Option<String>>", "Option<String>"),
            ("-> Result<(), Box<dyn Error>>", "()"),
        ] {
            let output = syn::parse_str(source).expect("the source is a return type");
            assert_eq!(returns_text(&output), text);
        }
    }
}
