//! Why a configuration is not taken.

use std::path::PathBuf;

use service_host::config_file::ConfigFile;

use super::SERVICE;
use super::rule::place as rule;
use crate::names::AppId;
use crate::policy::{Pattern, Rule};
use crate::request::LinkType;

/// What is wrong with `[link-service]`, and in which file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct SettingsError {
    /// The file, or a phrase that says there is none.
    pub file: String,
    /// What is wrong.
    pub problem: Box<Problem>,
}

/// What is wrong with `[link-service]`. Rules are counted from 0 here and from 1 for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// There is no table of ours, but one with nearly its name.
    #[error("unknown table [{key}]; did you mean [{SERVICE}]?")]
    UnknownTable {
        /// Its name.
        key: String,
    },
    /// Something else is where a table should be.
    #[error("`{table}` must be a table")]
    NoTable {
        /// Its name.
        table: &'static str,
    },
    /// Something else is where a list of tables should be.
    #[error("`{key}` must be a list of tables: write [[{SERVICE}.{key}]]")]
    NoList {
        /// Its name.
        key: &'static str,
    },
    /// A list is too long.
    #[error("{count} tables [[{SERVICE}.{key}]]; {most} are the most")]
    TooMany {
        /// Its name.
        key: &'static str,
        /// How many there are.
        count: usize,
        /// How many there can be.
        most: usize,
    },
    /// A key that is not known.
    #[error("{place}: unknown key `{key}`{}", meant(nearest, known))]
    UnknownKey {
        /// Where it stands.
        place: String,
        /// The key.
        key: String,
        /// The known one that is most like it.
        nearest: Option<String>,
        /// All that are known, for people.
        known: String,
    },
    /// A value that is missing or cannot be.
    #[error("{place}: {message}")]
    Value {
        /// Where it stands.
        place: String,
        /// What is wrong, with the key.
        message: String,
    },
    /// An app has the name of the ground.
    #[error("an app cannot be called `{app}`: that is the ground")]
    NameTaken {
        /// Its name.
        app: AppId,
    },
    /// An app has the name of another spacecraft.
    #[error("an app cannot be called `{app}`: that is a peer")]
    NameOfPeer {
        /// Its name.
        app: AppId,
    },
    /// A spacecraft cannot have that name.
    #[error("there are two peers `{node}`, or that is the ground: give each a name of its own")]
    PeerName {
        /// Its name.
        node: AppId,
    },
    /// Two apps have one name.
    #[error("there are two apps `{app}`")]
    TwoApps {
        /// Their name.
        app: AppId,
    },
    /// Two buckets have one name.
    #[error("there are two buckets `{bucket}`")]
    TwoBuckets {
        /// Their name.
        bucket: AppId,
    },
    /// An app is in a bucket that is not there.
    #[error("app `{app}`: there is no bucket `{bucket}`{}", meant(nearest, ""))]
    NoBucket {
        /// The app.
        app: AppId,
        /// What it names.
        bucket: AppId,
        /// The one that is most like it.
        nearest: Option<String>,
    },
    /// The directory of an app cannot be one.
    #[error("app `{app}`: its root {} {why}", root.display())]
    Root {
        /// The app.
        app: AppId,
        /// The directory.
        root: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Two apps would see each other's files.
    #[error("the root of app `{inner}` is in that of app `{outer}`, which would see its files")]
    RootInRoot {
        /// Whose is the inner one.
        inner: AppId,
        /// Whose is the outer one.
        outer: AppId,
    },
    /// A token would be of two apps.
    #[error("apps `{one}` and `{other}` have one token file: give each its own")]
    TokenShared {
        /// The one.
        one: AppId,
        /// The other.
        other: AppId,
    },
    /// An app could write what is not its own.
    #[error("{what} {} is in the root of app `{app}`, which could write to it", path.display())]
    Exposed {
        /// Which file.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The app.
        app: AppId,
    },
    /// A rule is about an app that is not registered.
    #[error("{}: there is no app `{app}`{}", rule(*index), meant(nearest, ""))]
    RuleOfNobody {
        /// Which rule, from 0.
        index: usize,
        /// The app.
        app: AppId,
        /// The registered one that is most like it.
        nearest: Option<String>,
    },
    /// A rule is about nothing that there can be.
    #[error(
        "{}: nothing goes from {from} to {to}{}", rule(*index), as_type(*link_type)
    )]
    RuleOfNothing {
        /// Which rule, from 0.
        index: usize,
        /// Who sends.
        from: Pattern,
        /// Who is to have it.
        to: Pattern,
        /// Which way.
        link_type: Option<LinkType>,
    },
    /// A rule forbids, and yet has limits of what it allows.
    #[error(
        "{}: it forbids, and `{key}` limits what a rule allows: leave one of them away",
        rule(*index)
    )]
    LimitOfDenial {
        /// Which rule, from 0.
        index: usize,
        /// The limit.
        key: &'static str,
    },
    /// A rule never decides, because all that it is about was decided before.
    #[error(
        "{}: it decides nothing, as rule {} ({by}) is about the same and stands before it: \
         put the narrower one first",
        rule(*index), by.number()
    )]
    RuleUnreachable {
        /// Which rule, from 0.
        index: usize,
        /// The first that decides in its place.
        by: Box<Rule>,
    },
    /// Something that only a restart can change is another.
    #[error("{what} is another: only a restart changes it")]
    NeedsRestart {
        /// What.
        what: String,
    },
}

impl Problem {
    pub(crate) fn of(self, file: &ConfigFile) -> SettingsError {
        SettingsError {
            file: file.name(),
            problem: Box::new(self),
        }
    }
}

fn meant(nearest: &Option<String>, known: &str) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean `{nearest}`?"),
        None if known.is_empty() => String::new(),
        None => format!("; known are {known}"),
    }
}

fn as_type(link_type: Option<LinkType>) -> String {
    link_type.map_or_else(String::new, |link_type| format!(" as {link_type}"))
}
