//! What is shown on a terminal only.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::pong;
use crate::rig::{Rig, Service};

/// Both ends of a terminal: ours, and the program's.
fn terminal() -> (File, File) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(ours.as_fd()).unwrap();
    unlockpt(ours.as_fd()).unwrap();
    let name = ptsname(ours.as_fd(), Vec::new()).unwrap();
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    options.custom_flags(OpenptFlags::NOCTTY.bits().cast_signed());
    let theirs = options.open(std::ffi::OsStr::from_bytes(name.to_bytes()));
    (ours.into(), theirs.unwrap())
}

fn wait_until_shown(terminal: &mut File, text: &str) {
    let (mut shown, mut octets) = (String::new(), [0; 256]);
    while !shown.contains(text) {
        let count = terminal.read(&mut octets).expect(&shown);
        shown.push_str(&String::from_utf8_lossy(&octets[..count]));
    }
}

#[test]
fn a_query_that_stays_for_one_other_says_so() {
    let rig = Rig::with_satellite();
    let (quick, slow) = (Service::start_held(pong), Service::start_held(pong));
    let (mut ours, theirs) = terminal();
    let mut command = rig.command(&["query", "--service", &quick.argument(), "{ a }"]);
    command.stdout(Stdio::null()).stderr(Stdio::from(theirs));
    let mut first = command.spawn().unwrap();
    drop(command);
    quick.wait_for_requests(1);
    let patient = ["{ b }", "--timeout", "60s"];
    let second = rig.start(&[&["query", "--service", &slow.argument()], &patient[..]].concat());
    slow.wait_for_requests(1);
    quick.release();
    wait_until_shown(&mut ours, "holding link `uhf` for 1 other command …");
    slow.release();
    assert_eq!(second.finish().0, 0);
    assert_eq!(first.wait().unwrap().code(), Some(0));
}

#[test]
fn a_listener_that_has_heard_nothing_yet_says_that_it_listens() {
    let rig = Rig::with_satellite();
    let (mut ours, theirs) = terminal();
    let mut command = rig.command(&["listen"]);
    let mut listener = command.stderr(Stdio::from(theirs)).spawn().unwrap();
    drop(command);
    wait_until_shown(&mut ours, "listening on link `uhf`");
    kill_process(Pid::from_child(&listener), Signal::INT).unwrap();
    assert_eq!(listener.wait().unwrap().code(), Some(0));
}

#[test]
fn a_file_that_waits_for_the_satellite_has_a_bar() {
    let rig = Rig::alone();
    let state = rig.file("state");
    let (root, journal) = (state.join("files"), state.join("files.redb"));
    rig.configure(&format!(
        "[link.files]\nroot = {root:?}\njournal = {journal:?}\n"
    ));
    let local = rig.file("plan.bin");
    std::fs::write(&local, [7; 2000]).unwrap();
    let (mut ours, theirs) = terminal();
    let mut command = rig.command(&["put", local.to_str().unwrap(), "plan.bin"]);
    let mut put = command.stderr(Stdio::from(theirs)).spawn().unwrap();
    drop(command);
    wait_until_shown(&mut ours, "plan.bin [");
    wait_until_shown(&mut ours, "waiting for contact");
    kill_process(Pid::from_child(&put), Signal::INT).unwrap();
    wait_until_shown(&mut ours, " goes on whenever");
    assert_eq!(put.wait().unwrap().code(), Some(1));
}

#[test]
fn the_doctor_says_that_it_listens() {
    let rig = Rig::alone();
    let (mut ours, theirs) = terminal();
    let mut command = rig.command(&["doctor", "--for", "10m"]);
    command.stdout(Stdio::null()).stderr(Stdio::from(theirs));
    let mut doctor = command.spawn().unwrap();
    drop(command);
    wait_until_shown(&mut ours, "listening on link `uhf`");
    kill_process(Pid::from_child(&doctor), Signal::INT).unwrap();
    assert_eq!(doctor.wait().unwrap().code(), Some(1));
}
