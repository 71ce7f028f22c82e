//! A client hands a file over.

use serde_json::Map;

use super::Agent;
use super::again::Again;
use super::error::AgentError;
use super::key::KeyUse;
use super::room::Room;
use super::state::Keyed;
use crate::item::{SendOptions, Topic, TopicError, TransferMeta, Uuid};
use crate::limits::ITEMS_MAX;
use crate::queue::Stage;
use crate::store::{Handed, StoreError, Stream};

/// What a client says of a file.
#[derive(Clone, Debug)]
pub struct Words {
    /// Its topic.
    pub topic: String,
    /// Whom it is for.
    pub destination: String,
    /// How it is to be sent.
    pub options: SendOptions,
    /// The same key means the same request.
    pub key: Option<KeyUse>,
}

/// A file that comes in the body of a request. Dropped, nothing of it stays.
pub struct Incoming<'a> {
    stream: Stream,
    words: Words,
    topic: Topic,
    place: Place<'a>,
}

/// How a request with a file as its body begins.
pub enum Begun<'a> {
    /// The body may come.
    Incoming(Box<Incoming<'a>>),
    /// It was done before: its body is read all the same.
    Again(Box<Again<'a>>),
}

/// A place for an item, room for it, and its key, until it is there.
struct Place<'a> {
    agent: &'a Agent,
    key: Option<KeyUse>,
    room: Room<'a>,
    is_filled: bool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.agent.state();
        state.under_way = state.under_way.saturating_sub(1);
        if let Some(key) = self.key.as_ref().filter(|_| !self.is_filled) {
            state.keys.remove(&key.key);
        }
    }
}

impl Agent {
    /// Takes a file. When this returns, it is queued, also after a power cut, and its source is
    /// gone.
    ///
    /// # Errors
    /// [`AgentError`]: the source is where it was.
    pub fn send_file(&self, path: &str, words: Words) -> Result<Uuid, AgentError> {
        self.counted(self.send(path, words))
    }

    fn send(&self, path: &str, words: Words) -> Result<Uuid, AgentError> {
        // The original's order: the path, the topic, the file.
        if !path.starts_with('/') {
            return Err(StoreError::NotAbsolute(path.to_owned()).into());
        }
        let topic = self.allowed(&words.topic)?;
        let mut place = match self.place(words.key.clone())? {
            Ok(place) => place,
            Err(known) => return Ok(known),
        };
        let source = self.store.source(path)?;
        let stage = Some(first_stage(&words.options));
        let handed = self.handed(words);
        let mut is_copied = self.store.copies(&source);
        let meta = loop {
            let bytes = match is_copied {
                true => source.bytes(),
                false => 0,
            };
            place.room.make(bytes, stage)?;
            let handed = handed.clone();
            let written = |bytes| place.room.written(bytes);
            let taken = self.store.take(&source, &topic, handed, is_copied, written);
            match taken {
                Err(StoreError::OtherFileSystem(_)) if !is_copied => is_copied = true,
                taken => break taken?,
            }
        };
        Ok(self.queued(&mut place, &meta))
    }

