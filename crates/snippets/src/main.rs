//! Empty: once it is built, so is all that a snippet may use.

fn main() {}
