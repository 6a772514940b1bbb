//! Circles among the files and folders that lie side by side.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use crate::tree::{Edge, Tree};

/// The name of the file that stands for its folder.
const FOLDER: &str = "mod";

/// Files that are recursive together because what they are about is, by their folder. They count as
/// one: a circle that leaves them is found.
const RECURSIVE: [(&str, &[&str], &str); 4] = [
    (
        "host/src/expr/ael",
        &["expression", "operand", "literal", "path"],
        "the rules of a grammar call one another",
    ),
    (
        "host/src/model",
        &["value", "msgpack"],
        "a value may be a packed list of values",
    ),
    (
        "guest-sdk/src",
        &[
            "value",
            "collection",
            "from_value",
            "to_value",
            "map_builder",
        ],
        "a value may be a list or map of values",
    ),
    (
        "guest-sdk/packed/src",
        &["element", "reader", "write", "compare"],
        "an element may be a collection of elements",
    ),
];

/// Whether an import stays among files that are recursive together.
fn is_recursion(file: &Path, from: &str, to: &str) -> bool {
    RECURSIVE.iter().any(|(folder, files, _)| {
        file.starts_with(folder) && files.contains(&from) && files.contains(&to)
    })
}

/// Imports between neighbours: who, whom, and where that is written.
type Graph<'a> = Vec<(&'a str, &'a str, &'a Edge<'a>)>;

/// Every import that is part of a circle, with the shortest one.
pub fn circles(tree: &Tree) -> Vec<String> {
    let edges: Vec<Edge<'_>> = tree.edges().filter(|edge| !edge.hands_on).collect();
    let mut graphs: BTreeMap<&[String], Graph<'_>> = BTreeMap::new();
    for edge in &edges {
        let shared = edge.from.iter().zip(edge.to).take_while(|(a, b)| a == b);
        let depth = shared.count();
        let ends = (unit(edge.from, depth), unit(edge.to, depth), edge);
        if is_recursion(edge.file, ends.0, ends.1) {
            continue;
        }
        graphs.entry(&edge.from[..depth]).or_default().push(ends);
    }
    // One line of text for all that a line of code imports from one neighbour.
    let mut found = BTreeMap::new();
    for graph in graphs.values() {
        for &(from, to, edge) in graph {
            if let Some(back) = way(graph, to, from) {
                let circle = [&[from][..], &back].concat().join(" -> ");
                let (file, line) = (edge.file, edge.line);
                found.entry((file, line, to)).or_insert_with(|| {
                    format!("{}:{line} imports {}: {circle}", file.display(), edge.named)
                });
            }
        }
    }
    found.into_values().collect()
}

/// The file or folder at this depth that holds the module.
fn unit(module: &[String], depth: usize) -> &str {
    module.get(depth).map_or(FOLDER, String::as_str)
}

/// The shortest way of imports from one neighbour to another, both included.
fn way<'a>(graph: &Graph<'a>, from: &'a str, to: &'a str) -> Option<Vec<&'a str>> {
    let mut came_from = BTreeMap::from([(from, from)]);
    let mut open = VecDeque::from([from]);
    while let Some(unit) = open.pop_front() {
        if unit == to {
            let mut way = vec![unit];
            while let Some(last) = way.last()
                && *last != from
            {
                way.push(came_from[last]);
            }
            way.reverse();
            return Some(way);
        }
        for (_, next, _) in graph.iter().filter(|(start, _, _)| *start == unit) {
            came_from.entry(next).or_insert_with(|| {
                open.push_back(next);
                unit
            });
        }
    }
    None
}
