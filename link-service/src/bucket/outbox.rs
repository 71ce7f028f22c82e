//! Requests in outboxes: found, handed in, and answered once they have ended.
//!
//! ```text
//! NAME.linkrequest.json is listed ─▶ read ─▶ may it be sent? ─▶ noted ─▶ files fetched
//!      ┌──────────────────────────────────────────────────────────────────────┘
//!      ▼
//! handed in ─▶ … it has ended ─▶ sources removed ─▶ receipt put ─▶ request removed
//! ```
//!
//! The request's object is what is kept: after a crash it is found again, and as its id is made
//! of the object, it is the same request.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

use bucket_store::object_store::path::Path;
use bucket_store::object_store::{
    Error, GetOptions, ObjectStore as _, ObjectStoreExt as _, PutOptions, PutPayload,
};
use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::time::sleep;

use super::fetch::FetchError;
use super::note::{Note, Notes, SourceNote};
use super::refused::{Undone, short};
use super::request::{self, Asked, Listed, No};
use super::{Shared, Store, keys};
use crate::code::Code;
use crate::desk::Desk;
use crate::dropbox::Submit;
use crate::folders::{FolderError, Folders};
use crate::journal::Journal;
use crate::names::{AppId, FileName, Subdirectory};
use crate::policy::{Party, Question};
use crate::record::{Phase, TransferId};
use crate::request::LinkRequest;

/// All outboxes in a bucket that this node takes requests out of.
pub(super) struct Outboxes<F: Folders, J: Journal, S> {
    shared: Rc<Shared<F, J, S>>,
    open: BTreeMap<AppId, BTreeMap<String, Open>>,
    /// Where the next look begins, of outboxes with too many keys for one.
    offsets: BTreeMap<AppId, Path>,
    /// What was said last of an app that did not go well: it is said once.
    said: BTreeMap<AppId, String>,
}

/// A request that the desk has accepted.
struct Open {
    listed: Listed,
    id: TransferId,
    request_id: String,
    subdirectory: Subdirectory,
    files: Vec<FileName>,
}

/// Why something is not done now. It is tried again.
#[derive(Debug, thiserror::Error)]
enum LaterError {
    #[error("{what}: {said}")]
    Store { what: String, said: String },
    #[error(transparent)]
    Disk(#[from] FolderError),
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("{0}")]
    Wait(String),
}

impl LaterError {
    fn of(what: impl Into<String>) -> impl FnOnce(Error) -> Self {
        let what = what.into();
        move |error| {
            let said = short(&error);
            LaterError::Store { what, said }
        }
    }
}

/// What is done about a request that is not open.
enum Took {
    Open(Open),
    /// It is answered at once.
    No(No),
    /// Its app took it back.
    Gone,
}

impl<F: Folders, J: Journal, S: Store> Outboxes<F, J, S> {
    pub(super) fn new(shared: Rc<Shared<F, J, S>>) -> Self {
        Outboxes {
            shared,
            open: BTreeMap::new(),
            offsets: BTreeMap::new(),
            said: BTreeMap::new(),
        }
    }

    /// Looks again and again, until it is dropped.
    pub(super) async fn run(mut self) {
        loop {
            let began = Instant::now();
            for app in self.apps() {
                let looked = self.look_at(&app).await;
                self.say(&app, looked);
            }
            let next = began + self.shared.limits.poll;
            loop {
                for app in self.apps() {
                    let told = self.tell_ended(&app).await;
                    self.say(&app, told);
                }
                if Instant::now() >= next {
                    break;
                }
                sleep(self.shared.limits.look).await;
            }
        }
    }

    fn apps(&self) -> Vec<AppId> {
        let access = self.shared.desk.access().current();
        let apps = access.registry().apps().filter(|app| {
            let bucket = app.bucket.as_ref();
            bucket.is_some_and(|bucket| bucket.is_polled && bucket.name == self.shared.name)
        });
        apps.map(|app| app.id.clone()).collect()
    }

    fn say(&mut self, app: &AppId, went: Result<(), LaterError>) {
        let Err(error) = went else {
            return;
        };
        self.shared.counter.count(|counts| counts.failed += 1);
        let text = error.to_string();
        if self.said.insert(app.clone(), text.clone()).as_ref() != Some(&text) {
            let bucket = &self.shared.name;
            log::warn!("outbox of {app} in bucket {bucket}: {text}; it is tried again");
        }
    }

