//! What a service is asked, where and how often.

use std::time::Duration;

use ureq::http::Uri;

/// The query where nothing else is said: every group with every value.
pub const QUERY_DEFAULT: &str = include_str!("query.graphql");
/// Most octets of a query.
pub const QUERY_OCTETS_MAX: usize = 8192;
const EVERY_DEFAULT: Duration = Duration::from_secs(1);
const EVERY_MIN: Duration = Duration::from_millis(100);
const EVERY_MAX: Duration = Duration::from_secs(3600);
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(2);
const TIMEOUT_MIN: Duration = Duration::from_millis(10);
/// So long an end may have to wait for an answer, too.
const TIMEOUT_MAX: Duration = Duration::from_secs(10);

/// What is asked of a service by GraphQL.
///
/// A query names each group, by an alias if need be, as a snapshot does, with a `value` and an
/// `age_s`; or the group is the value itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Where: `http://` on any host.
    pub url: String,
    /// What.
    pub query: String,
    /// From one time to the next: 100 ms to an hour.
    pub every: Duration,
    /// So long an answer is waited for: 10 ms to 10 s.
    pub timeout: Duration,
    /// How old a group may be; not less than `every`.
    pub age_max: Duration,
}

/// Why something cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuestionError {
    /// The address is none, or one of another protocol.
    #[error("`graphql-url` is `{0}`: `http://HOST:PORT/PATH` is meant (there is no TLS)")]
    Url(String),
    /// The query is empty or too long.
    #[error("`graphql-query` must have 1 to {QUERY_OCTETS_MAX} octets")]
    Query,
    /// It is asked too often, or too seldom.
    #[error("`graphql-every-ms` must be from {} to {}", EVERY_MIN.as_millis(), EVERY_MAX.as_millis())]
    Every,
    /// An answer has too little time, or too much.
    #[error(
        "`graphql-timeout-ms` must be from {} to {}",
        TIMEOUT_MIN.as_millis(),
        TIMEOUT_MAX.as_millis()
    )]
    Timeout,
    /// What was told is too old before the next time.
    #[error("`age-max-s` is less than `graphql-every-ms`: what is told would be too old at once")]
    Age,
}

impl Question {
    /// All groups, each second, within two seconds.
    #[must_use]
    pub fn new(url: impl Into<String>, age_max: Duration) -> Self {
        Self {
            url: url.into(),
            query: QUERY_DEFAULT.to_owned(),
            every: EVERY_DEFAULT,
            timeout: TIMEOUT_DEFAULT,
            age_max,
        }
    }

    /// Whether it can be asked.
    ///
    /// # Errors
    /// [`QuestionError`].
    pub fn check(&self) -> Result<(), QuestionError> {
        let uri: Option<Uri> = self.url.parse().ok();
        let is_http = uri.is_some_and(|uri| {
            uri.scheme_str() == Some("http") && uri.host().is_some_and(|host| !host.is_empty())
        });
        match () {
            () if !is_http => Err(QuestionError::Url(self.url.clone())),
            () if self.query.is_empty() || self.query.len() > QUERY_OCTETS_MAX => {
                Err(QuestionError::Query)
            }
            () if !(EVERY_MIN..=EVERY_MAX).contains(&self.every) => Err(QuestionError::Every),
            () if !(TIMEOUT_MIN..=TIMEOUT_MAX).contains(&self.timeout) => {
                Err(QuestionError::Timeout)
            }
            () if self.age_max < self.every => Err(QuestionError::Age),
            () => Ok(()),
        }
    }
}
