//! What a component is made of: what it imports, and what made it big.

use std::collections::BTreeMap;

use rustc_demangle::demangle;
use wasmparser::{KnownCustom, Name, NameSectionReader, Parser, Payload, Result, TypeRef};

/// So many functions are told of.
const LARGEST: usize = 8;

/// What the core module of a component is made of, in bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Anatomy {
    /// Its parts: code, data, names, the rest.
    pub parts: Vec<(&'static str, usize)>,
    /// The code by the crate that it comes from, the largest first.
    pub crates: Vec<(String, usize)>,
    /// The largest functions.
    pub functions: Vec<(String, usize)>,
}

impl Anatomy {
    /// Takes a core module apart. Without its names, functions are told by their numbers.
    ///
    /// # Errors
    /// That it is none.
    pub fn of(core: &[u8]) -> Result<Self> {
        let (mut code, mut data, mut names, mut rest) = (0, 0, 0, 0);
        let mut imported = 0;
        let mut bodies = Vec::new();
        let mut named = BTreeMap::new();
        for payload in Parser::new(0).parse_all(core) {
            let payload = payload?;
            match &payload {
                Payload::ImportSection(imports) => {
                    for import in imports.clone().into_imports() {
                        imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                    }
                }
                Payload::CodeSectionEntry(body) => bodies.push(body.range().len()),
                Payload::CustomSection(custom) => {
                    if let KnownCustom::Name(section) = custom.as_known() {
                        names += custom.range().len();
                        named = function_names(section);
                        continue;
                    }
                }
                _ => {}
            }
            let size = payload.as_section().map_or(0, |(_, range)| range.len());
            match payload {
                Payload::CodeSectionStart { .. } => code += size,
                Payload::DataSection(_) => data += size,
                _ => rest += size,
            }
        }
        let sized = bodies.iter().zip(imported..).map(|(size, number)| {
            let name = named.get(&number).cloned();
            (name.unwrap_or_else(|| format!("function {number}")), *size)
        });
        let mut functions: Vec<(String, usize)> = sized.collect();
        let mut crates = BTreeMap::<String, usize>::new();
        for (name, size) in &functions {
            *crates.entry(origin(name).to_owned()).or_default() += size;
        }
        let mut crates: Vec<_> = crates.into_iter().collect();
        let largest = |(_, size): &(String, usize)| std::cmp::Reverse(*size);
        crates.sort_by_key(largest);
        functions.sort_by_key(largest);
        functions.truncate(LARGEST);
        Ok(Self {
            parts: vec![
                ("code", code),
                ("data", data),
                ("names", names),
                ("rest", rest),
            ],
            crates,
            functions,
        })
    }
}

fn function_names(section: NameSectionReader<'_>) -> BTreeMap<u32, String> {
    let functions = section.into_iter().filter_map(|part| match part {
        Ok(Name::Function(names)) => Some(names),
        _ => None,
    });
    let plain = |name: &str| format!("{:#}", demangle(name));
    functions
        .flatten()
        .filter_map(|naming| naming.ok().map(|naming| (naming.index, plain(naming.name))))
        .collect()
}

/// The crate that a function comes from, by its path: that of the type, where it implements a trait.
fn origin(path: &str) -> &str {
    let start = path.trim_start_matches(['<', '&', '[', '(', '*']);
    let start = start.trim_start_matches("mut ").trim_start_matches("dyn ");
    match start.split_once("::") {
        Some((name, _)) if name.chars().all(|c| c.is_alphanumeric() || c == '_') => name,
        _ => "other",
    }
}

/// The names that a component imports and those that it exports. None of a core module's.
///
/// # Errors
/// That the bytes are no WebAssembly.
pub fn interfaces(component: &[u8]) -> Result<(Vec<String>, Vec<String>)> {
    let (mut imports, mut exports) = (Vec::new(), Vec::new());
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok((imports, exports))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_told_by_size_and_crate() {
        let core = wat::parse_str(
            r#"(module
                (import "a" "b" (func))
                (func $_ZN4core3fmt5write17h0123456789abcdefE (result i64) i64.const 1000000000000)
                (func $short (nop)))"#,
        )
        .unwrap();
        let anatomy = Anatomy::of(&core).unwrap();
        let names: Vec<_> = anatomy
            .functions
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, ["core::fmt::write", "short"]);
        assert_eq!(anatomy.crates[0].0, "core");
        let all: usize = anatomy.parts.iter().map(|(_, size)| size).sum();
        assert!(
            all < core.len() && all > core.len() / 2,
            "{all} of {}",
            core.len()
        );
        assert!(Anatomy::of(&core[..20]).is_err());
    }

    #[test]
    fn a_function_of_a_trait_is_the_types_crates() {
        let rows = [
            (
                "<alloc::string::String as core::fmt::Write>::write_str",
                "alloc",
            ),
            ("<&mut my_crate::A as core::fmt::Debug>::fmt", "my_crate"),
            ("std::io::Write::write_all", "std"),
            ("cabi_realloc", "other"),
        ];
        for (path, name) in rows {
            assert_eq!(origin(path), name, "{path}");
        }
    }

    #[test]
    fn interfaces_are_those_of_the_outermost_component() {
        let component = wat::parse_str(
            r#"(component
                (import "a:b/c" (instance $i (export "f" (func))))
                (component (import "inner" (func)))
                (core module (func (export "g")))
                (export "d:e/f" (instance $i)))"#,
        )
        .unwrap();
        let (imports, exports) = interfaces(&component).unwrap();
        assert_eq!(
            (imports, exports),
            (vec!["a:b/c".to_owned()], vec!["d:e/f".to_owned()])
        );
    }
}