    /// Takes what is new in an outbox. One request that does not go well keeps no other.
    async fn look_at(&mut self, app: &AppId) -> Result<(), LaterError> {
        let mut went = Ok(());
        for listed in self.list(app).await? {
            let open = self.open.get(app);
            let open_max = self.shared.limits.requests_max;
            if open.is_some_and(|open| open.len() >= open_max) {
                break;
            }
            // One at a time of each name.
            if open.is_some_and(|open| open.contains_key(&listed.stem)) {
                continue;
            }
            let taken = match self.take(app, &listed).await {
                Ok(Took::Open(open)) => {
                    let of_app = self.open.entry(app.clone()).or_default();
                    of_app.insert(listed.stem.clone(), open);
                    Ok(())
                }
                Ok(Took::No(no)) => self.tell_no(app, &listed, no).await,
                Ok(Took::Gone) => Ok(()),
                Err(later) => Err(later),
            };
            went = went.and(taken);
        }
        went
    }

    /// The requests that are there.
    async fn list(&mut self, app: &AppId) -> Result<Vec<Listed>, LaterError> {
        let shared = Rc::clone(&self.shared);
        let outbox = keys::outbox(&shared.bucket, app);
        let outbox = outbox.map_err(|error| LaterError::Wait(error.to_string()))?;
        let store = shared.bucket.store();
        let mut objects = match self.offsets.remove(app) {
            Some(offset) => store.list_with_offset(Some(&outbox), &offset),
            None => store.list(Some(&outbox)),
        };
        let mut found = Vec::new();
        let mut keys = 0;
        while let Some(object) = objects.next().await {
            let object = object.map_err(LaterError::of("listing it"))?;
            if let Some(stem) = keys::stem_of(&outbox, &object.location)
                && found.len() < shared.limits.requests_max
            {
                found.push(Listed {
                    stem: stem.to_owned(),
                    size: object.size,
                    etag: object.e_tag.clone(),
                    put_at: object.last_modified.to_rfc3339(),
                    key: object.location.clone(),
                });
            }
            keys += 1;
            if keys >= shared.limits.keys_max {
                self.offsets.insert(app.clone(), object.location);
                break;
            }
        }
        Ok(found)
    }

    async fn take(&self, app: &AppId, listed: &Listed) -> Result<Took, LaterError> {
        let shared = &self.shared;
        let asked = match self.read(app, listed).await? {
            Ok(asked) => asked,
            Err(took) => return Ok(took),
        };
        let request_id = asked.request.request_id.clone();
        // What the desk knows was fetched before a crash.
        if shared.desk.find(app, &request_id).is_none() {
            if self.is_in_use(app, &asked.request) {
                let text = format!("{} waits for another request of its file", listed.key);
                return Err(LaterError::Wait(text));
            }
            let note = match self.sources(app, &asked).await? {
                Ok(note) => note,
                Err(no) => return Ok(Took::No(no)),
            };
            let notes = Notes::open(shared.desk.folders(), app)?;
            self.has_room(&notes, &note)?;
            notes.write(&request_id, &note)?;
            drop(notes);
            let files = asked.request.files.iter().zip(&note.sources);
            for (name, source) in files {
                let subdirectory = &asked.request.subdirectory;
                shared.fetch(app, source, subdirectory, name).await?;
            }
        }
        let answer = shared.desk.submit(app, asked.body);
        let (subdirectory, files) = (asked.request.subdirectory, asked.request.files);
        match answer.id {
            Some(id) => {
                shared.counter.count(|counts| {
                    counts.taken += 1;
                    counts.accepted += 1;
                });
                Ok(Took::Open(Open {
                    listed: listed.clone(),
                    id,
                    request_id,
                    subdirectory,
                    files,
                }))
            }
            None if may_heal(answer.code) => {
                let text = format!("{}: {}", listed.key, answer.code);
                Err(LaterError::Wait(text))
            }
            None => {
                shared.drop_fetched(app, &subdirectory, &files, &[])?;
                let notes = Notes::open(shared.desk.folders(), app)?;
                notes.remove(&request_id)?;
                Ok(Took::No(No {
                    is_unread: false,
                    answer: answer.response,
                }))
            }
        }
    }

