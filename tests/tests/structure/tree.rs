//! The modules of one crate, and which of them uses which.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::imports::{self, Import};

/// A module's path below its crate: `["udf", "lua"]`.
pub type ModulePath = Vec<String>;

/// The modules of a crate, those of its tests left out.
#[derive(Default)]
pub struct Tree {
    modules: BTreeMap<ModulePath, Module>,
}

/// One module: a file, or a block in a file.
#[derive(Default)]
pub struct Module {
    /// The file, as messages name it.
    pub file: PathBuf,
    /// Every path to another place that its code names.
    pub imports: Vec<Import>,
    /// What its `use` lines bind: the name, and the path behind it.
    pub names: BTreeMap<String, Vec<String>>,
    /// The files below it that are there in tests only: `#[cfg(test)] mod NAME;`.
    pub tests: Vec<String>,
}

/// One module using another.
#[derive(Debug)]
pub struct Edge<'a> {
    /// The module that uses.
    pub from: &'a [String],
    /// The module in which the thing that it uses is defined.
    pub to: &'a [String],
    /// The file of `from`.
    pub file: &'a Path,
    /// The line in it.
    pub line: usize,
    /// The path as it is named there, from the crate's root on.
    pub named: String,
    /// A module that hands on what a module below it defines.
    pub hands_on: bool,
}

impl Tree {
    /// Reads the crate whose sources are in `src`; files are named relative to `root`.
    pub fn read(root: &Path, src: &Path) -> Result<Self> {
        let mut sources = Vec::new();
        read_folder(src, &mut Vec::new(), &mut sources)?;
        let mut tree = Self::default();
        for (path, file) in sources {
            let text = std::fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            let shown = file.strip_prefix(root).unwrap_or(&file).to_path_buf();
            tree.add(path, shown, &text)?;
        }
        tree.leave_out_tests();
        Ok(tree)
    }

    /// A crate of the given files (`udf/mod.rs`) and texts.
    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Result<Self> {
        let mut tree = Self::default();
        for (file, text) in files {
            let stem = file.trim_end_matches(".rs").trim_end_matches("/mod");
            let path = match stem {
                "lib" => Vec::new(),
                _ => stem.split('/').map(str::to_owned).collect(),
            };
            tree.add(path, file.into(), text)?;
        }
        tree.leave_out_tests();
        Ok(tree)
    }

    fn add(&mut self, path: ModulePath, file: PathBuf, text: &str) -> Result<()> {
        let parsed =
            syn::parse_file(text).with_context(|| format!("cannot parse {}", file.display()))?;
        imports::collect(&parsed, path, &file, &mut self.modules);
        Ok(())
    }

    fn leave_out_tests(&mut self) {
        let below = |path: &[String], name: &String| [path, std::slice::from_ref(name)].concat();
        let tests: Vec<ModulePath> = self
            .modules
            .iter()
            .flat_map(|(path, module)| module.tests.iter().map(|name| below(path, name)))
            .collect();
        self.modules
            .retain(|path, _| !tests.iter().any(|test| path.starts_with(test)));
    }

    /// The modules right below the root: the rooms.
    pub fn rooms(&self) -> impl Iterator<Item = &str> {
        self.modules
            .keys()
            .filter(|path| path.len() == 1)
            .map(|path| path[0].as_str())
    }

    /// Every use of one module by another.
    pub fn edges(&self) -> impl Iterator<Item = Edge<'_>> {
        self.modules.iter().flat_map(move |(path, module)| {
            module.imports.iter().filter_map(move |import| {
                let named = self.absolute(path, &import.path)?;
                let to = self.owner(&named, 0);
                (to != path.as_slice()).then(|| Edge {
                    from: path,
                    to,
                    file: &module.file,
                    line: import.line,
                    named: named.join("::"),
                    hands_on: import.reexport && to.starts_with(path),
                })
            })
        })
    }

    /// Where a path that stands in the module `at` leads, from the root on; none if it leads
    /// out of the crate.
    fn absolute(&self, at: &[String], path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        let mut base = at.to_vec();
        let mut rest = rest;
        match first.as_str() {
            "crate" => base.clear(),
            "self" => {}
            "super" => {
                base.pop();
            }
            _ => {
                base.push(first.clone());
                self.modules.get(&base)?;
            }
        }
        while let Some((first, after)) = rest.split_first()
            && first == "super"
        {
            base.pop();
            rest = after;
        }
        base.extend_from_slice(rest);
        Some(base)
    }

    /// The module that defines what the path names, found through re-exports.
    fn owner(&self, path: &[String], depth: usize) -> &[String] {
        const ENOUGH: usize = 16;
        let mut owner: &[String] = &[];
        for (at, segment) in path.iter().enumerate() {
            if let Some((module, _)) = self.modules.get_key_value(&path[..=at]) {
                owner = module;
                continue;
            }
            let bound = self
                .modules
                .get(owner)
                .and_then(|module| module.names.get(segment));
            if let Some(bound) = bound
                && depth < ENOUGH
                && let Some(mut target) = self.absolute(owner, bound)
            {
                target.extend_from_slice(&path[at + 1..]);
                return self.owner(&target, depth + 1);
            }
            break;
        }
        owner
    }
}

/// Finds the `.rs` files below a folder and the modules that they are.
fn read_folder(
    folder: &Path,
    path: &mut ModulePath,
    sources: &mut Vec<(ModulePath, PathBuf)>,
) -> Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let file = entry?.path();
        let Some(stem) = file.file_stem().and_then(|stem| stem.to_str()) else {
            continue;
        };
        if file.is_dir() {
            path.push(stem.to_owned());
            read_folder(&file, path, sources)?;
            path.pop();
        } else if file.extension().is_some_and(|extension| extension == "rs") {
            let mut module = path.clone();
            let names_its_folder = stem == "mod" || (path.is_empty() && stem == "lib");
            if !names_its_folder {
                module.push(stem.to_owned());
            }
            sources.push((module, file));
        }
    }
    Ok(())
}
