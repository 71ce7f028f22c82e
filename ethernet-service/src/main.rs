//! ethernet-service
fn main() {}
