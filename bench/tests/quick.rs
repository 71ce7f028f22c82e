//! The command `bench` in a hurry: that it runs, and what it writes. No time is asserted.

use std::fs;
use std::process::Command;

use serde_json::Value;

/// Runs `bench` with `arguments`; gives its table and its JSON.
fn bench(arguments: &[&str]) -> (String, Vec<Value>) {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("bench.json");
    let output = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(["--quick", "--json"])
        .arg(&json)
        .args(arguments)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let written = fs::read_to_string(&json).unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    (table, serde_json::from_str(&written).unwrap())
}

#[test]
fn each_figure_of_the_codecs_has_name_unit_values_and_spread() {
    let (table, figures) = bench(&["--only", "codecs"]);
    assert!(!figures.is_empty());
    assert!(!table.contains('\x1b'), "colours though nobody sees them");
    for figure in &figures {
        let name = figure["name"].as_str().unwrap();
        assert!(table.contains(name), "{name} is not in the table");
        assert!(figure["unit"].is_string(), "{figure}");
        assert_eq!(figure["section"], "codecs");
        assert!(figure["ours"].is_number(), "{figure}");
        let spread = &figure["spread"]["ours"];
        assert!(
            spread["min"].as_f64() <= figure["ours"].as_f64(),
            "{figure}"
        );
        assert!(
            spread["max"].as_f64() >= figure["ours"].as_f64(),
            "{figure}"
        );
        let has_floor = figure["floor"].is_number();
        assert_eq!(figure["spread"]["floor"].is_object(), has_floor, "{figure}");
        let has_goal = figure["goal"].is_object();
        assert_eq!(figure["met"].is_boolean(), has_goal, "{figure}");
    }
}

#[test]
fn what_the_ground_archived_is_found_again() {
    let (_, figures) = bench(&["--only", "ground"]);
    assert!(figures.len() >= 8, "{figures:#?}");
    for figure in &figures {
        assert!(figure["ours"].as_f64().unwrap() > 0.0, "{figure}");
    }
}

#[test]
fn codecs_allocate_nothing_once_their_buffers_have_grown() {
    let (_, figures) = bench(&["--only", "codecs"]);
    let of_codecs = figures.iter().filter(|figure| {
        let name = figure["name"].as_str().unwrap();
        name.ends_with("allocations") && figure["goal"].is_object()
    });
    let allocated: Vec<_> = of_codecs.filter(|figure| figure["ours"] != 0.0).collect();
    assert!(allocated.is_empty(), "{allocated:#?}");
}
