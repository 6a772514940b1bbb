//! The floor plan, held against the sources: who may use whom.
//!
//! A room of `host/src` uses the floors below its own, never one above or beside it, and no
//! files or folders that lie side by side use each other in a circle. Tests are exempt.

mod build;
mod circles;
mod imports;
mod tree;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use circles::circles;
use tree::{Edge, Tree};

/// The page that says which floors there are.
const ARCHITECTURE: &str = include_str!("../../../ARCHITECTURE.md");

/// The rooms of `host/src`, lowest floor first, as the page lists them.
fn floors() -> Vec<Vec<&'static str>> {
    let (_, block) = ARCHITECTURE
        .split_once("```floors\n")
        .expect("the page has a block of floors");
    let (block, _) = block.split_once("```").expect("the block ends");
    let rooms = |line: &'static str| {
        let names = line.split("  ").next().unwrap_or_default();
        names.split(", ").map(str::trim).collect()
    };
    block.lines().rev().map(rooms).collect()
}

/// The runtimes, and the one room that may name them: the assembly.
const RUNTIMES: [&str; 2] = ["lua", "wasm"];
const ASSEMBLY: &str = "assembly";

fn floor(room: &str) -> Option<usize> {
    floors().iter().position(|rooms| rooms.contains(&room))
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn host() -> Result<Tree> {
    Tree::read(root(), &root().join("host/src"))
}

/// Every import of a room on the same floor or a higher one.
fn upward(tree: &Tree) -> Vec<String> {
    let mut found: Vec<String> = tree
        .rooms()
        .filter(|room| floor(room).is_none())
        .map(|room| format!("{room} is a room without a floor"))
        .collect();
    for edge in tree.edges() {
        let (Some(from), Some(to)) = (edge.from.first(), edge.to.first()) else {
            continue;
        };
        let (Some(high), Some(low)) = (floor(from), floor(to)) else {
            continue;
        };
        if from != to && low >= high {
            found.push(format!(
                "{} imports {} (floor {low}) from {from} (floor {high})",
                place(&edge),
                edge.named
            ));
        }
    }
    found.sort();
    found.dedup();
    found
}

fn place(edge: &Edge<'_>) -> String {
    format!("{}:{}", edge.file.display(), edge.line)
}

fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn no_room_imports_one_above_it_or_beside_it() -> Result<()> {
    assert_none("imports against the floor plan", &upward(&host()?));
    Ok(())
}

#[test]
fn the_architecture_page_names_what_is_there() -> Result<()> {
    let tree = host()?;
    let rooms: Vec<&str> = tree.rooms().collect();
    let mut missing: Vec<String> = floors()
        .concat()
        .into_iter()
        .filter(|room| !rooms.contains(room))
        .map(|room| format!("{room} is on a floor, but there is no such room"))
        .collect();
    let bases = [root().to_owned(), root().join("host/src")];
    for named in ARCHITECTURE.split('`').skip(1).step_by(2) {
        let is_path = named.ends_with(".rs") || named.ends_with('/');
        let named = if named.contains('/') {
            named.to_owned()
        } else {
            format!("dispatch/{named}")
        };
        if is_path && !bases.iter().any(|base| base.join(&named).exists()) {
            missing.push(format!("{named} is not there"));
        }
    }
    assert_none("named by ARCHITECTURE.md", &missing);
    Ok(())
}

#[test]
fn nothing_in_a_crate_imports_in_a_circle() -> Result<()> {
    let mut found = Vec::new();
    for src in crates()? {
        found.extend(circles(&Tree::read(root(), &src)?));
    }
    assert_none("imports that go in a circle", &found);
    Ok(())
}

#[test]
fn only_the_assembly_names_a_runtime() -> Result<()> {
    let tree = host()?;
    let runtime = |path: &[String]| -> Option<&str> {
        let [room, name, ..] = path else { return None };
        let runtime = RUNTIMES.into_iter().find(|runtime| runtime == name)?;
        (room == "udf").then_some(runtime)
    };
    let found: Vec<String> = tree
        .edges()
        .filter(|edge| {
            let used = runtime(edge.to);
            let within = used == runtime(edge.from);
            let assembled = edge.from.first().is_some_and(|room| room == ASSEMBLY);
            used.is_some() && !within && !assembled && !edge.hands_on
        })
        .map(|edge| format!("{} imports {}", place(&edge), edge.named))
        .collect();
    assert_none("runtimes named outside the assembly", &found);
    Ok(())
}

/// The source folder of every crate of the workspace.
fn crates() -> Result<Vec<PathBuf>> {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml"))?;
    let manifest: toml::Table = manifest.parse()?;
    let members = manifest["workspace"]["members"]
        .as_array()
        .context("the workspace has no members")?;
    Ok(members
        .iter()
        .filter_map(toml::Value::as_str)
        .map(|member| root().join(member).join("src"))
        .collect())
}

/// The checks themselves, on crates that break the rules.
mod checks {
    use super::*;

    #[test]
    fn an_import_of_a_higher_room_is_found_in_every_form() -> Result<()> {
        let wire = ("wire.rs", "pub struct Frame;");
        for import in [
            "use crate::wire::Frame;",
            "use super::wire::{self, Frame as F};",
            "fn f() -> crate::wire::Frame { todo!() }",
            "fn f() { println!(\"{}\", crate::wire::Frame) }",
            "mod inner { use super::super::wire::Frame; }",
        ] {
            let tree = Tree::of(&[("model.rs", import), wire])?;
            let found = upward(&tree);
            assert!(!found.is_empty(), "{import}");
            for line in found {
                assert!(
                    line.starts_with("model.rs:1 imports wire")
                        && line.ends_with("(floor 5) from model (floor 0)"),
                    "{line}"
                );
            }
        }
        Ok(())
    }

    #[test]
    fn imports_downward_and_in_tests_are_fine() -> Result<()> {
        let tree = Tree::of(&[
            ("wire/mod.rs", "mod frame; #[cfg(test)] mod tests;"),
            ("wire/frame.rs", "use crate::model::Key;"),
            ("wire/tests.rs", "use crate::server::serve;"),
            ("model.rs", "#[cfg(test)] mod t { use crate::wire::Frame; }"),
            ("server.rs", "pub fn serve() {}"),
        ])?;
        assert_eq!(upward(&tree), Vec::<String>::new());
        Ok(())
    }

    #[test]
    fn a_room_beside_and_one_without_a_floor_are_found() -> Result<()> {
        let tree = Tree::of(&[
            ("ops.rs", "use crate::udf::Scope;"),
            ("udf.rs", "pub struct Scope;"),
            ("attic.rs", ""),
        ])?;
        assert_eq!(
            upward(&tree),
            [
                "attic is a room without a floor",
                "ops.rs:1 imports udf::Scope (floor 3) from ops (floor 3)",
            ]
        );
        Ok(())
    }

    #[test]
    fn a_circle_is_found_through_what_its_folder_hands_on() -> Result<()> {
        let tree = Tree::of(&[
            ("udf/mod.rs", "mod a;\nmod b;\npub use a::A;\npub use b::B;"),
            ("udf/a.rs", "use super::B;\npub struct A;"),
            (
                "udf/b.rs",
                "pub struct B;\nfn f() -> crate::udf::A { todo!() }",
            ),
            ("udf/c.rs", "use super::A;"),
        ])?;
        assert_eq!(
            circles(&tree),
            [
                "udf/a.rs:1 imports udf::B: a -> b -> a",
                "udf/b.rs:2 imports udf::A: b -> a -> b",
            ]
        );
        Ok(())
    }

    #[test]
    fn a_folder_and_a_file_beside_it_can_make_a_circle() -> Result<()> {
        let tree = Tree::of(&[
            ("expr/mod.rs", "mod ael;\nmod node;"),
            ("expr/ael/mod.rs", "mod parse;\npub fn text() {}"),
            ("expr/ael/parse.rs", "use crate::expr::node::Node;"),
            ("expr/node.rs", "use super::ael::text;\npub struct Node;"),
        ])?;
        assert_eq!(
            circles(&tree),
            [
                "expr/ael/parse.rs:1 imports expr::node::Node: ael -> node -> ael",
                "expr/node.rs:1 imports expr::ael::text: node -> ael -> node",
            ]
        );
        Ok(())
    }
}
