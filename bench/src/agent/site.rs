//! An agent that runs.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::Client;
use super::floor;
use crate::cpu;

const PATIENCE: Duration = Duration::from_secs(60);
const LOOKS_EVERY: Duration = Duration::from_millis(5);

/// It is ended when this is dropped.
pub(super) struct Site {
    process: Child,
    folder: TempDir,
    port: u16,
}

impl Site {
    pub(super) fn start(agent: &Path, within: &Path, sync: bool) -> Result<Self> {
        let folder = tempfile::tempdir_in(within).context("no folder")?;
        for name in ["payload", "work"] {
            fs::create_dir(folder.path().join(name))?;
        }
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new(agent);
        command.arg("-w").arg(folder.path().join("work"));
        command.args(["-p", &port.to_string(), "-m", "0M", "-l", "error"]);
        command.args(["--telemetry", "none"]);
        if !sync {
            command.arg("--no-sync");
        }
        let process = command
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", agent.display()))?;
        let mut site = Site {
            process,
            folder,
            port,
        };
        let began = Instant::now();
        while site.client().is_err() {
            let ended = site.process.try_wait()?;
            ensure!(ended.is_none(), "the agent has ended: {ended:?}");
            ensure!(began.elapsed() < PATIENCE, "the agent does not answer");
            thread::sleep(LOOKS_EVERY);
        }
        Ok(site)
    }

    pub(super) fn client(&self) -> Result<Client> {
        Client::connect(self.port)
    }

    pub(super) fn payload(&self) -> PathBuf {
        self.folder.path().join("payload")
    }

    pub(super) fn resident_kib(&self) -> Result<u64> {
        Ok(cpu::usage(self.process.id())?.resident_kib)
    }

    /// Hands over the files of one who sends, by one connection.
    pub(super) fn send_all(&self, number: usize, files: usize) -> Result<()> {
        let mut client = self.client()?;
        for name in floor::names(number, files) {
            Self::send(&mut client, &self.payload().join(name))?;
        }
        Ok(())
    }

    /// Hands a file over: its identifier.
    pub(super) fn send(client: &mut Client, path: &Path) -> Result<String> {
        let body = json!({"destination": "ground", "filepath": path, "topic": "bench"});
        let answer = client.ask("POST", "/sdk/v1/send_file", &body.to_string())?;
        let answer: Value = serde_json::from_str(&answer)?;
        let id = answer.get("UUID").and_then(Value::as_str);
        Ok(id.context("no UUID")?.to_owned())
    }

    /// What a collector does that brings an item back.
    pub(super) fn bring_back(&self, id: &str) -> Result<()> {
        let work = self.folder.path().join("work");
        for suffix in ["data", "meta"] {
            let name = format!("{id}.{suffix}.oort");
            fs::rename(
                work.join("transfers").join(&name),
                work.join("uploads").join(&name),
            )?;
        }
        Ok(())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Where it has ended already, that is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
