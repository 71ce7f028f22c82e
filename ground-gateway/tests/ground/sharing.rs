//! One link, many commands.

use std::fs;
use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use ground_gateway::{GroundError, LinkClient, Patience, Stop};

use crate::rig::{PATIENCE, Rig, Service, wait_until};
use crate::{PONG, assert_fails_with_one_line, pong};

#[test]
fn two_listeners_and_a_query_share_one_link() {
    let rig = Rig::with_satellite();
    let service = Service::start(pong);
    let first = rig.start_listener(&["--count", "2"]);
    let second = rig.start_listener(&["--count", "2"]);
    rig.downlink(b"before");
    let (code, stdout, stderr) = rig.run(&["query", "--service", &service.argument(), "{ ping }"]);
    assert_eq!((code, &*stdout), (0, PONG), "{stderr}");
    rig.downlink(b"after");
    let port = rig.downlink_port;
    let expected = format!("port {port}: before\nport {port}: after");
    for listener in [first, second] {
        let (code, stdout, stderr) = listener.finish();
        assert_eq!((code, &*stdout), (0, &*expected), "{stderr}");
    }
}

#[test]
fn a_listener_goes_on_counting_when_the_holder_of_the_link_is_killed() {
    let rig = Rig::with_satellite();
    let mut holder = rig.start_listener(&[]);
    holder.wait_for_stderr("held by this process");
    let listener = rig.start_listener(&["--count", "2"]);
    rig.downlink(b"one");
    listener.wait_for_stdout(1);

    holder.kill();
    listener.wait_for_stderr("held by this process");
    wait_until("listening again", || {
        let lines = listener.stderr().into_iter();
        lines.filter(|line| line.contains("listening")).count() == 2
    });
    rig.downlink(b"two");
    let (code, stdout, stderr) = listener.finish();
    let port = rig.downlink_port;
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(stdout, format!("port {port}: one\nport {port}: two"));
}

#[test]
fn a_query_under_way_fails_and_is_not_repeated_when_the_holder_is_killed() {
    let rig = Rig::with_satellite();
    let service = Service::start_held(pong);
    let mut holder = rig.start_listener(&[]);
    let query = rig.start(&["query", "--service", &service.argument(), "{ ping }"]);
    service.wait_for_requests(1);
    holder.kill();
    let text = "the process that held the link `uhf` ended";
    assert_fails_with_one_line(query.finish(), &[text]);
    service.release();
    assert_eq!(service.bodies().len(), 1);

    let (code, stdout, _) = rig.run(&["query", "--service", &service.argument(), "{ ping }"]);
    assert_eq!((code, &*stdout), (0, PONG));
}

#[test]
fn the_first_command_stays_for_the_second_and_hands_over_to_the_third() {
    let rig = Rig::with_satellite();
    let (quick, slow) = (Service::start_held(pong), Service::start_held(pong));
    let (quick_port, slow_port) = (quick.argument(), slow.argument());
    let mut first = rig.start(&["query", "--service", &quick_port, "{ first }"]);
    quick.wait_for_requests(1);
    let patient = ["--timeout", "60s"];
    let second = [
        &["query", "--service", &slow_port, "{ second }"],
        &patient[..],
    ]
    .concat();
    let second = rig.start(&second);
    slow.wait_for_requests(1);

    quick.release();
    first.wait_for_stdout(1);
    let third = [
        &["query", "--service", &quick_port, "{ third }"],
        &patient[..],
    ]
    .concat();
    let third = rig.start(&third);
    // It is not taken while the first only waits for the second.
    thread::sleep(Duration::from_millis(300));
    assert!(first.is_running());
    assert_eq!(quick.bodies().len(), 1);

    slow.release();
    for command in [second, first, third] {
        let (code, stdout, stderr) = command.finish();
        assert_eq!((code, &*stdout, &*stderr), (0, PONG, ""));
    }
    assert_eq!((quick.bodies().len(), slow.bodies().len()), (2, 1));
}

