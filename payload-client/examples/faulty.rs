//! A payload that misbehaves, to see what a controller makes of it.
//!
//! ```text
//! cargo run -p payload-client --example faulty -- FOLDER OUTBOUND --fault NAME
//! ```
//!
//! | fault | what it does |
//! |---|---|
//! | `none` | nothing |
//! | `late` | each callback returns after 4 s, later than a call may take |
//! | `silent` | once it is registered, no callback returns |
//! | `duplicate` | says of each sequence twice that it is done, and twice that it shut down |
//! | `garbage` | returns codes that are none, and sends fields that do not fit |
//! | `flood` | asks for its place as fast as it can, in 8 threads |
//! | `crash` | ends in the middle of a sequence |

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, error::Error, thread};

use payload_client::interface::messages as msg;
use payload_client::interface::{Callback, ReturnCode};
use payload_client::{Channel, Files, OnFailedHealth, Payload, Run, Setup};

const FAULTS: &[&str] = &[
    "none",
    "late",
    "silent",
    "duplicate",
    "garbage",
    "flood",
    "crash",
];
const LATE: Duration = Duration::from_secs(4);
const FLOODS: usize = 8;

struct Faulty(String);

impl Payload for Faulty {
    fn sequence(&self, channel: &Channel, run: &Run) -> Result<(), String> {
        match self.0.as_str() {
            "crash" => std::process::exit(3),
            "duplicate" => {
                let done = msg::CmdSequenceDoneParams {
                    sequence_id: run.sequence().to_owned(),
                };
                print(&channel.call(done.clone()));
                print(&channel.call(done));
            }
            _ => {}
        }
        Ok(())
    }

    fn intercept(&self, callback: &Callback) -> Option<ReturnCode> {
        let is_registration = matches!(callback, Callback::ResponseRegister(_));
        match self.0.as_str() {
            "late" if !is_registration => {
                thread::sleep(LATE);
                None
            }
            "silent" if !is_registration => loop {
                thread::sleep(LATE);
            },
            "garbage" if !is_registration => Some(ReturnCode(0x7F01_5A24)),
            _ => None,
        }
    }
}

fn print(told: &Result<(), payload_client::CallError>) {
    match told {
        Ok(()) => println!("taken"),
        Err(error) => println!("{error}"),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, _outbound, flag, fault] = arguments.as_slice() else {
        return Err(format!("FOLDER OUTBOUND --fault {}, please", FAULTS.join("|")).into());
    };
    if flag != "--fault" || !FAULTS.contains(&fault.as_str()) {
        return Err(format!("`{fault}` is no fault: {} are", FAULTS.join(", ")).into());
    }
    let mut setup = Setup::read(&Files::folder(&PathBuf::from(folder)))?;
    setup.patience.result = Duration::from_secs(5);
    let channel = Channel::open(setup, Faulty(fault.clone()))?;
    channel.register(OnFailedHealth::Restart)?;
    println!("registered");
    match fault.as_str() {
        "flood" => flood(&channel),
        "garbage" => garbage(&channel),
        _ => {}
    }
    while !channel.wait_for_shutdown(Some(Duration::from_secs(60))) {}
    if fault == "duplicate" {
        print(&channel.call(msg::RespShutdownParams::default()));
    }
    channel.delete_channel();
    Ok(())
}

fn flood(channel: &Channel) {
    for _ in 0..FLOODS {
        let channel = channel.clone();
        thread::spawn(move || {
            let asked = msg::ReqGetCurrentLocationParams { correlation_id: 1 };
            loop {
                match channel.call(asked) {
                    Ok(()) | Err(payload_client::CallError::Refused { .. }) => {}
                    Err(error) => {
                        println!("{error}");
                        return;
                    }
                }
            }
        });
    }
}

/// The library refuses what does not fit before it leaves; these fit, and are none.
fn garbage(channel: &Channel) {
    print(&channel.call(msg::CmdSequenceDoneParams {
        sequence_id: "Never".to_owned(),
    }));
    print(&channel.call(msg::RespShutdownParams {
        correlation_id: 65_535,
        req_status: -1,
    }));
    let (low, x_band) = (
        msg::FilePriorities::FileDlPriorityLow,
        msg::FileDlRadioType::FileDlXband,
    );
    print(&channel.stage_file_download(Path::new("../../../etc/shadow"), low, x_band));
}
