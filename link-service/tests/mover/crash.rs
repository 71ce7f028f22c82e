//! A process is killed (SIGKILL) after each step of a transfer on a real disk: the next one
//! comes to its end.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use link_service::code::Code;
use link_service::journal::Journal;
use link_service::mover::{AtStep, Step};
use link_service::request::LinkRequest;
use rustix::process::{Signal, getpid, kill_process};

use crate::rig::{accept, apps, octets, request, run_to_end};
use crate::site::{Site, mover_at};

/// For the child: what it does, after how many steps it is killed, and where.
const CHILD: &str = "LINK_SERVICE_CRASH_TEST";
const BYTES: usize = 40;

#[derive(Clone, Copy, Debug)]
enum Work {
    File,
    Replaced,
    Stays,
    Batch,
    TwoRecipients,
    /// Somebody has the name.
    Taken,
}

impl Work {
    const ALL: [Work; 6] = [
        Work::File,
        Work::Replaced,
        Work::Stays,
        Work::Batch,
        Work::TwoRecipients,
        Work::Taken,
    ];

    fn request(self) -> LinkRequest {
        let mut wanted = request(&["image"]);
        match self {
            Work::File | Work::Taken => {}
            Work::Replaced => wanted.overwrite = true,
            Work::Stays => wanted.leave_source = true,
            Work::Batch => wanted = request(&["image", "times"]),
            Work::TwoRecipients => wanted.recipients.push("archive".parse().unwrap()),
        }
        wanted.subdirectory = "raw".parse().unwrap();
        wanted
    }

    fn old(self) -> Option<&'static [u8]> {
        match self {
            Work::Replaced | Work::Taken => Some(b"an older file"),
            _ => None,
        }
    }

    fn code(self) -> Code {
        match self {
            Work::Taken => Code::AlreadyExists,
            _ => Code::Ok,
        }
    }

    /// In memory where the system has such a place: what a killed process wrote is there
    /// whether it was synced or not, and syncing takes long.
    fn site(self) -> Site {
        let in_memory = tempfile::tempdir_in("/dev/shm");
        let site = Site::within(in_memory.or_else(|_| tempfile::tempdir()).unwrap());
        fs::create_dir(site.path("camera/outbox/raw")).unwrap();
        for file in &self.request().files {
            let path = site.path("camera/outbox/raw").join(file.as_str());
            fs::write(path, octets(file.as_str(), BYTES)).unwrap();
        }
        if let Some(old) = self.old() {
            fs::create_dir(site.path("analyser/inbox/raw")).unwrap();
            fs::write(site.path("analyser/inbox/raw/image"), old).unwrap();
        }
        site
    }

    fn arrivals(self) -> Vec<(String, Vec<u8>)> {
        let batch = match self {
            Work::Batch => "camera.pass-7.batch/",
            _ => "",
        };
        let mut arrivals = Vec::new();
        for recipient in &self.request().recipients {
            for file in &self.request().files {
                let path = format!("{recipient}/inbox/raw/{batch}{file}");
                arrivals.push((path, octets(file.as_str(), BYTES)));
            }
        }
        arrivals
    }

    fn is_old_or_new(self, site: &Site) {
        for (path, new) in self.arrivals() {
            let found = fs::read(site.path(&path)).ok();
            let is_right = found.as_ref() == Some(&new) || found.as_deref() == self.old();
            assert!(is_right, "{self:?}: {path}: {found:?}");
        }
    }

    fn is_over(self, site: &Site) {
        let is_delivered = self.code() == Code::Ok;
        for (path, new) in self.arrivals() {
            let found = fs::read(site.path(&path)).ok();
            let wanted = if is_delivered {
                Some(&*new)
            } else {
                self.old()
            };
            assert_eq!(found.as_deref(), wanted, "{path}");
        }
        for recipient in ["analyser/inbox", "archive/inbox"] {
            assert!(
                !site
                    .paths(recipient)
                    .iter()
                    .any(|path| path.starts_with('.'))
            );
        }
        let source = site.paths("camera/outbox");
        match self {
            Work::Stays | Work::Taken => assert_eq!(source, ["raw/image"]),
            _ => assert_eq!(source, Vec::<String>::new()),
        }
    }
}

/// Kills this process after so many steps; writes to a file which ones there were.
fn killing_after(steps: usize, log: PathBuf) -> AtStep {
    let done = Arc::new(Mutex::new((0, String::new())));
    Box::new(move |step| {
        let mut done = done.lock().unwrap();
        done.0 += 1;
        writeln!(done.1, "{step:?}").unwrap();
        fs::write(&log, &done.1).unwrap();
        if done.0 == steps {
            kill_process(getpid(), Signal::KILL).unwrap();
        }
    })
}

/// What runs in the child; nothing where this is not one.
#[test]
fn child() {
    let Ok(told) = std::env::var(CHILD) else {
        return;
    };
    let mut told = told.splitn(3, ' ');
    let mut next = || told.next().unwrap();
    let work = Work::ALL[next().parse::<usize>().unwrap()];
    let steps = next().parse().unwrap();
    let site = PathBuf::from(next());
    let mut mover = mover_at(&site);
    mover.at_each_step(killing_after(steps, site.join("steps")));
    let recovered = mover.recover(&apps()).unwrap();
    assert_eq!((recovered.files_returned, recovered.left.len()), (0, 0));
    let mut transfer = match recovered.transfers.into_iter().next() {
        Some(transfer) => transfer,
        None => accept(&mover, 1, &work.request()).unwrap(),
    };
    assert_eq!(run_to_end(&mover, &mut transfer).code, work.code());
}

/// Whether it came to its end; which steps it did.
fn spawn(work: Work, steps: usize, site: &Path) -> (bool, Vec<String>) {
    let _ = fs::remove_file(site.join("steps"));
    let mut child = Command::new(std::env::current_exe().unwrap());
    let child = child.args(["crash::child", "--exact", "--nocapture"]);
    let told = format!("{} {steps} {}", work as usize, site.display());
    let output = child.env(CHILD, told).output().unwrap();
    let was_killed = output.status.signal() == Some(Signal::KILL.as_raw());
    assert!(was_killed || output.status.success(), "{output:?}");
    let done = fs::read_to_string(site.join("steps")).unwrap_or_default();
    (!was_killed, done.lines().map(str::to_string).collect())
}

#[test]
fn killed_after_any_step_the_next_process_comes_to_the_same_end() {
    let mut seen = BTreeSet::new();
    for work in Work::ALL {
        for steps in 1.. {
            let site = work.site();
            let (came_to_its_end, done) = spawn(work, steps, site.0.path());
            seen.extend(done.into_iter().nth(steps - 1));
            work.is_old_or_new(&site);
            assert!(spawn(work, 0, site.0.path()).0);
            work.is_over(&site);
            let transfers = site.mover().journal().load().unwrap();
            assert_eq!(transfers.len(), 1);
            assert_eq!(transfers[0].outcome().unwrap().code, work.code());
            if came_to_its_end {
                break;
            }
        }
    }
    for step in Step::ALL {
        assert!(seen.contains(&format!("{step:?}")), "{step:?}");
    }
}

#[test]
fn killed_again_and_again_it_comes_to_its_end() {
    let mut random = fastrand::Rng::with_seed(6);
    for work in Work::ALL {
        let site = work.site();
        let mut ended = false;
        for _ in 0..100 {
            ended = spawn(work, random.usize(1..20), site.0.path()).0;
            work.is_old_or_new(&site);
            if ended {
                break;
            }
        }
        assert!(ended, "{work:?}");
        work.is_over(&site);
    }
}
