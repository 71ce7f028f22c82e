//! `link-service explain`: which rule decides.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;
use service_host::config_file::{CONFIG_CANDIDATES, ConfigError, ConfigFile};

use super::arguments::Explain;
use crate::access::Access;
use crate::code::{Code, StatusCode};
use crate::policy::{DecidedBy, Decision, Question, between};
use crate::request::LinkType;
use crate::settings::SettingsError;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExplainError {
    /// The configuration cannot be read.
    #[error(transparent)]
    File(#[from] ConfigError),
    /// There is none.
    #[error("neither {} exists: name the configuration with -c", CONFIG_CANDIDATES.join(" nor "))]
    NoFile,
    /// The configuration would not be taken by the service either.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// It cannot be written.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

/// The answer as JSON.
#[derive(Serialize)]
struct Answer {
    allowed: bool,
    /// What the sender is told when it is denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Code>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusCode>,
    /// What decided, as one word.
    by: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<AnswerRule>,
    reason: String,
}

#[derive(Serialize)]
struct AnswerRule {
    number: usize,
    text: String,
}

pub(super) fn run(arguments: &Explain) -> Result<ExitCode, ExplainError> {
    let file = ConfigFile::find(arguments.config.as_deref())?;
    if file.path.is_none() {
        return Err(ExplainError::NoFile);
    }
    let access = Access::read(&file)?;
    let (from, to) = (&arguments.from, &arguments.to);
    let usual = || between(from, to).first().unwrap_or(LinkType::App2App);
    let decision = access.decide(&Question {
        from,
        to,
        link_type: arguments.link_type.unwrap_or_else(usual),
        size: arguments.size,
        priority: arguments.priority,
    });
    let text = match arguments.json {
        false => decision.to_string(),
        true => serde_json::to_string(&answer(&decision)).map_err(io::Error::from)?,
    };
    writeln!(io::stdout(), "{text}")?;
    Ok(match decision.is_allowed() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn answer(decision: &Decision<'_>) -> Answer {
    Answer {
        allowed: decision.is_allowed(),
        code: decision.refusal,
        status: decision.refusal.map(Code::status),
        by: match decision.by {
            DecidedBy::Rule(_) => "rule",
            DecidedBy::RuleSize { .. } => "size-max",
            DecidedBy::RulePriority { .. } => "priority-max",
            DecidedBy::Default { .. } => "default",
            DecidedBy::TypeUnfit { .. } => "type",
            DecidedBy::SenderUnknown { .. } => "sender",
            DecidedBy::RecipientUnknown { .. } => "recipient",
        },
        rule: decision.rule().map(|rule| AnswerRule {
            number: rule.number(),
            text: rule.to_string(),
        }),
        reason: decision.to_string(),
    }
}
