//! Whether a GraphQL request only asks, or may change something.
//!
//! A small scanner, not a parser: what it cannot prove to hold nothing but
//! queries counts as a mutation. A query that is taken for a mutation costs one
//! durable write; a mutation that is taken for a query could run twice. So it
//! refuses whatever a lenient service could read in another way: other keys,
//! keys given twice, lists of requests, persisted queries, form data.

use std::fmt;

use serde::Deserializer;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};

/// Deepest nesting of brackets that is looked into.
const DEPTH_MAX: usize = 200;

/// Whether `body`, the body of a request by HTTP, holds query operations and
/// nothing else: `{"query": "…"}` with `operationName` and `variables` at most, or
/// the bare document (GraphQL, October 2021 edition, §2.2 and §2.3).
pub(crate) fn is_only_queries(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else {
        return false;
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match document_of_json(text) {
        Some(document) => is_query_document(&document),
        None => is_query_document(text),
    }
}

/// The document of `{"query": "…"}`.
fn document_of_json(text: &str) -> Option<String> {
    struct Request;
    impl<'de> Visitor<'de> for Request {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a GraphQL request")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<String, A::Error> {
            let mut document: Option<String> = None;
            while let Some(key) = map.next_key::<String>()? {
                match key.as_str() {
                    "query" if document.is_none() => document = Some(map.next_value()?),
                    "operationName" | "variables" => {
                        map.next_value::<IgnoredAny>()?;
                    }
                    "extensions" => map.next_value::<()>()?,
                    _ => return Err(A::Error::custom("not a plain request")),
                }
            }
            document.ok_or_else(|| A::Error::custom("no document"))
        }
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let document = json.deserialize_map(Request).ok()?;
    json.end().ok().map(|()| document)
}

fn is_query_document(document: &str) -> bool {
    let document = document.strip_prefix('\u{feff}').unwrap_or(document);
    let mut scanner = Scanner { rest: document };
    scanner.document().is_some_and(|operations| operations > 0)
}

/// One token, as far as it matters here (§2.1.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Name(&'a str),
    Mark(char),
    Spread,
    String,
    Number,
}

/// Everything gives `None` where the text is not what it should be.
struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    /// How many query operations the document has, if it has nothing else but
    /// fragments.
    fn document(&mut self) -> Option<usize> {
        let mut operations = 0;
        while let Some(token) = self.token()? {
            match token {
                Token::Mark('{') => self.selection()?,
                Token::Name("query") => self.definition()?,
                Token::Name("fragment") => {
                    self.definition()?;
                    continue;
                }
                _ => return None,
            }
            operations += 1;
        }
        Some(operations)
    }

    /// What follows `query` or `fragment`, up to the end of its selection.
    fn definition(&mut self) -> Option<()> {
        loop {
            match self.token()?? {
                Token::Name(_) | Token::Mark('@') => {}
                Token::Mark('(') => self.nested(')')?,
                Token::Mark('{') => return self.selection(),
                _ => return None,
            }
        }
    }

    /// After `{`: fields, with arguments, directives and selections of their own.
    fn selection(&mut self) -> Option<()> {
        let mut depth = 1;
        let mut is_empty = true;
        while depth > 0 {
            match self.token()?? {
                Token::Mark('{') if is_empty || depth == DEPTH_MAX => return None,
                Token::Mark('{') => {
                    depth += 1;
                    is_empty = true;
                    continue;
                }
                Token::Mark('}') if is_empty => return None,
                Token::Mark('}') => depth -= 1,
                Token::Mark('(') if is_empty => return None,
                Token::Mark('(') => self.nested(')')?,
                Token::Name(_) | Token::Spread | Token::Mark('@' | ':') => {}
                _ => return None,
            }
            is_empty = false;
        }
        Some(())
    }

    /// Arguments or variables, up to `close`.
    fn nested(&mut self, close: char) -> Option<()> {
        let mut open = vec![close];
        while !open.is_empty() {
            let Token::Mark(mark) = self.token()?? else {
                continue;
            };
            let closing = match mark {
                '(' => ')',
                '[' => ']',
                '{' => '}',
                ')' | ']' | '}' => {
                    if open.pop() != Some(mark) {
                        return None;
                    }
                    continue;
                }
                _ => continue,
            };
            if open.len() == DEPTH_MAX {
                return None;
            }
            open.push(closing);
        }
        Some(())
    }

    /// The next token; `Some(None)` at the end.
    fn token(&mut self) -> Option<Option<Token<'a>>> {
        self.skip_ignored()?;
        let mut chars = self.rest.chars();
        let Some(first) = chars.next() else {
            return Some(None);
        };
        let token = match first {
            'A'..='Z' | 'a'..='z' | '_' => {
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                return Some(Some(Token::Name(self.take_while(is_name))));
            }
            '0'..='9' | '-' => {
                self.take_while(|c| c.is_ascii_alphanumeric() || ".+-".contains(c));
                return Some(Some(Token::Number));
            }
            '"' => return self.string().map(|()| Some(Token::String)),
            '.' => {
                self.rest = self.rest.strip_prefix("...")?;
                return Some(Some(Token::Spread));
            }
            mark if "!$&()[]{}:=@|".contains(mark) => Token::Mark(mark),
            _ => return None,
        };
        self.rest = chars.as_str();
        Some(Some(token))
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// White space, commas and comments (§2.1.1 to §2.1.6). A comment in which
    /// somebody could see the end of a line is refused.
    fn skip_ignored(&mut self) -> Option<()> {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | ','));
            if !self.rest.starts_with('#') {
                return Some(());
            }
            let comment = self.take_while(|c| c != '\n' && c != '\r');
            let doubtful =
                |c: char| (c.is_control() && c != '\t') || matches!(c, '\u{2028}' | '\u{2029}');
            let ends_doubtfully = self.rest.starts_with('\r') && !self.rest.starts_with("\r\n");
            if comment.contains(doubtful) || ends_doubtfully {
                return None;
            }
        }
    }

    /// A string or a block string (§2.9.4).
    fn string(&mut self) -> Option<()> {
        if let Some(block) = self.rest.strip_prefix("\"\"\"") {
            let end = block.find("\"\"\"")?;
            let (text, rest) = block.split_at_checked(end)?;
            self.rest = rest.strip_prefix("\"\"\"")?;
            // Not every service sees the end of these at the same place, and one that
            // knows no block strings sees several strings, and what is between them.
            let doubtful = text.contains(['"', '\\']) || self.rest.starts_with('"');
            return (!doubtful).then_some(());
        }
        let mut chars = self.rest.strip_prefix('"')?.chars();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => {
                    chars.next().filter(|c| "\"\\/bfnrtu".contains(*c))?;
                }
                '\n' | '\r' => return None,
                _ => {}
            }
        }
        self.rest = chars.as_str();
        Some(())
    }
}

