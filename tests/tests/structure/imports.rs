//! What one source file names of its own crate.

use std::collections::BTreeMap;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

use crate::tree::{Module, ModulePath};

/// A path in a module's code.
#[derive(Debug)]
pub struct Import {
    /// The path as written: `["super", "record", "Scope"]`.
    pub path: Vec<String>,
    /// The line in the file.
    pub line: usize,
    /// `pub use`, in any of its forms.
    pub reexport: bool,
}

/// Adds the module `path` in `file`, and those in blocks inside it, to `modules`.
pub fn collect(
    source: &syn::File,
    path: ModulePath,
    file: &Path,
    modules: &mut BTreeMap<ModulePath, Module>,
) {
    let mut walk = Walk {
        file,
        path,
        modules,
    };
    walk.module().file = file.to_owned();
    walk.visit_file(source);
}

struct Walk<'a> {
    file: &'a Path,
    path: ModulePath,
    modules: &'a mut BTreeMap<ModulePath, Module>,
}

impl Walk<'_> {
    fn module(&mut self) -> &mut Module {
        self.modules.entry(self.path.clone()).or_default()
    }

    fn import(&mut self, path: Vec<String>, line: usize) {
        self.module().imports.push(Import {
            path,
            line,
            reexport: false,
        });
    }

    /// Follows a `use` tree to each of its leaves.
    fn use_tree(&mut self, tree: &UseTree, prefix: &[String], reexport: bool) {
        let bind = |walk: &mut Self, path: Vec<String>, name: Option<String>| {
            let line = tree.span().start().line;
            if let Some(name) = name {
                walk.module().names.insert(name, path.clone());
            }
            walk.module().imports.push(Import {
                path,
                line,
                reexport,
            });
        };
        let with = |name: String| [prefix, &[name]].concat();
        match tree {
            UseTree::Path(path) => {
                self.use_tree(&path.tree, &with(path.ident.to_string()), reexport);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.use_tree(tree, prefix, reexport);
                }
            }
            UseTree::Name(name) if name.ident == "self" => {
                bind(self, prefix.to_vec(), prefix.last().cloned());
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                bind(self, with(name.clone()), Some(name));
            }
            UseTree::Rename(rename) => {
                let name = rename.rename.to_string();
                bind(self, with(rename.ident.to_string()), Some(name));
            }
            UseTree::Glob(_) => bind(self, prefix.to_vec(), None),
        }
    }

    /// Paths in a macro's tokens, which are not parsed.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut line = 0;
        let mut colons = 0;
        for token in tokens {
            match &token {
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end_of_tokens(&mut path, line);
                        line = ident.span().start().line;
                    }
                    path.push(ident.to_string());
                }
                TokenTree::Group(group) => {
                    self.end_of_tokens(&mut path, line);
                    self.tokens(group.stream());
                }
                _ => self.end_of_tokens(&mut path, line),
            }
            colons = 0;
        }
        self.end_of_tokens(&mut path, line);
    }

    fn end_of_tokens(&mut self, path: &mut Vec<String>, line: usize) {
        if path.len() > 1 {
            self.import(std::mem::take(path), line);
        }
        path.clear();
    }
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !for_tests(attributes(item)) {
            visit::visit_item(self, item);
        } else if let Item::Mod(module) = item
            && module.content.is_none()
        {
            let name = module.ident.to_string();
            self.module().tests.push(name);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.content.is_some() {
            self.path.push(module.ident.to_string());
            let file = self.file.to_owned();
            self.module().file = file;
            visit::visit_item_mod(self, module);
            self.path.pop();
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let reexport = !matches!(item.vis, Visibility::Inherited);
        self.use_tree(&item.tree, &[], reexport);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 && path.leading_colon.is_none() {
            let segments = path.segments.iter();
            let names = segments.map(|segment| segment.ident.to_string()).collect();
            self.import(names, path.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    // `pub(in crate::udf)` uses nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

/// Whether an item is there in tests only.
fn for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|condition| condition.is_ident("test"))
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