#[test]
fn twenty_queries_at_once_are_all_answered() {
    let rig = Rig::with_satellite();
    let services = [Service::start(str::to_owned), Service::start(str::to_owned)];
    let start = |number: usize| {
        let port = services[number % 2].argument();
        let query = format!("{{ number{number} }}");
        let timeout = ["--timeout", "60s"];
        rig.start(&[&["query", "--service", &port, &query], &timeout[..]].concat())
    };
    let commands: Vec<_> = (0..20).map(start).collect();
    for (number, command) in commands.into_iter().enumerate() {
        let (code, stdout, stderr) = command.finish();
        assert_eq!((code, &*stderr), (0, ""));
        assert_eq!(stdout, format!(r#"{{"query":"{{ number{number} }}"}}"#));
    }
    assert!(services.iter().all(|service| service.bodies().len() == 10));
}

#[test]
fn lock_and_socket_are_the_users_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let rig = Rig::with_satellite();
    let _listener = rig.start_listener(&[]);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&rig.runtime_dir()), 0o700);
    let files: Vec<_> = fs::read_dir(rig.runtime_dir()).unwrap().collect();
    assert_eq!(files.len(), 2);
    for file in files {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
}

#[test]
fn a_holder_whose_lock_file_was_removed_is_found() {
    let rig = Rig::with_satellite();
    let service = Service::start(pong);
    let _listener = rig.start_listener(&[]);
    fs::remove_file(rig.socket().with_extension("lock")).unwrap();
    let (code, stdout, stderr) = rig.run(&["query", "--service", &service.argument(), "{ ping }"]);
    assert_eq!((code, &*stdout), (0, PONG), "{stderr}");
}

#[test]
fn a_holder_with_another_read_timeout_is_found() {
    let rig = Rig::with_satellite();
    let service = Service::start(pong);
    let _listener = rig.start_listener(&[]);
    rig.configure("read-timeout-ms = 30\n");
    let (code, stdout, stderr) = rig.run(&["query", "--service", &service.argument(), "{ ping }"]);
    assert_eq!((code, &*stdout), (0, PONG), "{stderr}");
}

#[test]
fn two_clients_with_ten_threads_each_share_one_link() {
    let rig = Rig::with_satellite();
    let service = Service::start(str::to_owned);
    let ask = |client: &LinkClient, number: u32| {
        let body = format!("{{\"query\":\"{number}\"}}");
        let patience = Patience {
            timeout: PATIENCE,
            retries: 0,
        };
        let answer = client.query(service.port, body.as_bytes(), patience);
        assert_eq!(answer.unwrap(), body.as_bytes());
    };
    let ask = &ask;
    thread::scope(|scope| {
        for _ in 0..2 {
            let client = rig.client(Stop::never());
            scope.spawn(move || {
                thread::scope(|threads| {
                    let client = &client;
                    for number in 0..10 {
                        threads.spawn(move || ask(client, number));
                    }
                });
                drop(client);
            });
        }
    });
    assert_eq!(service.bodies().len(), 20);
}

#[test]
fn a_client_that_is_stopped_gives_up_its_query() {
    let rig = Rig::with_satellite();
    let service = Service::start_held(pong);
    let (handle, stop) = Stop::pair();
    let client = rig.client(stop);
    thread::scope(|scope| {
        let asking = scope.spawn(|| client.query(service.port, b"{}", Patience::default()));
        service.wait_for_requests(1);
        drop(handle);
        let error = asking.join().unwrap().unwrap_err();
        assert!(matches!(error, GroundError::Interrupted { after: Some(_) }));
    });
    assert_eq!(client.commands_of_others(), 0);
    service.release();
}

// What is no `ground` at the socket.

#[test]
fn a_client_that_speaks_another_language_is_told_so() {
    let rig = Rig::with_satellite();
    let _listener = rig.start_listener(&[]);
    let (mut client, mut reply) = (rig.connect(), String::new());
    client.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    client.read_to_string(&mut reply).unwrap_or_default();
    assert!(reply.starts_with(r#"{"failed":{"message":"the request is not understood"#));
}

#[test]
fn more_clients_than_a_hub_serves_are_refused_until_one_leaves() {
    const CLIENTS_MAX: usize = 64;
    let rig = Rig::with_satellite();
    let service = Service::start(pong);
    let _listener = rig.start_listener(&[]);
    let listen = || {
        let mut client = rig.connect();
        client.write_all(b"{\"listen\":{}}\n").unwrap();
        let mut reply = [0; 15];
        client.read_exact(&mut reply).unwrap();
        assert_eq!(&reply, br#"{"accepted":{}}"#);
        client
    };
    let mut others: Vec<_> = (1..CLIENTS_MAX).map(|_| listen()).collect();
    let port = service.argument();
    let outcome = rig.run(&["query", "--service", &port, "{ ping }"]);
    assert_fails_with_one_line(outcome, &["link `uhf` is busy", "64"]);
    others.pop();
    wait_until("room for a query", || {
        rig.run(&["query", "--service", &port, "{ ping }"]).0 == 0
    });
}
