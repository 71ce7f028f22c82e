//! Unix sockets beside the port, and routes beside GraphQL.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;

use service_host::http::axum::routing::get;
use service_host::http::axum::{Extension, Router};
use service_host::http::{DoorName, Doors, Endpoint, HttpServer, Limits, StartError, UnixDoor};
use tempfile::TempDir;

use crate::rig::{self, PATIENCE};

fn endpoint() -> Endpoint {
    Endpoint {
        graphql: Arc::new(|_| unreachable!()),
        metrics: Arc::new(String::new),
        routes: Router::new().route("/v1/who", get(async || "the port")),
    }
}

fn door(path: &Path, who: &'static str) -> UnixDoor {
    UnixDoor {
        path: path.to_owned(),
        mode: 0o600,
        owner: None,
        name: DoorName(who.into()),
        routes: Router::new().route("/v1/who", get(async move || who)),
    }
}

fn start(doors: Vec<UnixDoor>) -> Result<HttpServer, StartError> {
    let port = "127.0.0.1:0".parse().unwrap();
    let all = Doors::default();
    for door in doors {
        all.open(door)?;
    }
    HttpServer::start_with_doors(port, endpoint(), &all, Limits::default())
}

#[test]
fn doors_that_share_their_routes_are_told_apart_by_their_names() {
    let folder = TempDir::new().unwrap();
    let who = async |Extension(DoorName(name))| name.to_string();
    let routes = Router::new().route("/v1/who", get(who));
    let doors = ["a", "b"].map(|name| UnixDoor {
        routes: routes.clone(),
        ..door(&folder.path().join(name), name)
    });
    let _server = start(doors.to_vec()).unwrap();
    for name in ["a", "b"] {
        let answer = ask(&folder.path().join(name), "GET /v1/who");
        assert!(answer.ends_with(name), "{answer}");
    }
}

/// The answer of a Unix socket, head and body.
fn ask(path: &Path, request: &str) -> String {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn each_socket_has_routes_of_its_own_and_so_has_the_port() {
    let folder = TempDir::new().unwrap();
    let paths = ["a.sock", "b.sock"].map(|name| folder.path().join(name));
    let doors = vec![door(&paths[0], "app a"), door(&paths[1], "app b")];
    let server = start(doors).unwrap();
    assert!(ask(&paths[0], "GET /v1/who").ends_with("app a"));
    assert!(ask(&paths[1], "GET /v1/who").ends_with("app b"));
    assert_eq!(rig::get(&server, "/v1/who", "").text(), "the port");
    // GraphQL of the service is for who reaches its port.
    assert!(ask(&paths[0], "GET /metrics").starts_with("HTTP/1.1 404"));
}

#[test]
fn a_socket_has_its_mode_and_a_stop_ends_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.sock");
    let server = start(vec![door(&path, "app a")]).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    server.stop();
    assert!(UnixStream::connect(&path).is_err());
}

#[test]
fn the_socket_of_a_process_that_was_killed_is_taken_over_and_nothing_else_is() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.sock");
    drop(UnixListener::bind(&path).unwrap());
    drop(start(vec![door(&path, "app a")]).unwrap());
    fs::remove_file(&path).unwrap();
    fs::write(&path, "a letter").unwrap();
    let error = start(vec![door(&path, "app a")]).unwrap_err();
    assert!(error.to_string().contains("a.sock"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "a letter");
}

#[test]
fn doors_open_and_close_while_the_server_runs() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("a.sock");
    let doors = Doors::default();
    let port = "127.0.0.1:0".parse().unwrap();
    let server = HttpServer::start_with_doors(port, endpoint(), &doors, Limits::default());
    doors.open(door(&path, "app a")).unwrap();
    assert!(ask(&path, "GET /v1/who").ends_with("app a"));
    // In the place of the first.
    doors.open(door(&path, "another")).unwrap();
    assert!(ask(&path, "GET /v1/who").ends_with("another"));
    doors.close(path.clone());
    assert!(UnixStream::connect(&path).is_err());
    drop(server);
    // Nobody serves it, but it may be opened.
    doors.open(door(&path, "app a")).unwrap();
}
