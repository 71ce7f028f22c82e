//! The binary `payload-controller`.

fn main() {}
