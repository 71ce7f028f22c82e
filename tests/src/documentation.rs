//! The Rust in the README and the book, compiled as doc-tests.

#[doc = include_str!("../../README.md")]
struct Readme;

#[doc = include_str!("../../docs/src/write-a-service.md")]
struct WriteAService;

#[doc = include_str!("../../docs/src/files.md")]
struct Files;

#[doc = include_str!("../../docs/src/link-service.md")]
struct LinkService;
