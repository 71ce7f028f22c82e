//! flatsat
fn main() {}
