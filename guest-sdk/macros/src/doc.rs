//! Doc comments.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// The text of an item's doc comment, without the space that each line begins with.
pub fn doc(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let Meta::NameValue(pair) = &attribute.meta else {
            return None;
        };
        match &pair.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) if pair.path.is_ident("doc") => Some(text.value()),
            _ => None,
        }
    });
    // A `/** */` comment is one attribute of several lines.
    let lines: Vec<String> = lines
        .flat_map(|text| text.split('\n').map(unindented).collect::<Vec<_>>())
        .collect();
    lines.join("\n").trim().to_owned()
}

fn unindented(line: &str) -> String {
    line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::ItemFn;

    #[test]
    fn a_doc_comment_keeps_its_lines() {
        let source = "/// Counts.\n///\n///     example  \n#[inline]\n/// The end.\nfn f() {}";
        let item: ItemFn = syn::parse_str(source).expect("the source is a function");
        assert_eq!(doc(&item.attrs), "Counts.\n\n    example\nThe end.");
        let item: ItemFn = syn::parse_str("fn f() {}").expect("the source is a function");
        assert_eq!(doc(&item.attrs), "");
    }
}
