//! An app's files are asked for, and it hears what becomes of them.

use payload_interface::messages as msg;
use payload_interface::{ReqStatus, ReturnCode};

use super::action::Action;
use super::app::App;
use super::craft::{Craft, next};
use super::files::{NewFile, Turn, within};
use super::notice::What;
use super::record::{FileBand, FileId, FilePriority, FileRecord, Record};
use super::requests::{Refusal, refuse};
use super::time::Now;

impl App {
    pub(super) fn stage(
        &mut self,
        craft: &mut Craft,
        now: Now,
        ask: msg::ReqStageFileDownloadParams,
    ) -> Result<(), Refusal> {
        let path = match within(&ask.file_path, &craft.outbound) {
            Ok(path) => path,
            Err(why) => return refuse(ReturnCode::INVALID_PARAMS, why),
        };
        let priority = match ask.file_priority {
            0 => FilePriority::Low,
            1 => FilePriority::Normal,
            2 => FilePriority::High,
            3 => FilePriority::Immediate,
            _ => return refuse(ReturnCode::INVALID_PARAMS, "there is no such priority"),
        };
        let band = match ask.file_dl_band {
            0 => FileBand::SBand,
            1 => FileBand::XBand,
            _ => return refuse(ReturnCode::INVALID_PARAMS, "there is no such band"),
        };
        if let Some(why) = self.files.full() {
            return refuse(ReturnCode::OUT_OF_RESOURCES, why);
        }
        self.counts.files += 1;
        let new = NewFile {
            id: FileId(next(&mut craft.ids.file)),
            app: self.rules.name.clone(),
            path,
            priority,
            band,
            correlation_id: ask.correlation_id,
            session: self.session_number(),
        };
        let file = self.files.ask(now, new);
        craft.record(Record::File(Box::new(file.clone())));
        craft.act(Action::Stage(Box::new(file)));
        Ok(())
    }

    /// A file stands otherwise.
    pub(super) fn file_turned(&mut self, craft: &mut Craft, now: Now, turn: Turn) {
        let forget = |craft: &mut Craft, file: &FileRecord| {
            craft.record(Record::FileForgotten(file.id));
        };
        let (file, what) = match turn {
            Turn::Accepted(file) => {
                craft.record(Record::File(Box::new(file.clone())));
                self.staged(now, &file, ReqStatus::Success);
                (file, "is with the link service".to_owned())
            }
            Turn::Repeated(file) => {
                forget(craft, &file);
                self.counts.file_ended("repeated");
                self.staged(now, &file, ReqStatus::Success);
                (file, "was with the link service already".to_owned())
            }
            Turn::Refused(file, why) => {
                forget(craft, &file);
                self.counts.file_ended("refused");
                self.staged(now, &file, ReqStatus::Failed);
                (file, format!("does not go down: {why}"))
            }
            Turn::Again(file, why) => {
                craft.record(Record::File(Box::new(file.clone())));
                (file, format!("failed and is handed in again later: {why}"))
            }
            Turn::GivenUp(file, why) => {
                forget(craft, &file);
                self.counts.file_ended("given up");
                (file, format!("is given up and stays where it is: {why}"))
            }
            Turn::OnGround(file) => {
                craft.record(Record::File(Box::new(file.clone())));
                craft.act(Action::Discard(Box::new(file.clone())));
                (file, "is on the ground".to_owned())
            }
            Turn::Gone(file) => {
                forget(craft, &file);
                self.counts.file_ended("on ground");
                (file, "is on the ground and removed here".to_owned())
            }
        };
        let what = What::File {
            file: file.id,
            path: file.path,
            what,
        };
        craft.tell(now, Some(&self.rules.name), what);
    }

    /// The payload hears what came of its file, if it is still the one that asked.
    fn staged(&mut self, now: Now, file: &FileRecord, status: ReqStatus) {
        if file.session == self.session_number() && self.session.is_some() {
            let response = msg::RespStageFileDownloadParams {
                correlation_id: file.correlation_id,
                req_status: status.into(),
            };
            self.respond(now, None, response);
        }
    }
}
