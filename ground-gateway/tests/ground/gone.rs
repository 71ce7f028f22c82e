//! A TNC that goes away while a link is held.

use std::net::TcpListener;

use crate::assert_fails_with_one_line;
use crate::rig::Rig;

#[test]
fn a_command_for_a_tnc_that_is_gone_fails_soon_and_says_why() {
    let tnc = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tnc.local_addr().unwrap();
    let rig = Rig::with_tnc(address);
    let listener = rig.start_listener(&["--for", "60s"]);
    let (connection, _) = tnc.accept().unwrap();
    drop((connection, tnc));
    listener.wait_for_stderr("opened again");

    // Far less than the time that a radio may be busy.
    let patience = ["--timeout", "60s", "--retries", "0"];
    let query = ["query", "--service", "8020", "{ ping }"];
    let outcome = rig.run(&[&query[..], &patience].concat());
    assert_fails_with_one_line(outcome, &["did not send", &address.to_string(), "gone"]);
}
