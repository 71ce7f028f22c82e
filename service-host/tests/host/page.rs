//! What a browser and a metrics collector see.

use std::io::Read as _;

use flate2::read::GzDecoder;

use crate::rig::{Answer, get, post, start};

const BROWSER: &str = "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n\
                       Accept-Encoding: gzip, deflate\r\n";

/// The values of `src` and `href` in a page.
fn references(page: &str) -> Vec<&str> {
    ["src=\"", "href=\""]
        .iter()
        .flat_map(|attribute| page.split(attribute).skip(1))
        .map(|rest| rest.split('"').next().unwrap())
        .collect()
}

fn content(answer: &Answer) -> String {
    match answer.header("content-encoding") {
        None => answer.text().to_owned(),
        Some("gzip") => {
            let mut text = String::new();
            GzDecoder::new(answer.body.as_slice())
                .read_to_string(&mut text)
                .unwrap();
            text
        }
        Some(other) => panic!("content encoding {other}"),
    }
}

#[test]
fn a_browser_gets_graphiql() {
    let server = start();
    for path in ["/", "/?query=%7Bname%7D", "/graphiql"] {
        let answer = get(&server, path, BROWSER);
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert!(answer.text().contains("<div id=\"graphiql\">"));
    }
}

#[test]
fn the_page_needs_no_other_server() {
    let server = start();
    let page = get(&server, "/", BROWSER);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"));
    assert!(!policy.contains("//"), "{policy}");
    assert!(!page.text().contains("//"), "{}", page.text());

    let references = references(page.text());
    let files: Vec<&&str> = references
        .iter()
        .filter(|reference| !reference.starts_with("data:"))
        .collect();
    assert_eq!(files.len(), 5);
    for file in files {
        let answer = get(&server, &format!("/{file}"), BROWSER);
        assert_eq!(answer.status, 200, "{file}");
        let content = content(&answer);
        if file.ends_with(".css") {
            assert_eq!(
                answer.header("content-type"),
                Some("text/css; charset=utf-8")
            );
            assert!(content.contains(".graphiql-container"));
            assert!(!content.contains("@import"));
            for url in content.split("url(").skip(1) {
                assert!(url.starts_with("data:"), "{url:.60}");
            }
        } else {
            assert_eq!(
                answer.header("content-type"),
                Some("text/javascript; charset=utf-8")
            );
        }
    }
}

#[test]
fn a_file_that_the_page_does_not_have_is_not_found() {
    let server = start();
    for file in ["nothing.js", "..%2FREADME.md", "graphiql.min.js.gz"] {
        assert_eq!(get(&server, &format!("/graphiql/{file}"), "").status, 404);
    }
}

#[test]
fn the_page_can_read_the_whole_schema() {
    let server = start();
    let query = r#"{"query":"{ __schema { queryType { fields { name } } } }"}"#;
    let answer = post(&server, "/graphql", "", query);
    assert!(answer.text().contains("echo"));
}

#[test]
fn metrics_come_in_the_text_format() {
    let server = start();
    let answer = get(&server, "/metrics", "");
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    assert_eq!(answer.text(), "up 1\n");
}
