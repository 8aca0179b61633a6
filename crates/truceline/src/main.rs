//! The `truceline` command.
fn main() {}