    async fn read(&self, app: &AppId, listed: &Listed) -> Result<Result<Asked, Took>, LaterError> {
        let most = self.shared.limits.request_bytes_max;
        if listed.size > most {
            let text = format!(
                "no link request: {} octets; {most} are the most",
                listed.size
            );
            return Ok(Err(Took::No(No::unread(Code::InvalidArgument, &text))));
        }
        // No other than the listed one: the id is made of that.
        let options = GetOptions {
            if_match: listed.etag.clone(),
            range: Some((0..most).into()),
            ..GetOptions::default()
        };
        let options = match listed.size {
            // There is no range of nothing.
            0 => GetOptions {
                range: None,
                ..options
            },
            _ => options,
        };
        let store = self.shared.bucket.store();
        let got = match store.get_opts(&listed.key, options).await {
            Err(Error::NotFound { .. } | Error::Precondition { .. }) => {
                return Ok(Err(Took::Gone));
            }
            got => got.map_err(LaterError::of(format!("reading {}", listed.key)))?,
        };
        let octets = got.bytes().await;
        let octets = octets.map_err(LaterError::of(format!("reading {}", listed.key)))?;
        let read = request::read(&self.shared.bucket, app, listed, &octets);
        Ok(read.map_err(Took::No))
    }

    /// The objects that are to go, if they may.
    async fn sources(&self, app: &AppId, asked: &Asked) -> Result<Result<Note, No>, LaterError> {
        if let Err(no) = self.may_be_sent(app, &asked.request, 0) {
            return Ok(Err(no));
        }
        let mut note = Note {
            leave: asked.leave,
            sources: Vec::with_capacity(asked.keys.len()),
        };
        for key in &asked.keys {
            let found = self
                .shared
                .found(key)
                .await
                .map_err(|undone| match undone {
                    Undone::Again(why) | Undone::Never(why) => LaterError::Wait(why.text),
                    Undone::Stopped(_) | Undone::Stopping => LaterError::Wait(String::new()),
                })?;
            let Some(found) = found else {
                let text = format!("there is no {key}");
                return Ok(Err(No::refused(Code::SourceNotFound, &text)));
            };
            note.sources.push(SourceNote {
                key: key.to_string(),
                etag: found.etag,
                size: found.size,
            });
        }
        let allowed = self.may_be_sent(app, &asked.request, bytes_of(&note));
        Ok(allowed.map(|()| note))
    }

    /// What would be refused is not fetched.
    fn may_be_sent(&self, app: &AppId, request: &LinkRequest, size: u64) -> Result<(), No> {
        let access = self.shared.desk.access().current();
        for to in &request.recipients {
            let decision = access.decide(&Question {
                from: &Party::App(app.clone()),
                to,
                link_type: request.link_type,
                size,
                priority: request.priority,
            });
            if let Some(code) = decision.refusal {
                return Err(No::refused(code, &decision.to_string()));
            }
        }
        Ok(())
    }

    /// Whether a file of it is of a request that is under way: here it would have its place.
    fn is_in_use(&self, app: &AppId, request: &LinkRequest) -> bool {
        let mut open = self.open.get(app).into_iter().flatten();
        open.any(|(_, open)| {
            let mut files = open.files.iter();
            open.subdirectory == request.subdirectory
                && files.any(|file| request.files.contains(file))
        })
    }

    fn has_room(&self, notes: &Notes<'_, F>, note: &Note) -> Result<(), LaterError> {
        let free = self.shared.desk.folders().free_bytes(&notes.outbox)?;
        let access = self.shared.desk.access().current();
        let settings = access.settings();
        let kept = settings
            .free_bytes_min
            .saturating_add(settings.reserved_critical_bytes);
        let bytes = bytes_of(note);
        match free >= bytes.saturating_add(kept) {
            true => Ok(()),
            false => Err(LaterError::Wait(format!(
                "{bytes} octets to fetch on a file system with {free} free, of which {kept} are \
                 left free"
            ))),
        }
    }

