//! The command `ground`, as an operator uses it, against a satellite in this
//! process.

mod archive;
mod closed;
mod contacts;
mod doctor;
mod endless;
mod gone;
mod links;
mod listen;
mod query;
mod replay;
mod rig;
mod security;
mod send;
mod sharing;
mod suspended;
mod taking_back;
mod tasking;
mod terminal;
mod usage;

const PONG: &str = r#"{"data":{"ping":"pong"}}"#;

fn pong(_: &str) -> String {
    PONG.to_owned()
}

#[track_caller]
fn assert_fails_with_one_line(outcome: (i32, String, String), parts: &[&str]) {
    let (code, stdout, stderr) = outcome;
    assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    for part in parts {
        assert!(stderr.contains(part), "no {part:?} in {stderr:?}");
    }
}
