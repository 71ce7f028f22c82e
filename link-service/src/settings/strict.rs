//! Tables in which each key is known, or named with the known one that is most like it.

use serde::de::value::Error as ProbeError;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;
use toml::Table;

use super::Problem;

/// Reads a struct out of a table, every key of which must be one of its fields. `others` are
/// keys that may be meant besides, and were taken out before.
pub(super) fn read<T: DeserializeOwned>(
    table: Table,
    others: &[&str],
    place: impl FnOnce() -> String,
) -> Result<T, Problem> {
    let fields = fields_of::<T>();
    if let Some(key) = table.keys().find(|key| !fields.contains(&key.as_str())) {
        let known: Vec<&str> = fields.iter().chain(others).copied().collect();
        return Err(Problem::UnknownKey {
            place: place(),
            key: key.clone(),
            nearest: nearest(key, known.iter().copied()),
            known: known.join(", "),
        });
    }
    table.try_into().map_err(|error| Problem::Value {
        place: place(),
        message: one_line(&error),
    })
}

/// The word of `known` that is most like `word`, if any is like it at all.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let ranked = known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(word, known), known));
    let (distance, nearest) = ranked.min()?;
    (distance <= 1 + nearest.len() / 3).then(|| nearest.to_owned())
}

/// The message of a typed error, which the `toml` crate spreads over lines
/// ("…\nin `quota-bytes`").
fn one_line(error: &toml::de::Error) -> String {
    let text = error.to_string();
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// The names of a struct's fields, as its `Deserialize` knows them: a list beside the struct
/// would be another that has to be kept.
fn fields_of<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    // It always ends in an error: there is nothing to make a `T` of.
    let _ = T::deserialize(Probe(&mut fields));
    fields
}

struct Probe<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = ProbeError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ProbeError> {
        Err(ProbeError::custom("not a struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, ProbeError> {
        *self.0 = fields;
        Err(ProbeError::custom("only the names were asked for"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        option unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier
        ignored_any
    }
}
