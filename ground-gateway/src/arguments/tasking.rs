//! Arguments of commands for the tasking API.

use clap::{Args, Subcommand};

use crate::tasking::token::Role;

pub(super) const TOKEN_AFTER_HELP: &str = "\
Example:
  ground token add john --role tasker --satellite FM1 --expires-days 90

Exit codes:
  0  done
  1  failed, as one line on standard error says
  2  the arguments are not understood";

pub(super) const AUDIT_AFTER_HELP: &str = "\
Example:
  ground audit --last 20

Exit codes:
  0  all of it is printed
  1  it is not, as one line on standard error says
  2  the arguments are not understood";

#[derive(Debug, Args)]
pub(crate) struct TokenArguments {
    #[command(subcommand)]
    pub(crate) command: TokenCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token, and print it once
    Add(TokenAddArguments),
    /// Print which tokens there are, and whether they hold
    List {
        /// Print one JSON object a token
        #[arg(long)]
        json: bool,
    },
    /// End the token of NAME
    Revoke {
        /// Whose
        #[arg(value_name = "NAME")]
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct TokenAddArguments {
    /// Whose it is; payloads are called with it as their user
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// What its holder may do
    #[arg(long, value_name = "ROLE", value_enum)]
    pub(crate) role: Role,

    /// Of this satellite only; may be given again [default: all]
    #[arg(long = "satellite", value_name = "ID")]
    pub(crate) satellites: Vec<String>,

    /// It holds so many days [default: until it is revoked]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) expires_days: Option<u16>,
}

#[derive(Debug, Args)]
pub(crate) struct AuditArguments {
    /// Print the last N entries only
    #[arg(long, value_name = "N", conflicts_with = "after")]
    pub(crate) last: Option<u64>,

    /// Print those after the entry of that number
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<i64>,

    /// Print one JSON object an entry
    #[arg(long)]
    pub(crate) json: bool,
}
