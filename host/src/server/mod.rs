//! The network door.
