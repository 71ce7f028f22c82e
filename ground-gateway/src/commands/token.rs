//! `ground token`: who may ask what of the tasking API.

use std::io::ErrorKind;

use serde_json::json;

use crate::arguments::{TokenAddArguments, TokenArguments, TokenCommand};
use crate::error::{GroundError, one_line};
use crate::output::{note, print_line};
use crate::tasking::audit::Entry;
use crate::tasking::moment::{self, Now};
use crate::tasking::plan::Plan;
use crate::tasking::store::{Store, StoreError};
use crate::tasking::token::{Secret, TOKENS_MAX, TokenRecord, check_name};

const SECONDS_OF_A_DAY: i64 = 86_400;

/// What can go wrong, within a change of the store.
enum Undone {
    Store(StoreError),
    Refused(String),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Undone::Store(error)
    }
}

impl From<Undone> for GroundError {
    fn from(undone: Undone) -> Self {
        let problem = match undone {
            Undone::Store(error) => error.to_string(),
            Undone::Refused(problem) => problem,
        };
        GroundError::Tasking { problem }
    }
}

pub(crate) fn token(plan: &Plan, arguments: &TokenArguments) -> Result<(), GroundError> {
    let store = open(plan)?;
    match &arguments.command {
        TokenCommand::Add(arguments) => add(plan, &store, arguments),
        TokenCommand::List { json } => list(&store, *json),
        TokenCommand::Revoke { name } => revoke(&store, name),
    }
}

/// The store, which is made if it is not there.
pub(super) fn open(plan: &Plan) -> Result<Store, GroundError> {
    let directory = &plan.directory;
    let failed = |problem: String| GroundError::Tasking { problem };
    let made = crate::tasking::make_folder(directory);
    made.map_err(|error| failed(format!("{}: {error}", directory.display())))?;
    let store = Store::open(&crate::tasking::database_file(directory));
    store.map_err(|error| failed(error.to_string()))
}

fn add(plan: &Plan, store: &Store, arguments: &TokenAddArguments) -> Result<(), GroundError> {
    let refused = |problem: String| GroundError::Failed { message: problem };
    check_name(&arguments.name).map_err(refused)?;
    if let Some(unknown) = arguments
        .satellites
        .iter()
        .find(|id| plan.satellite(id).is_none())
    {
        let problem = format!("there is no satellite `{unknown}` in [tasking]");
        return Err(refused(problem));
    }
    let secret = Secret::draw().map_err(refused)?;
    let now = Now::of_system();
    let days = arguments.expires_days.map(i64::from);
    let token = TokenRecord {
        id: secret.id.clone(),
        name: arguments.name.clone(),
        role: arguments.role,
        satellites: arguments.satellites.clone(),
        hash: secret.hash,
        created_s: now.s(),
        expires_s: days.map(|days| now.s().saturating_add(days * SECONDS_OF_A_DAY)),
        revoked_s: None,
    };
    store.change(|tables| {
        if tables.tokens()?.len() as i64 >= TOKENS_MAX {
            let problem = format!("there are {TOKENS_MAX} tokens: that are as many as may be");
            return Err(Undone::Refused(problem));
        }
        if !tables.add_token(&token)? {
            let problem = format!(
                "`{}` has a token that holds: `ground token revoke {0}` ends it",
                token.name
            );
            return Err(Undone::Refused(problem));
        }
        let detail = format!("{} of {}", token.role, scope(&token));
        Ok(tables.log(&entry(now, "token add", &token.name, detail))?)
    })?;
    print_line(secret.reveal().as_bytes()).map_err(GroundError::Output)?;
    note("this is the token; it is not shown again");
    Ok(())
}

fn list(store: &Store, json: bool) -> Result<(), GroundError> {
    let listed = store.look(|tables| tables.tokens());
    let tokens = listed.map_err(|error| GroundError::from(Undone::from(error)))?;
    let now_s = Now::of_system().s();
    for token in &tokens {
        let line = match json {
            true => as_json(token, now_s),
            false => as_line(token, now_s),
        };
        match print_line(line.as_bytes()) {
            // Whoever reads has had enough, as `head` does.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            printed => printed.map_err(GroundError::Output)?,
        }
    }
    if tokens.is_empty() && !json {
        note("there are no tokens: `ground token add NAME --role viewer` makes one");
    }
    Ok(())
}

fn revoke(store: &Store, name: &str) -> Result<(), GroundError> {
    let now = Now::of_system();
    store.change(|tables| {
        if !tables.revoke_token(name, now.s())? {
            let problem = format!("`{name}` has no token that holds");
            return Err(Undone::Refused(problem));
        }
        Ok(tables.log(&entry(now, "token revoke", name, String::new()))?)
    })?;
    note(&one_line(&format!("the token of {name} holds no more")));
    Ok(())
}

/// Who works at this machine is logged as its user.
fn entry(now: Now, action: &str, subject: &str, detail: String) -> Entry {
    let user = rustix::process::getuid().as_raw();
    let entry = Entry {
        at_ms: now.ms,
        actor: format!("user {user}"),
        role: "console".to_owned(),
        remote: String::new(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        status: 200,
        detail,
        times: 1,
    };
    entry.limited()
}

fn scope(token: &TokenRecord) -> String {
    match token.satellites.is_empty() {
        true => "all satellites".to_owned(),
        false => token.satellites.join(", "),
    }
}

fn as_line(token: &TokenRecord, now_s: i64) -> String {
    let until = match (token.flaw(now_s), token.expires_s) {
        (Some(flaw), _) => flaw.to_owned(),
        (None, Some(expires_s)) => format!("until {}", moment::text(expires_s)),
        (None, None) => "holds".to_owned(),
    };
    let since = moment::text(token.created_s);
    let TokenRecord { id, name, role, .. } = token;
    format!(
        "{id} {name} {role} of {}, since {since}: {until}",
        scope(token)
    )
}

fn as_json(token: &TokenRecord, now_s: i64) -> String {
    json!({
        "id": token.id, "name": token.name, "role": token.role.as_str(),
        "satellites": token.satellites, "created": token.created_s,
        "expires": token.expires_s, "revoked": token.revoked_s,
        "holds": token.flaw(now_s).is_none(),
    })
    .to_string()
}
