//! "Write your radio's service", done as it is written: its files are made, its
//! commands run, in the order of the page, in an empty folder beside a checkout.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

const PAGE: &str = include_str!("../../docs/src/your-radio.md");

/// What a block of the page is.
enum Block<'a> {
    /// A file: its name stands in a comment on the first line.
    File { name: &'a str, content: &'a str },
    /// Commands of a shell.
    Commands(&'a str),
    /// Lines that the last commands have written, among others.
    Output(&'a str),
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let fenced = page.split("\n```").skip(1).step_by(2);
    fenced
        .map(|block| {
            let (language, content) = block.split_once('\n').expect("a block");
            match language {
                "sh" => Block::Commands(content),
                "text" => Block::Output(content),
                _ => {
                    let first = content.lines().next().expect("a first line");
                    let name = first.trim_start_matches(['/', '#']).trim();
                    Block::File { name, content }
                }
            }
        })
        .collect()
}

/// A folder with a checkout in it, and where the commands are.
struct Newcomer {
    folder: TempDir,
    inside: PathBuf,
    written: String,
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace")
}

impl Newcomer {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let checkout = folder.path().join("heliograph");
        std::os::unix::fs::symlink(workspace(), checkout).expect("a checkout");
        Self {
            inside: folder.path().to_owned(),
            folder,
            written: String::new(),
        }
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }

    fn run(&mut self, commands: &str) {
        self.written.clear();
        for command in commands.lines() {
            if let Some(folder) = command.strip_prefix("cd ") {
                self.inside.push(folder);
                // The versions that everything here is tested with.
                let lock = workspace().join("Cargo.lock");
                fs::copy(lock, self.inside.join("Cargo.lock")).expect("a lock file");
                continue;
            }
            let output = Command::new("sh")
                .args(["-c", command])
                .current_dir(&self.inside)
                // What is built already need not be built again.
                .env("CARGO_TARGET_DIR", workspace().join("target"))
                .env("CARGO_PROFILE_DEV_DEBUG", "line-tables-only")
                .output()
                .expect("a shell");
            self.written += &String::from_utf8_lossy(&output.stdout);
            self.written += &String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{command}:\n{}", self.written);
        }
    }
}

#[test]
fn the_tutorial_leads_from_an_empty_folder_to_a_driver_that_is_proven() {
    let mut newcomer = Newcomer::new();
    let (mut files, mut commands, mut lines) = (0, 0, 0);
    for block in blocks(PAGE) {
        match block {
            Block::File { name, content } => {
                newcomer.write(name, content);
                files += 1;
            }
            Block::Commands(text) => {
                newcomer.run(text);
                commands += 1;
            }
            Block::Output(text) => {
                for line in text.lines() {
                    assert!(
                        newcomer.written.contains(line),
                        "{line}: {}",
                        newcomer.written
                    );
                    lines += 1;
                }
            }
        }
    }
    // All of the page was found.
    assert_eq!((files, commands, lines), (6, 3, 4));
}