    /// Begins to take a file that comes in the body of a request, of `bytes` octets where that
    /// is known.
    ///
    /// # Errors
    /// [`AgentError`].
    pub fn begin(&self, words: Words, bytes: u64) -> Result<Begun<'_>, AgentError> {
        self.counted(self.begin_uncounted(words, bytes))
    }

    fn begin_uncounted(&self, words: Words, bytes: u64) -> Result<Begun<'_>, AgentError> {
        let topic = self.allowed(&words.topic)?;
        let mut place = match self.place(words.key.clone())? {
            Ok(place) => place,
            Err(known) => {
                let key = words.key.map(|key| key.key).unwrap_or_default();
                return Ok(Begun::Again(Box::new(Again::of(self, key, known))));
            }
        };
        place.room.make(bytes, Some(first_stage(&words.options)))?;
        Ok(Begun::Incoming(Box::new(Incoming {
            stream: self.store.begin_stream()?,
            words,
            topic,
            place,
        })))
    }

    fn handed(&self, words: Words) -> Handed {
        let mut extra = Map::new();
        if let Some(key) = &words.key {
            key.write(&mut extra);
        }
        Handed {
            destination: words.destination,
            options: words.options,
            time: self.clock.seconds(),
            extra,
        }
    }

    fn queued(&self, place: &mut Place<'_>, meta: &TransferMeta) -> Uuid {
        place.is_filled = true;
        let id = meta.file_info.id;
        let mut state = self.state();
        state.counts.handed_over = state.counts.handed_over.saturating_add(1);
        state.insert(self.clock.now(), meta, 0, 0);
        drop(state);
        self.notify();
        id
    }

    fn allowed(&self, topic: &str) -> Result<Topic, AgentError> {
        let topic: Topic = topic.parse()?;
        let allowed = &self.state().topics;
        match allowed.is_empty() || allowed.contains(&topic) {
            true => Ok(topic),
            false => Err(TopicError(topic.to_string()).into()),
        }
    }

    /// A place in the queue; the item, where a request with this key was done before.
    fn place(&self, key: Option<KeyUse>) -> Result<Result<Place<'_>, Uuid>, AgentError> {
        let mut state = self.state();
        if let Some(key) = &key
            && let Some(keyed) = state.keys.get(&key.key)
        {
            return match keyed.id {
                _ if keyed.asked != key.asked => Err(AgentError::KeyOfAnother(key.key.clone())),
                Some(id) => Ok(Err(id)),
                None => Err(AgentError::KeyUnderWay(key.key.clone())),
            };
        }
        if state.items.len().saturating_add(state.under_way) >= ITEMS_MAX {
            return Err(StoreError::Full(ITEMS_MAX).into());
        }
        state.under_way += 1;
        if let Some(key) = &key {
            let asked = key.asked.clone();
            state
                .keys
                .insert(key.key.clone(), Keyed { asked, id: None });
        }
        drop(state);
        Ok(Ok(Place {
            agent: self,
            key,
            room: Room::of(self),
            is_filled: false,
        }))
    }
}

impl Incoming<'_> {
    /// More of it.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn write(&mut self, octets: &[u8]) -> Result<(), AgentError> {
        let agent = self.place.agent;
        agent.counted(self.write_uncounted(octets))
    }

    fn write_uncounted(&mut self, octets: &[u8]) -> Result<(), AgentError> {
        let bytes = octets.len() as u64;
        let room = &mut self.place.room;
        let missing = bytes.saturating_sub(room.bytes());
        // Room is made for more than is there, so that not each piece asks for it; but nothing
        // goes for what may never come.
        if missing > 0 && room.make(missing.max(MORE_BYTES), None).is_err() {
            room.make(missing, Some(first_stage(&self.words.options)))?;
        }
        self.stream.write(octets)?;
        self.place.room.written(bytes);
        Ok(())
    }

    /// All of it is there: it is queued, also after a power cut.
    ///
    /// # Errors
    /// [`AgentError`]: nothing of it stays.
    pub fn finish(self, path: String) -> Result<Uuid, AgentError> {
        let agent = self.place.agent;
        agent.counted(self.finish_uncounted(path))
    }

    fn finish_uncounted(self, path: String) -> Result<Uuid, AgentError> {
        let Incoming {
            stream,
            words,
            topic,
            mut place,
            ..
        } = self;
        let agent = place.agent;
        let handed = agent.handed(words);
        let meta = agent.store.end_stream(stream, &topic, path, handed)?;
        Ok(agent.queued(&mut place, &meta))
    }
}

/// Room is made for at least so many octets at once.
const MORE_BYTES: u64 = 4 << 20;

fn first_stage(options: &SendOptions) -> Stage {
    match (options.ttl.urgent, options.ttl.bulk) {
        (1.., _) => Stage::Urgent,
        (0, 1..) => Stage::Bulk,
        (0, 0) => Stage::Surplus,
    }
}