#[cfg(test)]
mod second_opinion;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn wrapped(document: &str) -> String {
        json!({ "query": document }).to_string()
    }

    const QUERIES: [&str; 15] = [
        "{ping}",
        "{ a b(x: 1) { c } }",
        "query { ping }",
        "query Named($a: Int = 1, $b: [In!] = [{k: {v: \"}\"}}]) @d(x: \"y\") { a(b: $b) }",
        "{ mutation }",
        "{ mutation: a mutation(mutation: {mutation: \"mutation{b}\"}) { subscription } }",
        "query mutation { a }",
        "fragment mutation on mutation { a } query { ...mutation }",
        "{ ... on X @include(if: true) { a } }",
        "# mutation { a }\n{ b }",
        "{ a(b: \"\"\" } mutation { x } \n\"\"\") }",
        "# with\r\n{ a }",
        "\u{feff}, ,{ a }",
        "{ a(f: -1.5e+3) }",
        "query A { a } query B { b }",
    ];

    const NOT_PROVEN: [&str; 43] = [
        "{ a(b: \"\"\"x\"\"\"\"\"\") } mutation { b }",
        "",
        "  # only a comment",
        "mutation { a }",
        "mutation{a}",
        "subscription { a }",
        "{ a } mutation { b }",
        "query { a } mutation B { b }",
        "fragment F on T { a }",
        "fragment F on T { a } mutation { ...F }",
        "{ a # }\n } # {\n mutation { b }",
        "# {\rmutation { b }",
        "query A { a } #\r query B { b(c: \"\"\"\n mutation C { fire } #\r\"\"\") }",
        "query A { a(b: [\"\"\" \" ]) } mutation B { fire } # \"\"\" ]) }",
        "{ a(b: \"\"\" \\\"\"\" } mutation { x } \"\"\") }",
        "{ a(b: \"\"\"\"x\"\"\") }",
        "# \u{2028}mutation { b }\n{ a }",
        "{ a(b: \"\\\"}) } mutation { c }",
        "{ a(b: \"\\\\\") } mutation { c }",
        "{ a(b: \"\"\"x\\\\\"\"\") } mutation { b } #\"\"\") }",
        "\"description\" type A { a: Int }",
        "type A { a: Int }",
        "extend type A { a: Int }",
        "{ a",
        "{}",
        "{ a {} }",
        "{{ a }}",
        "{ a } }",
        "{ a(b: ]) }",
        "{ a(b: 1 }",
        "{ \"query\": \"mutation { a }\" }x",
        "{ query: \"mutation { a }\" }",
        "{ 'a' }",
        "query=mutation+{a}",
        "query=%7Ba%7D",
        "query { a }; mutation { b }",
        "qu\\u0065ry { a }",
        "{ a(b: \"x\ny\") }",
        "{ a .. b }",
        "{ a \u{a0} }",
        "ｍutation { a }",
        "{ a } \u{0} mutation { b }",
        "{ a } 1",
    ];

    #[test]
    fn a_document_of_queries_and_fragments_only_asks() {
        for document in QUERIES {
            assert!(is_only_queries(document.as_bytes()), "{document}");
            assert!(is_only_queries(wrapped(document).as_bytes()), "{document}");
        }
    }

    #[test]
    fn whatever_is_not_proven_to_only_ask_may_change_something() {
        for document in NOT_PROVEN {
            assert!(!is_only_queries(document.as_bytes()), "{document}");
            assert!(!is_only_queries(wrapped(document).as_bytes()), "{document}");
        }
        assert!(!is_only_queries(b"\xff{a}"));
        let deep = format!("{}a{}", "{a".repeat(300), "}".repeat(300));
        assert!(!is_only_queries(deep.as_bytes()));
        let deep = format!("{{a(b:{})}}", "[".repeat(100_000));
        assert!(!is_only_queries(deep.as_bytes()));
    }

    #[test]
    fn a_request_that_a_service_could_read_otherwise_may_change_something() {
        for body in [
            r#"{"query":"{a}","query":"mutation{b}"}"#,
            r#"{"query":"mutation{b}","query":"{a}"}"#,
            r#"{"query":"{a}","Query":"mutation{b}"}"#,
            r#"{"query":"{a}","id":"abc"}"#,
            r#"{"query":"{a}","extensions":{"persistedQuery":{}}}"#,
            r#"{"query":"\u006dutation { a }"}"#,
            r#"{"qu\u0065ry":"mutation{a}"}"#,
            r#"{"query":null}"#,
            r#"{"query":["{a}"]}"#,
            r#"{"variables":{}}"#,
            r#"[{"query":"{a}"}]"#,
            r#"[{"query":"{a}"},{"query":"mutation{b}"}]"#,
            r#"{"query":"{a}"} {"query":"mutation{b}"}"#,
            r#"{"query":"mutation{a}",}"#,
            "\u{feff}{\"query\":\"mutation{a}\"}",
            "\"{a}\"",
        ] {
            assert!(!is_only_queries(body.as_bytes()), "{body}");
        }
        for body in [
            r#"{"query":"{a}","operationName":null,"variables":{"m":"mutation"},"extensions":null}"#,
            r#" { "qu\u0065ry" : "\u007b a }" } "#,
            "\u{feff}{\"query\":\"{a}\"}",
        ] {
            assert!(is_only_queries(body.as_bytes()), "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_scanned_without_a_panic(
            octets in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            is_only_queries(&octets);
        }

        /// Whatever stands around it, within what one token may be.
        #[test]
        fn a_mutation_after_whole_definitions_is_never_taken_for_a_query(
            before in prop::collection::vec(prop::sample::select(QUERIES.to_vec()), 0..4),
            after in prop::collection::vec(prop::sample::select(QUERIES.to_vec()), 0..4),
            gap in prop::sample::select(vec![" ", "\n", ",", "#x\n", "\t#\"\"\"\n"]),
        ) {
            let without_mark = |document: &&str| document.trim_start_matches('\u{feff}').to_string();
            let mut all: Vec<String> = before.iter().map(without_mark).collect();
            all.push("mutation { fire }".to_string());
            all.extend(after.iter().map(without_mark));
            let document = all.join(gap);
            prop_assert!(!is_only_queries(document.as_bytes()));
            prop_assert!(!is_only_queries(wrapped(&document).as_bytes()));
        }

        #[test]
        fn pieces_of_documents_in_any_order_are_scanned_without_a_panic(
            pieces in prop::collection::vec(
                prop::sample::select(vec!["{", "}", "(", ")", "\"", "\"\"\"", "\\", "#", "\n",
                    "query", "mutation", "a", ":", "...", "[", "]", "\u{feff}", "é", "$", "1"]),
                0..60,
            ),
        ) {
            let document = pieces.concat();
            is_only_queries(document.as_bytes());
            is_only_queries(wrapped(&document).as_bytes());
        }
    }
}
