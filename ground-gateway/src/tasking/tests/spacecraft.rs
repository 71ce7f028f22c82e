//! A spacecraft as the courier meets it: the GraphQL of a payload controller, by its schema, and
//! windows that run once. What it knows stands in a file, so that whoever is killed meanwhile
//! finds it as it was.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use juniper::http::GraphQLRequest;
use juniper::{
    EmptySubscription, GraphQLEnum, GraphQLInputObject, GraphQLObject, RootNode, ScalarValue,
    graphql_object, graphql_scalar,
};
use serde_json::{Value, json};

/// A number of 64 bits.
#[graphql_scalar]
#[graphql(with = counter, parse_token(i32, f64))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counter(u64);

mod counter {
    use super::{Counter, ScalarValue};

    pub(super) fn to_output<S: ScalarValue>(counter: &Counter) -> S {
        (counter.0 as f64).into()
    }

    pub(super) fn from_input(number: f64) -> Result<Counter, String> {
        match number >= 0.0 && number.fract() == 0.0 {
            true => Ok(Counter(number as u64)),
            false => Err(format!("{number} is not a count")),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, GraphQLEnum)]
enum WindowState {
    Scheduled,
    Preparing,
    Configuring,
    Ready,
    Running,
    Executed,
    Failed,
    Cancelled,
}

#[derive(Clone, Debug, GraphQLInputObject)]
struct WindowOrder {
    id: String,
    payload: String,
    user: String,
    start: Counter,
    duration_s: i32,
    parameters: String,
}

#[derive(GraphQLObject)]
struct MutationResult {
    success: bool,
    errors: String,
}

#[derive(Clone, GraphQLObject)]
struct StepResult {
    began_at: Counter,
    took_ms: i32,
    exit_code: Option<i32>,
    outcome: String,
    output: String,
    errors: String,
}

#[derive(GraphQLObject)]
struct PayloadWindow {
    id: String,
    payload: String,
    user: String,
    start: Counter,
    duration_s: i32,
    state: WindowState,
    reason: String,
    configure: Option<StepResult>,
    execution: Option<StepResult>,
    stop: Option<StepResult>,
}

struct Query;
struct Mutation;

/// What it knows of windows, by their ids.
type Windows = BTreeMap<String, Value>;

/// It, at a time.
pub(crate) struct Spacecraft {
    file: PathBuf,
    pre_buffer_s: i64,
    /// What it knows and when it is, while it answers.
    pub(crate) state: Mutex<(Windows, i64)>,
}

impl juniper::Context for Spacecraft {}

impl Spacecraft {
    /// One whose memory is in `file`.
    pub(crate) fn new(file: PathBuf, pre_buffer_s: i64) -> Spacecraft {
        let text = fs::read_to_string(&file).unwrap_or_else(|_| "{}".to_owned());
        let windows = serde_json::from_str(&text).unwrap();
        Spacecraft {
            file,
            pre_buffer_s,
            state: Mutex::new((windows, 0)),
        }
    }

    /// What it answers to the body of a request at that time.
    pub(crate) fn answer(&self, body: &[u8], now_s: i64) -> Vec<u8> {
        self.live(now_s);
        let request: GraphQLRequest = serde_json::from_slice(body).unwrap();
        let schema = RootNode::new(Query, Mutation, EmptySubscription::new());
        let answer = serde_json::to_vec(&request.execute_sync(&schema, self)).unwrap();
        self.save();
        answer
    }

    /// Its windows go on to that time.
    pub(crate) fn live(&self, now_s: i64) {
        let mut state = self.state.lock().unwrap();
        state.1 = now_s;
        for window in state.0.values_mut() {
            let start_s = window["start"].as_i64().unwrap();
            let end_s = start_s + window["durationS"].as_i64().unwrap();
            if window["state"] == "SCHEDULED" && now_s >= start_s {
                window["state"] = "RUNNING".into();
                window["runs"] = (window["runs"].as_i64().unwrap() + 1).into();
            }
            if window["state"] == "RUNNING" && now_s >= end_s {
                window["state"] = "EXECUTED".into();
            }
        }
        drop(state);
        self.save();
    }

    fn save(&self) {
        let text = serde_json::to_string(&self.state.lock().unwrap().0).unwrap();
        let part = self.file.with_extension("part");
        fs::write(&part, text).unwrap();
        fs::rename(part, &self.file).unwrap();
    }