    async fn tell_no(&self, app: &AppId, listed: &Listed, no: No) -> Result<(), LaterError> {
        self.put_receipt(app, &listed.stem, &no.answer).await?;
        self.remove_request(listed).await?;
        self.shared.counter.count(|counts| {
            counts.taken += 1;
            match no.is_unread {
                true => counts.unread += 1,
                false => counts.refused += 1,
            }
        });
        Ok(())
    }

    /// Answers requests that have ended since.
    async fn tell_ended(&mut self, app: &AppId) -> Result<(), LaterError> {
        let Some(mut open) = self.open.remove(app) else {
            return Ok(());
        };
        let mut went = Ok(());
        let stems: Vec<String> = open.keys().cloned().collect();
        for stem in stems {
            let Some(one) = open.get(&stem) else {
                continue;
            };
            match self.end(app, &stem, one).await {
                Ok(true) => {
                    open.remove(&stem);
                }
                Ok(false) => {}
                Err(later) => went = went.and(Err(later)),
            }
        }
        if !open.is_empty() {
            self.open.insert(app.clone(), open);
        }
        if went.is_err() {
            sleep(self.shared.limits.look * 10).await;
        }
        went
    }

    /// Whether nothing is left of one.
    async fn end(&self, app: &AppId, stem: &str, open: &Open) -> Result<bool, LaterError> {
        let shared = &self.shared;
        if shared.desk.is_open(open.id) {
            return Ok(false);
        }
        let Ok(view) = Desk::status(&shared.desk, app, open.id) else {
            // It is forgotten. The next look hands it in again, and that says what becomes of it.
            return Ok(true);
        };
        let Phase::Ended(outcome) = &view.transfer.phase else {
            return Ok(false);
        };
        let notes = Notes::open(shared.desk.folders(), app)?;
        let note = notes.read(&open.request_id)?.unwrap_or_default();
        match outcome.code {
            Code::Ok if !note.leave => {
                for source in &note.sources {
                    self.release(source).await?;
                }
            }
            Code::Ok => {}
            _ => shared.drop_fetched(app, &open.subdirectory, &open.files, &outcome.returned)?,
        }
        if let Some(answer) = Submit::status(&shared.desk, app, open.id) {
            self.put_receipt(app, stem, &answer.response).await?;
        }
        self.remove_request(&open.listed).await?;
        notes.remove(&open.request_id)?;
        shared.counter.count(|counts| counts.ended += 1);
        Ok(true)
    }

    /// Removes an object that was delivered, unless another has its key by now.
    async fn release(&self, source: &SourceNote) -> Result<(), LaterError> {
        let key = Path::parse(&source.key);
        let key = key.map_err(|error| LaterError::Wait(error.to_string()))?;
        self.remove_if(&key, source.etag.as_deref()).await
    }

    async fn remove_request(&self, listed: &Listed) -> Result<(), LaterError> {
        self.remove_if(&listed.key, listed.etag.as_deref()).await
    }

    /// Removes an object, if it is still the one with that tag.
    async fn remove_if(&self, key: &Path, etag: Option<&str>) -> Result<(), LaterError> {
        let store = self.shared.bucket.store();
        let found = match store.head(key).await {
            Err(Error::NotFound { .. }) => return Ok(()),
            found => found.map_err(LaterError::of(format!("looking at {key}")))?,
        };
        if etag.is_some() && found.e_tag.as_deref() != etag {
            return Ok(());
        }
        match store.delete(key).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(LaterError::of(format!("removing {key}"))(error)),
        }
    }

    async fn put_receipt(
        &self,
        app: &AppId,
        stem: &str,
        response: &Value,
    ) -> Result<(), LaterError> {
        let key = keys::receipt(&self.shared.bucket, app, stem);
        let key = key.map_err(|error| LaterError::Wait(error.to_string()))?;
        let payload = PutPayload::from(format!("{response:#}\n").into_bytes());
        let store = self.shared.bucket.store();
        let put = store.put_opts(&key, payload, PutOptions::default()).await;
        put.map_err(LaterError::of(format!("putting {key}")))?;
        Ok(())
    }
}

fn bytes_of(note: &Note) -> u64 {
    let sizes = note.sources.iter().map(|source| source.size);
    sizes.fold(0, u64::saturating_add)
}

/// Whether the same request may be taken another time.
fn may_heal(code: Code) -> bool {
    matches!(code, Code::Unavailable | Code::NoSpace | Code::IoError)
}
