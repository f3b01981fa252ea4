//! The command line of the Fibonacci backends.
fn main() {}
