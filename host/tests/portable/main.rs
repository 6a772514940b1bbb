//! Components of the world `portable`: what a function does to its record, and components that mean
//! harm or that a generator made up.

mod calls;
mod component;
mod generated;
mod hostile;
mod mutants;
