//! A request that is kept goes on: it is read, handed in, and waited for.

use super::body::{self, Unread};
use super::kept_name::KeptName;
use super::place::Place;
use super::{Answer, Dropbox, Submit};
use crate::code::Code;
use crate::folders::{Facts, FolderError, Folders, Kind};
use crate::record::TransferId;

/// How far a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Nothing was done about it.
    New,
    /// It was no JSON when it was that long and was changed then: it may still be written.
    Partly(u64, i128),
    /// It is to be handed in again; the app was told this code.
    Again(Code),
    /// It was accepted.
    Open(TransferId),
}

impl<S: Submit> Dropbox<S> {
    /// One step of the request that is kept as `name`; gives nothing once it is over.
    pub(super) fn go_on(
        &mut self,
        place: &mut Place<'_, S::Folders>,
        name: &KeptName,
        was: Asked,
        takes_more: &mut bool,
    ) -> Result<Option<Asked>, FolderError> {
        if let Asked::Open(id) = was {
            return match self.desk.status(place.app, id) {
                Some(answer) if answer.code.is_terminal() => {
                    self.tell(place, name, &answer.response)?;
                    self.folders().remove(place.kept, name.as_str())?;
                    self.counts.ended += 1;
                    Ok(None)
                }
                Some(_) => Ok(Some(was)),
                // It is handed in again, and that says what became of it.
                None => {
                    self.counts.taken += 1;
                    Ok(Some(Asked::New))
                }
            };
        }
        if !*takes_more {
            return Ok(Some(was));
        }
        let body = match self.read(place, name)? {
            Ok(body) => body,
            Err(Unread::Incomplete(facts, _))
                if was != Asked::Partly(facts.size, facts.modified_ns) =>
            {
                return Ok(Some(Asked::Partly(facts.size, facts.modified_ns)));
            }
            Err(unread) => {
                let (code, text) = unread.told();
                self.tell(place, name, &body::refusal(code, &text))?;
                self.folders().remove(place.kept, name.as_str())?;
                self.counts.unread += 1;
                return Ok(None);
            }
        };
        let Answer { code, id, response } = self.desk.submit(place.app, body);
        match (id, may_heal(code)) {
            (Some(id), _) => {
                self.counts.accepted += 1;
                // What is over already is told of by its end alone.
                if !code.is_terminal() && was != Asked::Open(id) {
                    self.told_or_logged(place, name, &response);
                }
                Ok(Some(Asked::Open(id)))
            }
            (None, true) => {
                *takes_more = code != Code::Unavailable;
                if was != Asked::Again(code) {
                    self.told_or_logged(place, name, &response);
                }
                Ok(Some(Asked::Again(code)))
            }
            (None, false) => {
                self.tell(place, name, &response)?;
                self.folders().remove(place.kept, name.as_str())?;
                self.counts.refused += 1;
                Ok(None)
            }
        }
    }

    /// Reads a request. What the app puts there is not trusted: not to be a file, not to be
    /// small, not to be its own.
    fn read(
        &self,
        place: &Place<'_, S::Folders>,
        name: &KeptName,
    ) -> Result<Result<body::Body, Unread>, FolderError> {
        let refused = |text: &str| Ok(Err(Unread::NoRequest(text.to_owned())));
        let is_file = |facts: &Facts| facts.kind == Kind::File;
        match self.folders().look(place.kept, name.as_str())? {
            Some(facts) if is_file(&facts) => {}
            _ => return refused("it is a link, or no regular file"),
        }
        let file = self.folders().open(place.kept, name.as_str())?;
        // What is read now is what would be read after a cut of the power.
        self.folders().sync(&file)?;
        let facts = self.folders().facts(&file)?;
        let owner = self.folders().owner(place.app);
        if facts.links != 1 || owner.is_some_and(|owner| owner != facts.owner) {
            return refused("it is another user's file, or has a second name");
        }
        let most = self.limits.request_bytes_max;
        if facts.size > most {
            return refused(&format!("{} octets; {most} are the most", facts.size));
        }
        let mut octets = vec![0; usize::try_from(facts.size).unwrap_or_default()];
        let mut filled = 0;
        while let Some(rest) = octets.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.folders().read(&file, filled as u64, rest)? {
                0 => break,
                read => filled += read,
            }
        }
        octets.truncate(filled);
        let body = body::request(name.stem(), || name.tracking_id(), &octets);
        Ok(body.map_err(|no| Unread::of(no, facts)))
    }
}

/// Whether the same request may be taken another time.
fn may_heal(code: Code) -> bool {
    matches!(code, Code::Unavailable | Code::NoSpace | Code::IoError)
}
