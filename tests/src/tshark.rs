//! Wireshark's opinion of a capture.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

/// The values of some fields, one row a packet.
pub type Rows = Vec<Vec<String>>;

/// Dissects the capture at `path` and gives the wanted `fields` of each packet
/// (such as `ccsds.apid`): empty text where a packet lacks one, values joined
/// with commas where it has several.
///
/// `decode_as` names dissectors that Wireshark would not find itself, such as
/// `udp.port==5001,ccsds`. Panics when tshark is missing or rejects anything.
#[track_caller]
pub fn fields(path: &Path, decode_as: &[&str], fields: &[&str]) -> Rows {
    let mut tshark = tshark(path, decode_as);
    tshark.args(["-T", "fields"]);
    for field in fields {
        tshark.args(["-e", field]);
    }
    output(&mut tshark)
        .lines()
        .map(|row| row.split('\t').map(str::to_owned).collect())
        .collect()
}

/// Dissects the capture at `path` into text, one block of lines a packet. It
/// shows what no field does alike in all versions, such as AX.25 addresses.
/// Panics as [`fields`] does.
#[track_caller]
pub fn details(path: &Path, decode_as: &[&str]) -> String {
    output(tshark(path, decode_as).arg("-V"))
}

/// Checksums of IP and UDP are verified: `udp.checksum.status` is 0 for a bad
/// one, 1 for a good one and 3 for none.
fn tshark(path: &Path, decode_as: &[&str]) -> Command {
    let mut tshark = Command::new("tshark");
    tshark.args(["-n", "-r"]).arg(path);
    for check in ["ip.check_checksum:TRUE", "udp.check_checksum:TRUE"] {
        tshark.args(["-o", check]);
    }
    for rule in decode_as {
        tshark.args(["-d", rule]);
    }
    tshark
}

#[track_caller]
fn output(tshark: &mut Command) -> String {
    let output = match tshark.output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("tshark is not installed: run `cargo xtask setup`")
        }
        Err(error) => panic!("cannot start tshark: {error}"),
    };
    assert!(
        output.status.success(),
        "tshark ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr),
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
