//! GraphQL of the payload controller: what is asked, and what an answer says.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::{beginning, one_line};
use crate::tasking::window::Window;

/// Octets of a reason that the spacecraft gives and that are kept.
const REASON_BYTES_MAX: usize = 1_024;
/// Of what it says of the steps of a window: three steps with twice 4 KiB of output, escaped.
const RESULT_BYTES_MAX: usize = 256 * 1024;
const STEP: &str = "{ beganAt tookMs exitCode outcome output errors }";

/// How a window stands on board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// It has not ended.
    Open,
    Executed,
    Failed,
    Cancelled,
}

/// What the spacecraft says of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OnBoard {
    pub(super) id: i64,
    pub(super) state: Stand,
    pub(super) reason: String,
}

/// Schedules them, each as an alias of one mutation. `payload` is what the spacecraft calls the
/// payload of a window.
pub(super) fn offer(windows: &[(Window, String)]) -> Vec<u8> {
    let mut variables = Map::new();
    let (mut heads, mut calls) = (Vec::new(), Vec::new());
    for (number, (window, payload)) in windows.iter().enumerate() {
        heads.push(format!("$w{number}:WindowOrder!"));
        calls.push(format!(
            "w{number}:scheduleWindow(window:$w{number}){{success errors}}"
        ));
        let order = json!({
            "id": window.id.to_string(), "payload": payload, "user": window.user,
            "start": window.order.start_s, "durationS": window.order.duration_s,
            "parameters": window.order.parameters,
        });
        variables.insert(format!("w{number}"), order);
    }
    mutation(&heads, &calls, variables)
}

/// Cancels them.
pub(super) fn cancel(ids: &[i64]) -> Vec<u8> {
    let mut variables = Map::new();
    let (mut heads, mut calls) = (Vec::new(), Vec::new());
    for (number, id) in ids.iter().enumerate() {
        heads.push(format!("$w{number}:String!"));
        calls.push(format!(
            "w{number}:cancelWindow(id:$w{number}){{success errors}}"
        ));
        variables.insert(format!("w{number}"), id.to_string().into());
    }
    mutation(&heads, &calls, variables)
}

fn mutation(heads: &[String], calls: &[String], variables: Map<String, Value>) -> Vec<u8> {
    let query = format!("mutation({}){{{}}}", heads.join(","), calls.join(" "));
    let request = json!({ "query": query, "variables": variables });
    request.to_string().into_bytes()
}

/// How do they stand?
pub(super) fn ask(ids: &[i64]) -> Vec<u8> {
    query(ids, "id state reason")
}

/// What did it do?
pub(super) fn detail(id: i64) -> Vec<u8> {
    let fields = format!("id state reason configure {STEP} execution {STEP} stop {STEP}");
    query(&[id], &fields)
}

fn query(ids: &[i64], fields: &str) -> Vec<u8> {
    let texts: Vec<String> = ids.iter().map(i64::to_string).collect();
    let count = ids.len();
    let query = format!("query($i:[String!]){{windows(ids:$i,limit:{count}){{{fields}}}}}");
    let request = json!({ "query": query, "variables": { "i": texts } });
    request.to_string().into_bytes()
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    data: Option<Value>,
    #[serde(default)]
    errors: Vec<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct MutationResult {
    success: bool,
    #[serde(default)]
    errors: Value,
}

#[derive(Deserialize)]
struct Windows {
    windows: Vec<Value>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    state: String,
    #[serde(default)]
    reason: Option<String>,
}

/// What a service answered that cannot be taken for an answer.
pub(super) type Nonsense = String;

fn data(answer: &[u8]) -> Result<Value, Nonsense> {
    let document: Document =
        serde_json::from_slice(answer).map_err(|error| format!("no GraphQL answer: {error}"))?;
    match (document.data, document.errors.first()) {
        (Some(data), None) if !data.is_null() => Ok(data),
        (_, Some(problem)) => Err(one_line(&problem.message)),
        _ => Err("an answer without data".to_owned()),
    }
}

/// For each of so many aliases why not, or nothing.
pub(super) fn results(answer: &[u8], count: usize) -> Result<Vec<Option<String>>, Nonsense> {
    let data = data(answer)?;
    let one = |number: usize| {
        let of = data.get(format!("w{number}"));
        let of = of.ok_or_else(|| format!("no answer for w{number}"))?;
        let result: MutationResult =
            serde_json::from_value(of.clone()).map_err(|error| format!("w{number}: {error}"))?;
        let why = match &result.errors {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Ok((!result.success).then(|| limited(&why)))
    };
    (0..count).map(one).collect()
}

/// How windows stand.
pub(super) fn stands(answer: &[u8]) -> Result<Vec<OnBoard>, Nonsense> {
    let windows = windows(answer)?;
    windows.into_iter().map(stand).collect()
}

fn windows(answer: &[u8]) -> Result<Vec<Value>, Nonsense> {
    let windows: Windows =
        serde_json::from_value(data(answer)?).map_err(|error| format!("no windows: {error}"))?;
    Ok(windows.windows)
}

fn stand(window: Value) -> Result<OnBoard, Nonsense> {
    let listed: Listed =
        serde_json::from_value(window).map_err(|error| format!("no window: {error}"))?;
    let id = listed.id.parse();
    Ok(OnBoard {
        // One of somebody else's ground has another form of id.
        id: id.unwrap_or(-1),
        state: match &*listed.state {
            "EXECUTED" => Stand::Executed,
            "FAILED" => Stand::Failed,
            "CANCELLED" => Stand::Cancelled,
            "SCHEDULED" | "PREPARING" | "CONFIGURING" | "READY" | "RUNNING" => Stand::Open,
            other => return Err(format!("there is no state {other:?} of a window")),
        },
        reason: limited(&listed.reason.unwrap_or_default()),
    })
}

/// The steps of a window, as JSON; none where it is not there or they are too long.
pub(super) fn steps(answer: &[u8], id: i64) -> Result<Option<String>, Nonsense> {
    let id = id.to_string();
    let mut windows = windows(answer)?.into_iter();
    let window = windows.find(|window| window.get("id").and_then(Value::as_str) == Some(&id));
    let Some(window) = window else {
        return Ok(None);
    };
    let mut steps = Map::new();
    for name in ["configure", "execution", "stop"] {
        let step = window.get(name).filter(|step| !step.is_null());
        steps.extend(step.map(|step| (name.to_owned(), step.clone())));
    }
    let text = Value::Object(steps).to_string();
    Ok(Some(text).filter(|text| text.len() <= RESULT_BYTES_MAX))
}

fn limited(text: &str) -> String {
    beginning(&one_line(text), REASON_BYTES_MAX).to_owned()
}
