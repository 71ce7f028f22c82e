//! The pages of `docs/src/components/`: each numbered requirement names tests that
//! verify it, and these exist.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A row of a table: `| `ID` | what must hold | `file::test`, … |`.
struct Requirement {
    page: String,
    id: String,
    tests: Vec<String>,
}

#[test]
fn every_requirement_names_tests_that_exist() {
    let root = root();
    let mut problems = Vec::new();
    for Requirement { page, id, tests } in requirements(&root) {
        if tests.is_empty() {
            problems.push(format!("{page}: {id} names no test"));
        }
        for test in tests {
            if !exists(&root, &test) {
                problems.push(format!("{page}: {id} names `{test}`, which does not exist"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_requirement_has_a_number_of_its_own() {
    let mut pages = BTreeMap::new();
    for Requirement { page, id, .. } in requirements(&root()) {
        if let Some(other) = pages.insert(id.clone(), page.clone()) {
            panic!("{id} stands in {other} and in {page}");
        }
    }
    assert!(pages.len() > 30, "only {} requirements found", pages.len());
}

#[test]
fn every_page_is_in_the_book() {
    let summary = fs::read_to_string(root().join("docs/src/SUMMARY.md")).expect("a summary");
    for page in pages(&root()) {
        let name = page.file_name().and_then(|name| name.to_str());
        let link = format!("(components/{})", name.expect("a page has a name"));
        assert!(summary.contains(&link), "SUMMARY.md has no {link}");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn pages(root: &Path) -> Vec<PathBuf> {
    let directory = fs::read_dir(root.join("docs/src/components")).expect("the pages");
    directory
        .map(|page| page.expect("an entry").path())
        .collect()
}

fn requirements(root: &Path) -> Vec<Requirement> {
    let mut found = Vec::new();
    for path in pages(root) {
        let text = fs::read_to_string(&path).expect("a page is text");
        let rows = text.lines().filter_map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            let id = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
            id.split_once('-')?.1.parse::<u32>().ok()?;
            let tests = cells.nth(1)?.split('`').skip(1).step_by(2);
            Some(Requirement {
                page: path.display().to_string(),
                id: id.to_owned(),
                tests: tests.map(str::to_owned).collect(),
            })
        });
        found.extend(rows);
    }
    found
}

/// Whether the file has a function of that name.
fn exists(root: &Path, test: &str) -> bool {
    let Some((file, name)) = test.split_once("::") else {
        return false;
    };
    let Ok(text) = fs::read_to_string(root.join(file)) else {
        return false;
    };
    let declaration = format!("fn {name}(");
    let python = format!("def {name}(");
    text.contains(&declaration) || text.contains(&python)
}
