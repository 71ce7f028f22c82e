//! Idempotency keys: the same request with the same key is one, however often it is made.

use super::{Answer, Asked, Desk};
use crate::tasking::moment::Now;
use crate::tasking::problem::Problem;
use crate::tasking::store::{KeptAnswer, Tables};

/// Octets of a key at most.
const KEY_BYTES_MAX: usize = 128;
/// For so long a key is known.
const KEPT_S: i64 = 7 * 86_400;
/// Keys of one token at most.
const KEYS_MAX: i64 = 20_000;
/// Octets of an answer that is kept; of a longer one it is known that there was one.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A key, and what is asked with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    text: String,
    asked: [u8; 32],
}

pub(super) fn kept_since_s(now: Now) -> i64 {
    now.s().saturating_sub(KEPT_S)
}

impl Key {
    /// The key of a request that asks all this.
    ///
    /// # Errors
    /// It is none.
    pub(crate) fn new(text: &[u8], asked: &[&[u8]]) -> Result<Key, Problem> {
        let fits =
            (1..=KEY_BYTES_MAX).contains(&text.len()) && text.iter().all(u8::is_ascii_graphic);
        let text = std::str::from_utf8(text).ok().filter(|_| fits);
        let text = text.ok_or_else(|| {
            Problem::malformed(format!(
                "Idempotency-Key: 1 to {KEY_BYTES_MAX} visible ASCII characters are one"
            ))
        })?;
        Ok(Key {
            text: text.to_owned(),
            asked: hash(asked),
        })
    }

    /// The same key, of a request that asks this as well.
    pub(crate) fn and(&self, more: &[u8]) -> Key {
        Key {
            text: self.text.clone(),
            asked: hash(&[&self.asked, more]),
        }
    }
}

/// Of the parts and where each ends.
fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        let bytes = part.len() as u64;
        hasher.update(&bytes.to_be_bytes()).update(part);
    }
    hasher.finalize().into()
}

/// What was answered to the same request before, if it was made.
pub(super) fn known(tables: Tables, asked: &Asked) -> Result<Option<Answer>, Problem> {
    let Some(key) = asked.key else {
        return Ok(None);
    };
    let token = &asked.caller.token;
    let Some(kept) = tables.kept_answer(token, &key.text)? else {
        return match tables.count_keys(token)? < KEYS_MAX {
            true => Ok(None),
            false => Err(Problem::too_many(
                format!(
                    "the token has used {KEYS_MAX} keys within {} days",
                    KEPT_S / 86_400
                ),
                3_600,
            )),
        };
    };
    if kept.asked != key.asked {
        let detail = "the Idempotency-Key was used for another request: choose another";
        return Err(Problem::invalid(detail));
    }
    match kept.answer {
        Some((status, body)) => Ok(Some(Answer { status, body })),
        None => Err(Problem::conflict(
            "a request with this Idempotency-Key was made, and its answer is not known: it may \
             have been done, or be under way; ask how things stand before it is made with \
             another key",
        )),
    }
}

/// Notes what was answered.
pub(super) fn keep(tables: Tables, asked: &Asked, answer: &Answer) -> Result<(), Problem> {
    let Some(key) = asked.key else {
        return Ok(());
    };
    let kept = KeptAnswer {
        asked: key.asked,
        answer: Some((answer.status, answer.body.clone()))
            .filter(|(_, body)| body.len() <= ANSWER_BYTES_MAX),
    };
    tables.keep_answer(&asked.caller.token, &key.text, &kept, asked.now.s())?;
    Ok(())
}

impl Desk {
    /// Notes that something is about to be done that is not to be done twice; or gives what
    /// was answered before.
    pub(crate) fn begin_once(&self, asked: &Asked) -> Result<Option<Answer>, Problem> {
        self.store.change(|tables| {
            if let Some(answer) = known(tables, asked)? {
                return Ok(Some(answer));
            }
            if let Some(key) = asked.key {
                let kept = KeptAnswer {
                    asked: key.asked,
                    answer: None,
                };
                let token = &asked.caller.token;
                tables.keep_answer(token, &key.text, &kept, asked.now.s())?;
            }
            Ok(None)
        })
    }

    /// Notes what came of it.
    pub(crate) fn end_once(&self, asked: &Asked, answer: &Answer) -> Result<(), Problem> {
        self.store.change(|tables| keep(tables, asked, answer))
    }

    /// It was not done: it may be done with the same key.
    pub(crate) fn withdraw_once(&self, asked: &Asked) -> Result<(), Problem> {
        let Some(key) = asked.key else {
            return Ok(());
        };
        let token = &asked.caller.token;
        self.store
            .change(|tables| Ok(tables.forget_key(token, &key.text)?))
    }
}