    /// What it knows.
    pub(crate) fn windows(&self) -> Windows {
        self.state.lock().unwrap().0.clone()
    }

    fn schedule(&self, order: &WindowOrder) -> Result<(), String> {
        let mut state = self.state.lock().unwrap();
        let now_s = state.1;
        let start_s = i64::try_from(order.start.0).unwrap();
        let wanted = json!({
            "payload": order.payload, "user": order.user, "start": start_s,
            "durationS": order.duration_s, "parameters": order.parameters,
        });
        if let Some(known) = state.0.get_mut(&order.id) {
            let is_same = wanted
                .as_object()
                .unwrap()
                .iter()
                .all(|(k, v)| known[k] == *v);
            known["offers"] = (known["offers"].as_i64().unwrap() + 1).into();
            return match is_same {
                true => Ok(()),
                false => Err("another window has this id".to_owned()),
            };
        }
        if order.payload == "broken" {
            return Err("there is no payload `broken`".to_owned());
        }
        if now_s >= start_s - self.pre_buffer_s {
            return Err("its preparation should have begun already".to_owned());
        }
        let mut window = wanted;
        window["state"] = "SCHEDULED".into();
        window["runs"] = 0.into();
        window["offers"] = 1.into();
        state.0.insert(order.id.clone(), window);
        Ok(())
    }

    fn cancel(&self, id: &str) -> Result<(), String> {
        let mut state = self.state.lock().unwrap();
        let window = state.0.get_mut(id).ok_or("there is no such window")?;
        match window["state"].as_str().unwrap() {
            "SCHEDULED" | "RUNNING" => {
                window["state"] = "CANCELLED".into();
                Ok(())
            }
            other => Err(format!("it is {other}")),
        }
    }
}

fn result(done: Result<(), String>) -> MutationResult {
    MutationResult {
        success: done.is_ok(),
        errors: done.err().unwrap_or_default(),
    }
}

#[graphql_object(context = Spacecraft)]
impl Mutation {
    fn schedule_window(context: &Spacecraft, window: WindowOrder) -> MutationResult {
        result(context.schedule(&window))
    }

    fn cancel_window(context: &Spacecraft, id: String) -> MutationResult {
        result(context.cancel(&id))
    }
}

#[graphql_object(context = Spacecraft)]
impl Query {
    fn ping() -> &'static str {
        "pong"
    }

    fn windows(
        context: &Spacecraft,
        ids: Option<Vec<String>>,
        state: Option<WindowState>,
        limit: Option<i32>,
    ) -> Vec<PayloadWindow> {
        let windows = context.windows();
        let is_asked = |id: &String| ids.as_ref().is_none_or(|ids| ids.contains(id));
        let asked = windows.iter().filter(|(id, _)| is_asked(id));
        let views = asked.map(|(id, window)| view(id, window));
        let views = views.filter(|view| state.is_none_or(|state| state == view.state));
        views
            .take(usize::try_from(limit.unwrap_or(100)).unwrap())
            .collect()
    }
}

fn view(id: &str, window: &Value) -> PayloadWindow {
    let start_s = window["start"].as_u64().unwrap();
    let ran = window["runs"].as_i64().unwrap() > 0;
    let step = StepResult {
        began_at: Counter(start_s * 1_000),
        took_ms: 12,
        exit_code: Some(0),
        outcome: "done".to_owned(),
        output: "a picture".to_owned(),
        errors: String::new(),
    };
    PayloadWindow {
        id: id.to_owned(),
        payload: window["payload"].as_str().unwrap().to_owned(),
        user: window["user"].as_str().unwrap().to_owned(),
        start: Counter(start_s),
        duration_s: i32::try_from(window["durationS"].as_i64().unwrap()).unwrap(),
        state: match window["state"].as_str().unwrap() {
            "SCHEDULED" => WindowState::Scheduled,
            "RUNNING" => WindowState::Running,
            "EXECUTED" => WindowState::Executed,
            "CANCELLED" => WindowState::Cancelled,
            _ => WindowState::Failed,
        },
        reason: String::new(),
        configure: None,
        execution: ran.then_some(step),
        stop: None,
    }
}
