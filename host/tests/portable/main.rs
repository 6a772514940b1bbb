//! Components of the world `portable`: what a function does to its record, and components that mean
//! harm or whose bytes were changed.

mod calls;
mod component;
mod hostile;
mod mutants;
