//! `wit/petrel-udf.wit` as Rust sees it from inside a component.
#![allow(missing_docs, unused, clippy::all, clippy::pedantic)]

wit_bindgen::generate!({
    path: "../wit",
    world: "udf",
});
