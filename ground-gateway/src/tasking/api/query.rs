//! The query of a request. A parameter that is not known is refused: one that is mistyped would
//! do something else than was meant.

use std::collections::BTreeMap;

use axum::http::Uri;

use super::refusal::Refusal;
use crate::tasking::problem::Problem;

/// Its parameters, each there once.
#[derive(Clone, Debug, Default)]
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads those of these names.
    pub(super) fn read(uri: &Uri, known: &[&str]) -> Result<Query, Refusal> {
        let mut parameters = BTreeMap::new();
        let text = uri.query().unwrap_or_default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            let told = name.escape_debug().to_string();
            if !known.contains(&&*name) {
                let known = match known {
                    [] => "there are none here".to_owned(),
                    known => format!("known are {}", known.join(", ")),
                };
                let detail = format!("unknown parameter `{told}`; {known}");
                return Err(Problem::malformed(detail).into());
            }
            if parameters
                .insert(name.into_owned(), value.into_owned())
                .is_some()
            {
                let detail = format!("the parameter `{told}` is there twice");
                return Err(Problem::malformed(detail).into());
            }
        }
        Ok(Query(parameters))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// One that is to be there.
    pub(super) fn needed(&self, name: &str) -> Result<&str, Refusal> {
        let found = self.text(name).filter(|text| !text.is_empty());
        found.ok_or_else(|| {
            Problem::malformed(format!("the parameter `{name}` is to be given")).into()
        })
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        // `+1` and `01` are none.
        let number = text
            .parse()
            .ok()
            .filter(|number: &i64| number.to_string() == text);
        let detail = || format!("`{name}` is {text:?}, not a whole number");
        let number = number.ok_or_else(|| Problem::malformed(detail()))?;
        Ok(Some(number))
    }

    pub(super) fn needed_number(&self, name: &str) -> Result<i64, Refusal> {
        self.needed(name)?;
        let number = self.number(name)?;
        let detail = || format!("the parameter `{name}` is to be given");
        Ok(number.ok_or_else(|| Problem::malformed(detail()))?)
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.text(name) {
            None => Ok(None),
            Some("true" | "True") => Ok(Some(true)),
            Some("false" | "False") => Ok(Some(false)),
            Some(text) => {
                let detail = format!("`{name}` is {text:?}, neither true nor false");
                Err(Problem::malformed(detail).into())
            }
        }
    }

    /// How many are to be listed.
    pub(super) fn limit(&self) -> Result<usize, Refusal> {
        use crate::tasking::limits::LISTED_MAX;
        let Some(number) = self.number("limit")? else {
            return Ok(LISTED_MAX);
        };
        let limit = usize::try_from(number).ok();
        let limit = limit.filter(|limit| (1..=LISTED_MAX).contains(limit));
        let detail = || format!("`limit` is {number}: choose 1 to {LISTED_MAX}");
        Ok(limit.ok_or_else(|| Problem::malformed(detail()))?)
    }
}
