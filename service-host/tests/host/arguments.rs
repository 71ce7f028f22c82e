//! The command line.

use std::path::Path;

use clap::Parser;
use service_host::arguments::{HostArguments, LogLevel};

#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    host: HostArguments,
}

fn parse(arguments: &[&str]) -> Result<HostArguments, String> {
    let all = std::iter::once(&"a-service").chain(arguments);
    match Arguments::try_parse_from(all) {
        Ok(arguments) => Ok(arguments.host),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn nothing_given_means_no_file_and_level_info() {
    let arguments = parse(&[]).unwrap();
    assert_eq!(arguments.config, None);
    assert_eq!(arguments.log_level, LogLevel::Info);
}

#[test]
fn long_and_short_flags_say_the_same() {
    let short = parse(&["-c", "a.toml", "-l", "trace"]).unwrap();
    let long = parse(&["--config", "a.toml", "--log-level", "trace"]).unwrap();
    assert_eq!(short, long);
    assert_eq!(short.config.as_deref(), Some(Path::new("a.toml")));
    assert_eq!(short.log_level, LogLevel::Trace);
}

#[test]
fn an_unknown_level_is_refused_with_the_known_ones() {
    let error = parse(&["-l", "loud"]).unwrap_err();
    for part in ["loud", "error", "warn", "info", "debug", "trace"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn starting_the_log_twice_does_no_harm() {
    service_host::logging::start(LogLevel::Error);
    assert!(!service_host::logging::start(LogLevel::Trace));
}
