//! ground-gateway
fn main() {}
