//! What a client says of how a file is to be sent.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Longest time in a stage: as long as clients with 32 bits can say.
pub const TTL_SECONDS_MAX: u64 = i32::MAX as u64;

/// How long an item stays in each stage of the queue, in s. Zero skips a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TtlParams {
    /// In the urgent stage.
    pub urgent: u64,
    /// In the bulk stage.
    pub bulk: u64,
    /// In the surplus stage; after that it is removed.
    pub surplus: u64,
}

impl Default for TtlParams {
    fn default() -> Self {
        TtlParams {
            urgent: 9_000,
            bulk: 43_200,
            surplus: 172_800,
        }
    }
}

/// Where the receiver is to put a file; it decides itself. Further keys travel with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeliveryHints {
    /// The path.
    pub dest_path: String,
    /// Permissions, in octal: `"755"`.
    pub mode: String,
    /// Anything else.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// The options of a file that is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SendOptions {
    /// How long it stays in each stage.
    #[serde(rename = "TTLParams", default)]
    pub ttl: TtlParams,
    /// Whether what was lost is repeated.
    #[serde(default = "yes")]
    pub reliable: bool,
    /// For whoever gets it: `token` is the reference on the ground.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// For whoever gets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_hints: Option<DeliveryHints>,
    /// What the client says beside it: it travels with the file, and is not looked at.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// Why options are none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("options: {0}")]
pub struct OptionsError(pub String);

fn yes() -> bool {
    true
}

impl Default for SendOptions {
    fn default() -> Self {
        SendOptions {
            ttl: TtlParams::default(),
            reliable: true,
            tags: BTreeMap::new(),
            delivery_hints: None,
            more: Map::new(),
        }
    }
}

impl SendOptions {
    /// As a client wrote them, and what is odd about them: times that it does not name, though
    /// it names others, and keys that nobody knows.
    ///
    /// # Errors
    /// A time is negative, no whole number or longer than [`TTL_SECONDS_MAX`], or all are zero; or
    /// something is of another type than it is to be.
    pub fn of_client(written: Value) -> Result<(SendOptions, Vec<String>), OptionsError> {
        let mut written = match written {
            Value::Null => return Ok((SendOptions::default(), Vec::new())),
            Value::Object(written) => written,
            _ => return Err(OptionsError("they are to be an object".to_owned())),
        };
        // Clients that fill in what is not set, say null.
        written.retain(|_, value| !value.is_null());
        let mut odd = Vec::new();
        let ttl = match written.remove("TTLParams") {
            None => TtlParams::default(),
            Some(Value::Object(times)) => ttl(times, &mut odd)?,
            Some(_) => return Err(OptionsError("TTLParams is to be an object".to_owned())),
        };
        let options: SendOptions = serde_json::from_value(Value::Object(written))
            .map_err(|error| OptionsError(error.to_string()))?;
        for key in options.more.keys() {
            odd.push(format!(
                "the option {key} is not known; it travels with the file"
            ));
        }
        Ok((SendOptions { ttl, ..options }, odd))
    }
}

fn ttl(mut times: Map<String, Value>, odd: &mut Vec<String>) -> Result<TtlParams, OptionsError> {
    let mut missing = Vec::new();
    let mut time = |key: &'static str, usual: u64| {
        match times.remove(key) {
        None | Some(Value::Null) => {
            missing.push(key);
            Ok(usual)
        }
        Some(value) => value
            .as_u64()
            .filter(|seconds| *seconds <= TTL_SECONDS_MAX)
            .ok_or_else(|| {
                OptionsError(format!(
                    "TTLParams.{key} is to be whole seconds from 0 to {TTL_SECONDS_MAX}, not {value}"
                ))
            }),
    }
    };
    let usual = TtlParams::default();
    let ttl = TtlParams {
        urgent: time("urgent", usual.urgent)?,
        bulk: time("bulk", usual.bulk)?,
        surplus: time("surplus", usual.surplus)?,
    };
    if (ttl.urgent, ttl.bulk, ttl.surplus) == (0, 0, 0) {
        let text = "TTLParams skips all three stages: such a file would expire at once";
        return Err(OptionsError(text.to_owned()));
    }
    if !missing.is_empty() && missing.len() < 3 {
        odd.push(format!(
            "TTLParams says nothing of {}: the usual times are taken ({ttl:?}); a client that \
             leaves out zeros does not skip a stage",
            missing.join(" and ")
        ));
    }
    for key in times.keys() {
        odd.push(format!("TTLParams.{key} is not known"));
    }
    Ok(ttl)
}

/// Times on the disk, of whatever writer: each becomes one that a client may say.
pub(super) fn mend_ttl(ttl: &mut Value, odd: &mut Vec<String>) {
    let Some(times) = ttl.as_object_mut() else {
        odd.push(format!("TTLParams is {ttl}: the usual times are taken"));
        *ttl = Value::Object(Map::new());
        return;
    };
    times.retain(|_, value| !value.is_null());
    times.retain(|key, value| {
        let seconds = match (value.as_u64(), value.as_f64()) {
            (Some(seconds), _) if seconds <= TTL_SECONDS_MAX => return true,
            (Some(_), _) => TTL_SECONDS_MAX,
            (None, Some(seconds)) if seconds <= 0.0 => 0,
            (None, Some(seconds)) => {
                let longest = Duration::from_secs(TTL_SECONDS_MAX);
                Duration::try_from_secs_f64(seconds)
                    .map_or(TTL_SECONDS_MAX, |time| time.min(longest).as_secs())
            }
            (None, None) => {
                odd.push(format!(
                    "TTLParams.{key} is {value}: the usual time is taken"
                ));
                return false;
            }
        };
        odd.push(format!("TTLParams.{key} is {value}: {seconds} is taken"));
        *value = seconds.into();
        true
    });
}
