//! This machine, and another by SSH: what is called there, and files that are there whole or not
//! at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use super::payload::{Ssh, Transport};
use super::running::{Ran, bare, run};
use crate::core::Setback;

/// The time of a connection.
const CONNECT_S: u64 = 10;
/// A connection of which nothing is heard three times that long is lost.
const ALIVE_S: u64 = 5;
/// The time of a command that is soon done.
const SHORT: Duration = Duration::from_secs(20);
/// The time of a file.
const FILE: Duration = Duration::from_secs(50);
/// Exit codes of what is called there, beside those of the programs that it is made of.
const NO_DIRECTORY: i32 = 66;
const NOT_WRITABLE: i32 = 73;
const NOT_WHOLE: i32 = 74;

/// A file that is to be there.
pub(super) struct Delivery<'a> {
    /// Its directory.
    pub(super) directory: &'a str,
    /// Whether that is made where it is not there.
    pub(super) makes_directory: bool,
    /// Its name.
    pub(super) name: &'a str,
    /// Its permissions.
    pub(super) mode: u32,
    /// What it has.
    pub(super) data: Box<dyn Read + Send>,
    /// How many octets that are.
    pub(super) bytes: u64,
}

impl Transport {
    /// The program and its arguments that call that there, without a shell reading them.
    pub(super) fn command(&self, executable: &str, arguments: &[String]) -> Vec<String> {
        match self {
            Transport::Local => {
                let mut command = vec![executable.to_owned()];
                command.extend_from_slice(arguments);
                command
            }
            Transport::Ssh(ssh) => {
                let words = arguments.iter().map(|word| quoted(word));
                let words: Vec<_> = words.collect();
                let there = format!("exec {} {}", quoted(executable), words.join(" "));
                ssh.command(&there, true)
            }
        }
    }

    /// Whether it can be reached.
    pub(super) fn reach(&self) -> Result<(), Setback> {
        match self {
            Transport::Local => Ok(()),
            Transport::Ssh(ssh) => ssh.run("exec true", None, SHORT),
        }
    }

    /// Sets its clock to now.
    pub(super) fn set_clock(&self) -> Result<(), Setback> {
        let now = service_host::wall_clock::now()
            .ok_or_else(|| Setback::for_good("the clock here is not set"))?;
        let at = format!("@{}", now.as_secs());
        match self {
            Transport::Local => {
                let words = ["-u".to_owned(), "-s".to_owned(), at];
                let ran = run(&mut bare("date", &words), None, SHORT);
                ended(ran.map_err(|error| Setback::for_now(error.to_string()))?)
            }
            Transport::Ssh(ssh) => ssh.run(&format!("exec date -u -s {at}"), None, SHORT),
        }
    }

    /// Puts a file there, in the place of one that is there.
    pub(super) fn deliver(&self, delivery: Delivery<'_>) -> Result<(), Setback> {
        match self {
            Transport::Local => put(delivery),
            Transport::Ssh(ssh) => ssh.put(delivery),
        }
    }
}

fn put(delivery: Delivery<'_>) -> Result<(), Setback> {
    let directory = Path::new(delivery.directory);
    if delivery.makes_directory {
        let made = fs::create_dir_all(directory);
        made.map_err(|error| failed(directory, &error))?;
    }
    if !directory.is_dir() {
        return Err(no_directory(delivery.directory));
    }
    let part = directory.join(format!(".{}.part", delivery.name));
    let written = || -> io::Result<()> {
        // A link there would lead anywhere.
        match fs::remove_file(&part) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        let mut to = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&part)?;
        let mut from = delivery.data;
        io::copy(&mut from, &mut to)?;
        to.set_permissions(fs::Permissions::from_mode(delivery.mode))?;
        to.sync_all()?;
        fs::rename(&part, directory.join(delivery.name))?;
        File::open(directory)?.sync_all()
    };
    written().map_err(|error| failed(directory, &error))
}

fn failed(path: &Path, error: &io::Error) -> Setback {
    let why = format!("{}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Setback::for_good(why)
        }
        _ => Setback::for_now(why),
    }
}

fn no_directory(directory: &str) -> Setback {
    Setback::for_good(format!(
        "{directory} is no directory: the payload is to have it"
    ))
}

