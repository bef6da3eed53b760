//! The `assize` command.
#![forbid(unsafe_code)]

fn main() {}
