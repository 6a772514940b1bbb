//! Circles among the files and folders that lie side by side.

use std::collections::{BTreeMap, VecDeque};

use crate::tree::{Edge, Tree};

/// The name of the file that stands for its folder.
const FOLDER: &str = "mod";

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
