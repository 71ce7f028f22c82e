//! How requests end, in our codes and in the seventeen of the original.

use std::collections::BTreeSet;

use link_service::code::{Code, StatusCode};
use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};
use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

/// Asks an enum for the words of its variants, so that no test can miss one.
struct Words<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Words<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("not an enum"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = variants;
        Err(Error::custom("only the words were asked for"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        option unit unit_struct newtype_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

fn all<T: for<'de> Deserialize<'de>>() -> Vec<(&'static str, T)> {
    let mut words: &'static [&'static str] = &[];
    assert!(T::deserialize(Words(&mut words)).is_err());
    let parse = |word: &&'static str| {
        let text: StrDeserializer<'_, Error> = word.into_deserializer();
        (*word, T::deserialize(text).unwrap())
    };
    words.iter().map(parse).collect()
}

#[test]
fn the_seventeen_codes_have_the_numbers_and_names_of_the_original() {
    let original = [
        "SUCCESSFUL",
        "UNAUTHORIZED",
        "FORBIDDEN",
        "NOT_FOUND",
        "GENERAL_FAILURE",
        "HEALTHY",
        "READY",
        "PENDING",
        "TRANSMITTING",
        "NOT_APPLICABLE",
        "REJECTED",
        "REQUEST",
        "SERVICE_UNAVAILABLE",
        "TIMEOUT",
        "INTERNAL_SERVICE_ERROR",
        "INVALID_ARGUMENT",
        "UNKNOWN",
    ];
    let ours = all::<StatusCode>();
    assert_eq!(ours.len(), 17);
    for (number, ((word, status), name)) in ours.into_iter().zip(original).enumerate() {
        assert_eq!((word, status as usize), (name, number));
    }
}

#[test]
fn only_what_was_delivered_is_successful_and_only_what_is_under_way_is_pending() {
    let codes = all::<Code>();
    assert_eq!(codes.len(), 22);
    for (word, code) in codes {
        let status = code.status();
        assert_eq!(status == StatusCode::Successful, code == Code::Ok, "{word}");
        assert_eq!(
            status == StatusCode::Pending,
            code == Code::Accepted,
            "{word}"
        );
        assert_eq!(code.is_terminal(), code != Code::Accepted, "{word}");
        assert_ne!(status, StatusCode::Unknown, "{word}");
    }
}

#[test]
fn a_file_that_is_there_already_is_not_told_as_not_found() {
    assert_eq!(Code::AlreadyExists.status(), StatusCode::Rejected);
    assert_eq!(Code::SourceNotFound.status(), StatusCode::NotFound);
    assert_eq!(Code::UnknownRecipient.status(), StatusCode::NotFound);
}

#[test]
fn each_code_has_a_word_of_its_own() {
    let words: BTreeSet<_> = all::<Code>().into_iter().map(|(word, _)| word).collect();
    assert_eq!(words.len(), 22);
    assert!(words.contains("SOURCE_NOT_REGULAR") && words.contains("OK"));
}
