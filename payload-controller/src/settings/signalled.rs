//! `[[payload-controller.signalled]]`.

use std::path::PathBuf;
use std::time::Duration;

use payload_interface::AppName;
use serde::Deserialize;

use super::error::Problem;
use crate::core::{BUFFER_MAX, CONFIGURE_MAX, OnConfigureFailure, SignalVersion, SignalledRules};
use crate::signalling::{SignalledPayload, Ssh, Transport, UploadSource};

/// A payload that is called through `payload_exec`, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Written {
    name: AppName,
    version: u8,
    device: Option<u16>,
    pre_buffer_s: Option<u64>,
    post_buffer_s: Option<u64>,
    configure_max_s: Option<u64>,
    late_start_max_s: Option<u64>,
    #[serde(default = "local")]
    transport: toml::Value,
    #[serde(default = "executable")]
    executable: String,
    #[serde(default = "signaling_dir")]
    signaling_dir: String,
    set_clock: Option<bool>,
    uploads: Option<Uploads>,
    #[serde(default)]
    stop: bool,
    #[serde(default)]
    on_configure_failure: OnFailure,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Uploads {
    #[serde(default = "agent")]
    agent: String,
    topic: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct SshWritten {
    ssh: String,
    #[serde(default = "ssh_port")]
    port: u16,
    identity_file: PathBuf,
    known_hosts_file: PathBuf,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OnFailure {
    #[default]
    Skip,
    Start,
}

fn local() -> toml::Value {
    "local".into()
}

fn executable() -> String {
    "/usr/bin/payload_exec".to_owned()
}

fn signaling_dir() -> String {
    "/signaling".to_owned()
}

fn agent() -> String {
    "http://127.0.0.1:2005".to_owned()
}

fn ssh_port() -> u16 {
    22
}

impl Written {
    pub(super) fn checked(self) -> Result<SignalledPayload, Problem> {
        let place = format!("signalled {}", self.name);
        let wrong = |message: String| Problem::value(&place, message);
        let version = match self.version {
            1 => SignalVersion::V1,
            2 => SignalVersion::V2,
            other => return Err(wrong(format!("`version` is {other}: 1 or 2 is meant"))),
        };
        let transport = transport(self.transport).map_err(wrong)?;
        for (key, path) in [
            ("executable", &self.executable),
            ("signaling-dir", &self.signaling_dir),
        ] {
            if !path.starts_with('/') || path.contains('\0') {
                let path = path.escape_debug();
                return Err(wrong(format!("`{key}` is `{path}`, no path from the root")));
            }
        }
        let mut rules = SignalledRules::new(self.name, version);
        rules.device = self.device;
        for (rule, key, seconds, most) in [
            (
                &mut rules.pre_buffer,
                "pre-buffer-s",
                self.pre_buffer_s,
                BUFFER_MAX,
            ),
            (
                &mut rules.post_buffer,
                "post-buffer-s",
                self.post_buffer_s,
                BUFFER_MAX,
            ),
            (
                &mut rules.configure_max,
                "configure-max-s",
                self.configure_max_s,
                CONFIGURE_MAX,
            ),
            (
                &mut rules.late_start_max,
                "late-start-max-s",
                self.late_start_max_s,
                BUFFER_MAX,
            ),
        ] {
            if let Some(seconds) = seconds {
                *rule = Duration::from_secs(seconds);
            }
            if *rule > most {
                let (seconds, most) = (rule.as_secs(), most.as_secs());
                return Err(wrong(format!("`{key}` is {seconds}, more than {most}")));
            }
        }
        if rules.configure_max.is_zero() {
            return Err(wrong("`configure-max-s` is 0".to_owned()));
        }
        rules.is_remote = transport != Transport::Local;
        rules.sets_clock = self.set_clock.unwrap_or(rules.is_remote);
        rules.has_stop = self.stop;
        rules.on_configure_failure = match self.on_configure_failure {
            OnFailure::Skip => OnConfigureFailure::Skip,
            OnFailure::Start => OnConfigureFailure::Start,
        };
        let uploads = self.uploads.map(source).transpose().map_err(wrong)?;
        if uploads.is_some() && version == SignalVersion::V2 {
            let why =
                "`uploads` belongs to version 1: a payload of version 2 asks the agent itself";
            return Err(wrong(why.to_owned()));
        }
        rules.has_inbox = uploads.is_some();
        Ok(SignalledPayload {
            rules,
            transport,
            executable: self.executable,
            signaling_dir: self.signaling_dir.trim_end_matches('/').to_owned(),
            uploads,
        })
    }
}

fn transport(written: toml::Value) -> Result<Transport, String> {
    let table = match written {
        toml::Value::String(word) if word == "local" => return Ok(Transport::Local),
        toml::Value::Table(table) => table,
        other => {
            return Err(format!(
                "`transport` is {other}: \"local\" or {{ ssh = \"user@host\", … }} is meant"
            ));
        }
    };
    let written: SshWritten = table
        .try_into()
        .map_err(|error: toml::de::Error| format!("`transport`: {}", error.message()))?;
    // An option for the client would be anything.
    let is_destination = !written.ssh.is_empty()
        && !written.ssh.starts_with('-')
        && written.ssh.bytes().all(|octet| octet.is_ascii_graphic());
    if !is_destination {
        let ssh = written.ssh.escape_debug();
        return Err(format!(
            "`transport`: `ssh` is `{ssh}`: `user@host` is meant"
        ));
    }
    Ok(Transport::Ssh(Ssh {
        destination: written.ssh,
        port: written.port,
        identity_file: absolute(written.identity_file)?,
        known_hosts_file: absolute(written.known_hosts_file)?,
    }))
}

/// The client begins elsewhere.
fn absolute(path: PathBuf) -> Result<PathBuf, String> {
    std::path::absolute(&path).map_err(|error| format!("{}: {error}", path.display()))
}

fn source(written: Uploads) -> Result<UploadSource, String> {
    let Uploads { agent, topic } = written;
    let agent = agent.trim_end_matches('/').to_owned();
    if !agent.starts_with("http://") {
        let agent = agent.escape_debug();
        return Err(format!(
            "`uploads`: `agent` is `{agent}`: http://… is meant"
        ));
    }
    let is_inner = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    if topic.is_empty() || !topic.bytes().all(is_inner) {
        let topic = topic.escape_debug();
        return Err(format!(
            "`uploads`: `topic` is `{topic}`: A-Z, a-z, 0-9, `-` and `_` are meant"
        ));
    }
    Ok(UploadSource { agent, topic })
}
