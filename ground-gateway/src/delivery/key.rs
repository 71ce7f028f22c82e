//! What a file is called at its place.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Where nothing else is said.
pub(crate) const DEFAULT: &str = "{sat}/downlink/{year}/{month}/{day}/{timestamp}_{name}";
const PLACEHOLDERS: [&str; 8] = [
    "sat",
    "topic",
    "uuid",
    "name",
    "year",
    "month",
    "day",
    "timestamp",
];
/// Octets of the name of a file at most; the end of it is what is kept.
const NAME_BYTES_MAX: usize = 120;
/// Octets of a key at most: a bucket has more, with its prefix.
pub(crate) const KEY_BYTES_MAX: usize = 512;
/// What ends the name of what is known of a file, beside it.
pub(crate) const META_SUFFIX: &str = ".meta.json";

/// A form of keys: text, and placeholders in braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(String);

/// What stands for the placeholders.
#[derive(Clone, Debug)]
pub(crate) struct Values<'v> {
    pub(crate) satellite: &'v str,
    pub(crate) topic: &'v str,
    pub(crate) uuid: &'v str,
    /// Where the file was on board.
    pub(crate) path: &'v str,
    pub(crate) time: Timestamp,
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let template = Template(text.to_owned());
        let values = Values {
            satellite: "sat",
            topic: "topic",
            uuid: "uuid",
            path: "name",
            time: Timestamp::UNIX_EPOCH,
        };
        let key = template.fill(&values)?;
        match key.split('/').all(is_component) {
            true => Ok(template),
            false => Err(format!(
                "{text:?} makes no key: it is names with single slashes between them"
            )),
        }
    }
}

impl Template {
    /// The key, and with `clash` the one that no other file has: there the identifier's
    /// first digits are in it.
    pub(crate) fn key(&self, values: &Values, clash: bool) -> Result<String, String> {
        let mut key = self.fill(values)?;
        // Else it might be what is known of another.
        if clash || key.ends_with(META_SUFFIX) {
            key = marked(&key, values.uuid);
        }
        match key.len() {
            ..=KEY_BYTES_MAX => Ok(key),
            bytes => Err(format!(
                "a key of {bytes} octets; {KEY_BYTES_MAX} are the most: shorten `key`"
            )),
        }
    }

    fn fill(&self, values: &Values) -> Result<String, String> {
        let date = values.time.to_zoned(TimeZone::UTC);
        let mut key = String::new();
        let mut rest = self.0.as_str();
        while let Some((before, behind)) = rest.split_once('{') {
            let closed = behind.split_once('}');
            let (name, after) = closed.ok_or("a `{` has no `}`")?;
            key.push_str(before);
            let value = match name {
                "sat" => component(values.satellite),
                "topic" => component(values.topic),
                "uuid" => component(values.uuid),
                "name" => component(values.path.rsplit('/').next().unwrap_or_default()),
                "year" => format!("{:04}", date.year()),
                "month" => format!("{:02}", date.month()),
                "day" => format!("{:02}", date.day()),
                "timestamp" => date.strftime("%Y%m%dT%H%M%SZ").to_string(),
                name => {
                    let known = PLACEHOLDERS.join(", ");
                    return Err(format!("{{{name}}} is none of {known}"));
                }
            };
            key.push_str(&value);
            rest = after;
        }
        key.push_str(rest);
        Ok(key)
    }
}

/// When a manifest was made, as its key says.
pub(crate) fn manifest(satellite: &str, time: Timestamp) -> String {
    let date = time.to_zoned(TimeZone::UTC);
    let date = date.strftime("%Y/%m/%d/%Y%m%dT%H%M%SZ");
    format!("{}/manifests/{date}.json", component(satellite))
}

/// The key with the first digits of an identifier in it, before its ending.
pub(crate) fn marked(key: &str, uuid: &str) -> String {
    let digits: String = uuid.chars().filter(|c| *c != '-').take(8).collect();
    let (folder, name) = match key.rsplit_once('/') {
        Some((folder, name)) => (format!("{folder}/"), name),
        None => (String::new(), key),
    };
    match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => format!("{folder}{stem}_{digits}.{ending}"),
        _ => format!("{folder}{name}_{digits}"),
    }
}

/// A part of a key out of any text: what a store or a shell may stumble over is `_` in it.
fn component(text: &str) -> String {
    let fits = |c: char| c.is_alphanumeric() || "._-+=,@".contains(c);
    let mut name: String = text
        .chars()
        .map(|c| if fits(c) { c } else { '_' })
        .collect();
    while name.len() > NAME_BYTES_MAX {
        name.remove(0);
    }
    match is_component(&name) {
        true => name,
        false => format!("_{name}"),
    }
}

fn is_component(text: &str) -> bool {
    !text.is_empty() && !text.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(path: &str) -> Values<'_> {
        Values {
            satellite: "helio",
            topic: "images",
            uuid: "0190a1b2-0000-4000-8000-000000000001",
            path,
            time: "2026-11-27T12:00:01Z".parse().unwrap(),
        }
    }

    fn key(path: &str, clash: bool) -> String {
        let template: Template = DEFAULT.parse().unwrap();
        template.key(&values(path), clash).unwrap()
    }

    #[test]
    fn a_key_says_whose_a_file_is_when_it_came_and_what_it_is_called() {
        let folder = "helio/downlink/2026/11/27/20261127T120001Z_";
        assert_eq!(key("/data/a.tar.gz", false), format!("{folder}a.tar.gz"));
        assert_eq!(
            key("/data/a.tar.gz", true),
            format!("{folder}a.tar_0190a1b2.gz")
        );
        assert_eq!(key("a", true), format!("{folder}a_0190a1b2"));
        let template: Template = "{topic}/{uuid}".parse().unwrap();
        assert_eq!(
            template.key(&values("a"), false).unwrap(),
            "images/0190a1b2-0000-4000-8000-000000000001"
        );
    }

    #[test]
    fn no_path_gets_out_of_its_folder() {
        let template: Template = "{name}".parse().unwrap();
        for (path, name) in [
            ("/a/..", "_.."),
            ("..", "_.."),
            ("/a/", "_"),
            ("/.hidden", "_.hidden"),
            ("a\\b c\n%", "a_b_c__"),
            ("/ö.txt", "ö.txt"),
        ] {
            assert_eq!(template.key(&values(path), false).unwrap(), name);
        }
        let long = "ä".repeat(300) + ".jpg";
        let key = template.key(&values(&long), false).unwrap();
        assert!(key.len() <= NAME_BYTES_MAX && key.ends_with(".jpg"));
    }

    #[test]
    fn what_is_called_as_what_is_known_of_another_is_not() {
        assert!(key("/a.meta.json", false).ends_with("a.meta_0190a1b2.json"));
    }

    #[test]
    fn what_makes_no_key_is_refused() {
        for text in [
            "",
            "/a",
            "a//b",
            "a/",
            "../{name}",
            "{nam}",
            "{name",
            "a/./b",
        ] {
            text.parse::<Template>().unwrap_err();
        }
    }
}