impl Ssh {
    /// The client of the system and its arguments.
    fn command(&self, there: &str, is_without_input: bool) -> Vec<String> {
        let mut words = vec!["ssh".to_owned(), "-F".to_owned(), "none".to_owned()];
        words.push("-T".to_owned());
        if is_without_input {
            words.push("-n".to_owned());
        }
        let known_hosts = self.known_hosts_file.display();
        for option in [
            "BatchMode=yes".to_owned(),
            "StrictHostKeyChecking=yes".to_owned(),
            format!("UserKnownHostsFile=\"{known_hosts}\""),
            "GlobalKnownHostsFile=none".to_owned(),
            "UpdateHostKeys=no".to_owned(),
            "IdentitiesOnly=yes".to_owned(),
            "IdentityAgent=none".to_owned(),
            "ForwardAgent=no".to_owned(),
            "LogLevel=ERROR".to_owned(),
            format!("ConnectTimeout={CONNECT_S}"),
            format!("ServerAliveInterval={ALIVE_S}"),
            "ServerAliveCountMax=3".to_owned(),
        ] {
            words.extend(["-o".to_owned(), option]);
        }
        words.extend(["-i".to_owned(), self.identity_file.display().to_string()]);
        words.extend(["-p".to_owned(), self.port.to_string()]);
        words.extend(["--".to_owned(), self.destination.clone(), there.to_owned()]);
        words
    }

    fn run(
        &self,
        there: &str,
        input: Option<Box<dyn Read + Send>>,
        time: Duration,
    ) -> Result<(), Setback> {
        let command = self.command(there, input.is_none());
        let Some((program, arguments)) = command.split_first() else {
            return Ok(());
        };
        let ran = run(&mut bare(program, arguments), input, time);
        let ran = ran.map_err(|error| {
            let why = format!("no ssh can be begun (Debian: openssh-client): {error}");
            Setback::for_now(why)
        });
        ended(ran?)
    }

    fn put(&self, delivery: Delivery<'_>) -> Result<(), Setback> {
        let there = script(
            delivery.directory,
            delivery.makes_directory,
            delivery.name,
            delivery.mode,
            delivery.bytes,
        );
        let put = self.run(&there, Some(delivery.data), FILE);
        put.map_err(|setback| match setback.is_final {
            true => no_directory(delivery.directory),
            false => setback,
        })
    }
}

/// Writes what it reads to a file, which has its name when it is whole and on the disk.
fn script(directory: &str, makes: bool, name: &str, mode: u32, bytes: u64) -> String {
    let (directory, name) = (quoted(directory), quoted(name));
    let make = if makes {
        "mkdir -p \"$d\" || exit 73; "
    } else {
        ""
    };
    format!(
        "d={directory}; n={name}; {make}[ -d \"$d\" ] || exit {NO_DIRECTORY}; \
         [ -w \"$d\" ] || exit {NOT_WRITABLE}; p=\"$d/.$n.part\"; \
         cat > \"$p\" && [ \"$(wc -c < \"$p\")\" -eq {bytes} ] || exit {NOT_WHOLE}; \
         chmod {mode:o} \"$p\" && sync && mv -f \"$p\" \"$d/$n\" && sync"
    )
}

/// One word for a shell, whatever it has in it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn ended(ran: Ran) -> Result<(), Setback> {
    let code = ran.status.and_then(|status| status.code());
    let last_words = ran.errors.lines().next_back().unwrap_or_default();
    match code {
        _ if ran.is_late => Err(Setback::for_now("it took too long")),
        Some(0) => Ok(()),
        Some(NO_DIRECTORY | NOT_WRITABLE) => Err(Setback::for_good(last_words)),
        Some(NOT_WHOLE) => Err(Setback::for_now(format!(
            "the file did not arrive whole: {last_words}"
        ))),
        Some(code) => Err(Setback::for_now(format!("exit code {code}: {last_words}"))),
        None => Err(Setback::for_now("it ended by a signal")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_one_word_for_a_shell_whatever_it_has_in_it() {
        for word in [
            "a b",
            "it's",
            "$(reboot)",
            "`x`",
            "a\nb",
            "-e",
            "\\",
            "''",
            "",
        ] {
            let printed = std::process::Command::new("sh")
                .args(["-c", &format!("printf '%s|' {} end", quoted(word))])
                .output()
                .unwrap();
            let printed = String::from_utf8(printed.stdout).unwrap();
            assert_eq!(printed, format!("{word}|end|"));
        }
    }

    #[test]
    fn a_file_that_was_cut_off_on_its_way_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let there = |bytes| {
            let at = folder.path().display().to_string();
            let mut sh = std::process::Command::new("sh");
            sh.arg("-c")
                .arg(script(&at, false, "it's.json", 0o644, bytes));
            sh.stdin(std::process::Stdio::piped());
            let mut child = sh.spawn().unwrap();
            let mut input = child.stdin.take().unwrap();
            io::Write::write_all(&mut input, b"hello").unwrap();
            drop(input);
            child.wait().unwrap().code()
        };
        let file = folder.path().join("it's.json");
        assert_eq!(there(9), Some(NOT_WHOLE));
        assert!(!file.exists());
        assert_eq!(there(5), Some(0));
        assert_eq!(fs::read(&file).unwrap(), b"hello");
    }
}
