//! The controller as a process of its own, so that it can be killed: this test, once more.

use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::process::{ChildStdin, Command};

use heliograph_tests::binaries::ChildGuard;
use heliograph_tests::payload::PATIENCE;
use payload_controller::Service;
use payload_controller::core;
use service_host::config_file::ConfigFile;

use crate::rig::{WITHIN, name};

/// Set, this test is the controller.
const CONFIG: &str = "HELIOGRAPH_CONTROLLER_OF_TEST";

/// A controller that runs. Dropped, it is killed.
pub(crate) struct Process {
    guard: ChildGuard,
    stdin: ChildStdin,
}

impl Process {
    pub(crate) fn start(config: &Path) -> Process {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "process::as_a_controller", "--nocapture"])
            .env(CONFIG, config);
        let mut guard = ChildGuard::spawn(&mut command);
        let stdin = guard.take_stdin().unwrap();
        guard.wait_for_line("controller: ready", PATIENCE);
        Process { guard, stdin }
    }

    /// Begins a sequence; its run's number.
    pub(crate) fn begin(&mut self, app: &str, sequence: &str) -> String {
        self.ask(&format!("begin {app} {sequence}"))
    }

    /// How the runs of an app stand.
    pub(crate) fn runs(&mut self, app: &str) -> String {
        self.ask(&format!("runs {app}"))
    }

    /// Which devices are on.
    pub(crate) fn devices(&mut self) -> String {
        self.ask("devices")
    }

    pub(crate) fn kill(self) {
        self.guard.signal("KILL");
    }

    fn ask(&mut self, question: &str) -> String {
        let asked = self.guard.lines().len();
        writeln!(self.stdin, "{question}").unwrap();
        heliograph_tests::wait::eventually(PATIENCE, || {
            let lines = self.guard.lines();
            let mut answers = lines.iter().skip(asked);
            answers.find_map(|line| line.text.strip_prefix("answer: ").map(str::to_owned))
        })
    }
}

#[test]
fn as_a_controller() {
    let Some(config) = std::env::var_os(CONFIG) else {
        return;
    };
    let file = ConfigFile::find(Some(Path::new(&config))).unwrap();
    let service = Service::start(&file).unwrap();
    println!("\ncontroller: ready");
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<_> = line.split(' ').collect();
        let answer = match *words {
            ["begin", app, sequence] => {
                let command = core::Command::StartSequence {
                    app: name(app),
                    sequence: sequence.to_owned(),
                    params: String::new(),
                    within: WITHIN,
                };
                format!("{:?}", service.door.command(command).unwrap())
            }
            ["runs", app] => {
                let app = name(app);
                let runs = service.door.look(move |it| it.runs(&app)).unwrap();
                let runs = runs.iter().map(|run| run.state.name());
                runs.collect::<Vec<_>>().join(" ")
            }
            ["devices"] => {
                let devices = service.door.look(|it| it.devices().collect::<Vec<_>>());
                format!("{:?}", devices.unwrap())
            }
            _ => panic!("{line}"),
        };
        println!("answer: {answer}");
    }
}
