//! Files of an app that are copied to another, one after the other.

use std::collections::VecDeque;
use std::time::Duration;

use payload_interface::messages as msg;
use payload_interface::{AppName, AppNumber, ReqStatus, ReturnCode};

use super::action::{Action, CopyId};
use super::app::App;
use super::craft::{Craft, next};
use super::files::within;
use super::outbox::Purpose;
use super::record::{CopiedFile, CopyRecord};
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
    open: VecDeque<CopyRecord>,
    current: Option<(CopyId, Duration)>,
}

impl Copies {
    pub(super) fn recovered(open: Vec<CopyRecord>) -> Self {
        Copies {
            open: open.into(),
            current: None,
        }
    }

    /// Requests of which the app has not heard everything.
    pub(super) fn open(&self) -> impl Iterator<Item = &CopyRecord> {
        self.open.iter()
    }

    fn is_full(&self) -> bool {
        self.open.len() >= OPEN_MAX
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.current.map(|(_, until)| until)
    }

    pub(super) fn clear(&mut self) {
        *self = Copies::default();
    }

    /// The first that is not copied, and to whom it goes.
    fn next(&self) -> Option<(&AppName, &CopiedFile)> {
        let files = self.open.iter().flat_map(|copy| {
            let files = copy.files.iter();
            files.map(|file| (&copy.peer, file))
        });
        files.into_iter().find(|(_, file)| file.result.is_none())
    }

    /// That one is copied, or not: its request and what it is called; and whether it is the last.
    fn done(&mut self, result: bool) -> Option<(i32, String, bool)> {
        let is_open = |file: &CopiedFile| file.result.is_none();
        let copy = self
            .open
            .iter_mut()
            .find(|copy| copy.files.iter().any(is_open))?;
        let at = copy.files.iter().position(is_open)?;
        let file = copy.files.get_mut(at)?;
        file.result = Some(result);
        let name = file.name.clone();
        let is_last = at + 1 == copy.files.len();
        Some((copy.correlation_id, name, is_last))
    }

    /// The app heard of the first of which it had not, or will not.
    fn told(&mut self) {
        if let Some(copy) = self.open.front_mut() {
            if copy.files.first().is_some_and(|file| file.result.is_some()) {
                copy.files.remove(0);
            }
            if copy.files.is_empty() {
                self.open.pop_front();
            }
        }
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
        let names = match names.collect::<Result<Vec<_>, _>>() {
            Ok(names) => names,
            Err(why) => return refuse(ReturnCode::INVALID_PARAMS, why),
        };
        let files = names
            .into_iter()
            .map(|name| CopiedFile { name, result: None });
        self.copies.open.push_back(CopyRecord {
            peer,
            correlation_id: ask.correlation_id,
            files: files.collect(),
        });
        self.copy_next(craft, now);
        Ok(())
    }

    fn copy_next(&mut self, craft: &mut Craft, now: Now) {
        if self.copies.current.is_some() {
            return;
        }
        let Some((peer, file)) = self.copies.next() else {
            return;
        };
        let copy = CopyId(next(&mut craft.ids.copy));
        craft.act(Action::Copy {
            app: self.rules.name.clone(),
            peer: peer.clone(),
            copy,
            name: file.name.clone(),
        });
        self.copies.current = Some((copy, now.after(COPY_MAX)));
    }

    /// A copy ended: the app hears of each file, and with the last that all are done.
    pub(super) fn copied(
        &mut self,
        craft: &mut Craft,
        now: Now,
        copy: CopyId,
        result: Result<(), String>,
    ) {
        let is_it = |current: &mut (CopyId, Duration)| current.0 == copy;
        if self.copies.current.take_if(is_it).is_none() {
            return;
        }
        if let Some((correlation_id, name, is_last)) = self.copies.done(result.is_ok()) {
            self.tell_of_copy(now, correlation_id, &name, result.is_ok(), is_last);
        }
        self.copy_next(craft, now);
    }

    fn tell_of_copy(
        &mut self,
        now: Now,
        correlation_id: i32,
        name: &str,
        is_copied: bool,
        is_last: bool,
    ) {
        let status = match is_copied {
            true => ReqStatus::Success,
            false => ReqStatus::Failed,
        };
        let notify = msg::HostToPeerFcmOperationNotify {
            correlation_id,
            fcm_complete: i32::from(!is_last),
            req_status: status.into(),
            file_name: shortened(name),
        };
        if !self.tell(now, None, notify, Purpose::Copied) {
            self.copies.told();
        }
    }

    /// What was told of a copy arrived, or never will.
    pub(super) fn copy_told(&mut self) {
        self.copies.told();
    }

    /// A new run of the controller goes on with copies as they were recorded: those that ended
    /// are told, perhaps again.
    pub(super) fn recover_copies(&mut self, craft: &mut Craft, now: Now, open: Vec<CopyRecord>) {
        let may_get = |copy: &CopyRecord| self.rules.copies_to.contains(&copy.peer);
        let open = open.into_iter().map(|mut copy| {
            if !may_get(&copy) {
                copy.files
                    .iter_mut()
                    .for_each(|file| file.result = file.result.or(Some(false)));
            }
            copy
        });
        self.copies = Copies::recovered(open.collect());
        let mut ended = Vec::new();
        for copy in self.copies.open() {
            let files = copy.files.iter().enumerate();
            ended.extend(files.filter_map(|(at, file)| {
                let is_last = at + 1 == copy.files.len();
                Some((
                    copy.correlation_id,
                    file.name.clone(),
                    file.result?,
                    is_last,
                ))
            }));
        }
        for (correlation_id, name, is_copied, is_last) in ended {
            self.tell_of_copy(now, correlation_id, &name, is_copied, is_last);
        }
        self.copy_next(craft, now);
    }

    pub(super) fn copies_on_time(&mut self, craft: &mut Craft, now: Now) {
        if let Some((copy, until)) = self.copies.current
            && until <= now.monotonic
        {
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
