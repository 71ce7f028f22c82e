//! Files of an app that are copied to another, one after the other.

use std::collections::VecDeque;
use std::time::Duration;

use payload_interface::messages as msg;
use payload_interface::{AppName, AppNumber, ReqStatus, ReturnCode};

use super::action::{Action, CopyId, RequestId};
use super::app::App;
use super::craft::{Craft, next};
use super::files::within;
use super::requests::{Refusal, refuse};
use super::time::Now;

/// Most files of one request, as the interface has them.
const COPY_FILES_MAX: usize = 32;
/// Requests that are not done at most.
const OPEN_MAX: usize = 4;
/// A copy takes so long at most.
const COPY_MAX: Duration = Duration::from_secs(600);
/// Octets of a name that the notification has room for.
const NAME_BYTES_MAX: usize = 15;

#[derive(Debug, Default)]
pub(crate) struct Copies {
    waiting: VecDeque<Copying>,
    current: Option<(CopyId, String, Duration)>,
}

#[derive(Debug)]
pub(super) struct Copying {
    pub(super) peer: AppName,
    pub(super) correlation_id: i32,
    pub(super) names: VecDeque<String>,
}

impl Copies {
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= OPEN_MAX
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.current.as_ref().map(|(_, _, until)| *until)
    }

    pub(super) fn clear(&mut self) {
        *self = Copies::default();
    }
}

impl App {
    pub(super) fn copy_files(
        &mut self,
        craft: &mut Craft,
        now: Now,
        ask: &msg::HostToPeerFcmOperation,
    ) -> Result<(), Refusal> {
        let number = u16::try_from(ask.peer_app_id).ok();
        let number = number.and_then(|number| AppNumber::try_from(number).ok());
        let peer = number.and_then(|number| craft.numbers.get(&number));
        let peer = peer.filter(|peer| self.rules.copies_to.contains(peer));
        let Some(peer) = peer.cloned() else {
            let why = format!("the app may not copy to app {}", ask.peer_app_id);
            return refuse(ReturnCode::NOT_PERMITTED, why);
        };
        let count = usize::try_from(ask.no_of_files).unwrap_or_default();
        if count == 0 || count > COPY_FILES_MAX || count > ask.file_input.len() {
            let why = "no_of_files is not the number of files, 1 to 32";
            return refuse(ReturnCode::INVALID_PARAMS, why);
        }
        if self.copies.is_full() {
            return refuse(ReturnCode::OUT_OF_RESOURCES, "too many copies wait");
        }
        let names = ask.file_input.iter().take(count).map(|file| {
            let length = usize::try_from(file.filename_length).unwrap_or_default();
            let name = file.filename.get(..length).unwrap_or_default();
            let name = std::str::from_utf8(name).map_err(|_| "a name is no UTF-8")?;
            within(name.trim_end_matches('\0'), &craft.outbound)
        });
        let names = match names.collect::<Result<_, _>>() {
            Ok(names) => names,
            Err(why) => return refuse(ReturnCode::INVALID_PARAMS, why),
        };
        let copying = Copying {
            peer,
            correlation_id: ask.correlation_id,
            names,
        };
        self.copy(craft, now, copying);
        Ok(())
    }

    pub(super) fn copy(&mut self, craft: &mut Craft, now: Now, copying: Copying) {
        self.copies.waiting.push_back(copying);
        self.copy_next(craft, now);
    }

    fn copy_next(&mut self, craft: &mut Craft, now: Now) {
        if self.copies.current.is_some() {
            return;
        }
        let Some(copying) = self.copies.waiting.front_mut() else {
            return;
        };
        let Some(name) = copying.names.pop_front() else {
            self.copies.waiting.pop_front();
            return;
        };
        let copy = CopyId(next(&mut craft.ids.copy));
        craft.act(Action::Copy {
            app: self.rules.name.clone(),
            peer: copying.peer.clone(),
            copy,
            name: name.clone(),
        });
        self.copies.current = Some((copy, name, now.after(COPY_MAX)));
    }

    /// A copy ended: the app hears of each file, and with the last that all are done.
    pub(super) fn copied(
        &mut self,
        craft: &mut Craft,
        now: Now,
        copy: CopyId,
        result: Result<(), String>,
    ) {
        let is_it = |current: &mut (CopyId, String, Duration)| current.0 == copy;
        let Some((_, name, _)) = self.copies.current.take_if(is_it) else {
            return;
        };
        let Some(copying) = self.copies.waiting.front() else {
            return;
        };
        let is_last = copying.names.is_empty();
        let status = match result {
            Ok(()) => ReqStatus::Success,
            Err(_) => ReqStatus::Failed,
        };
        let notify = msg::HostToPeerFcmOperationNotify {
            correlation_id: copying.correlation_id,
            fcm_complete: i32::from(!is_last),
            req_status: status.into(),
            file_name: shortened(&name),
        };
        if is_last {
            self.copies.waiting.pop_front();
        }
        self.respond(now, None::<RequestId>, notify);
        self.copy_next(craft, now);
    }

    pub(super) fn copies_on_time(&mut self, craft: &mut Craft, now: Now) {
        if let Some((copy, _, until)) = &self.copies.current
            && *until <= now.monotonic
        {
            let copy = *copy;
            self.copied(craft, now, copy, Err("it took too long".to_owned()));
        }
    }
}

fn shortened(name: &str) -> String {
    let mut short = String::new();
    for letter in name.chars() {
        if short.len() + letter.len_utf8() > NAME_BYTES_MAX {
            break;
        }
        short.push(letter);
    }
    short
}
