//! Which windows are taken, and which are not.

use std::time::Duration;

use payload_interface::AppName;
use service_host::wall_clock;

use super::record::{WindowId, WindowOrder, WindowState};
use super::rules::{
    HORIZON, PARAMETERS_BYTES_MAX, SignalledRules, USER_BYTES_MAX, WINDOW_TIME_MAX,
    WINDOWS_OPEN_MAX,
};
use super::window::Window;
use crate::core::time::Now;

/// Why a window is not scheduled, or not cancelled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WindowRefusal {
    /// Nobody is called so.
    #[error("there is no payload `{0}`: [[payload-controller.signalled]] lists those there are")]
    UnknownPayload(AppName),
    /// Another window has its id.
    #[error("window {0} is known already, and was ordered otherwise: give it another id")]
    Otherwise(WindowId),
    /// It cannot be prepared any more.
    #[error(
        "window {id} starts at {start_s} s, and its preparation begins {pre_s} s before: it is too late for it"
    )]
    TooLate {
        /// Which.
        id: WindowId,
        /// Its start, in s since 1970.
        start_s: u64,
        /// The buffer before it.
        pre_s: u64,
    },
    /// It is too far away.
    #[error(
        "window {id} starts at {start_s} s: no window is taken for later than {days} days from now"
    )]
    TooFar {
        /// Which.
        id: WindowId,
        /// Its start, in s since 1970.
        start_s: u64,
        /// How far a window may be.
        days: u64,
    },
    /// Another window of the payload is then.
    #[error(
        "window {id} overlaps window {other} of the same payload, which lasts with its buffers from {from_s} to {until_s} s"
    )]
    Overlap {
        /// Which.
        id: WindowId,
        /// The other one.
        other: WindowId,
        /// When that begins, with its buffer.
        from_s: u64,
        /// When it ends, with its buffer.
        until_s: u64,
    },
    /// There are too many.
    #[error("{WINDOWS_OPEN_MAX} windows have not ended: wait until one has, or cancel one")]
    Full,
    /// What was ordered is none.
    #[error("{0}")]
    Invalid(String),
    /// There is no such window.
    #[error("there is no window {0}: it was never ordered, or is forgotten")]
    Unknown(WindowId),
    /// It has ended.
    #[error("window {id} is {} already", .state.name())]
    Ended {
        /// Which.
        id: WindowId,
        /// How.
        state: WindowState,
    },
    /// It is being ended already.
    #[error("window {0} is being ended already")]
    Ending(WindowId),
}

/// From when to when a window keeps others of its payload out, since 1970.
fn span(order: &WindowOrder, rules: &SignalledRules) -> (Duration, Duration) {
    (
        order.start().saturating_sub(rules.pre_buffer),
        order.end().saturating_add(rules.post_buffer),
    )
}

/// Whether it may be scheduled beside those that there are.
pub(super) fn check<'a>(
    now: Now,
    order: &WindowOrder,
    rules: &SignalledRules,
    others: impl Iterator<Item = &'a Window>,
) -> Result<(), WindowRefusal> {
    fits(order)?;
    let (from, until) = span(order, rules);
    // A clock that was not set says nothing of when that is.
    if wall_clock::is_set(now.wall) {
        if from <= now.wall {
            return Err(WindowRefusal::TooLate {
                id: order.id.clone(),
                start_s: order.start_s,
                pre_s: rules.pre_buffer.as_secs(),
            });
        }
        if from > now.wall.saturating_add(HORIZON) {
            return Err(WindowRefusal::TooFar {
                id: order.id.clone(),
                start_s: order.start_s,
                days: HORIZON.as_secs() / 86_400,
            });
        }
    }
    let mut open = 0;
    for other in others.filter(|other| !other.is_over()) {
        open += 1;
        let its = &other.record.order;
        let (its_from, its_until) = span(its, rules);
        if its.payload == order.payload && from < its_until && its_from < until {
            return Err(WindowRefusal::Overlap {
                id: order.id.clone(),
                other: its.id.clone(),
                from_s: its_from.as_secs(),
                until_s: its_until.as_secs(),
            });
        }
    }
    match open >= WINDOWS_OPEN_MAX {
        true => Err(WindowRefusal::Full),
        false => Ok(()),
    }
}

/// Whether it is a window at all.
fn fits(order: &WindowOrder) -> Result<(), WindowRefusal> {
    let invalid = |why: String| Err(WindowRefusal::Invalid(why));
    let user = &order.user;
    let is_inner =
        |octet: &u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.' | b'@');
    if user.is_empty()
        || user.len() > USER_BYTES_MAX
        || !user.as_bytes().iter().all(is_inner)
        || user.starts_with(['-', '.'])
    {
        return invalid(format!(
            "`{}` is no user: 1 to {USER_BYTES_MAX} of A-Z, a-z, 0-9, `-`, `_`, `.` and `@`, neither `-` nor `.` first",
            user.chars()
                .take(USER_BYTES_MAX)
                .collect::<String>()
                .escape_debug()
        ));
    }
    let longest = WINDOW_TIME_MAX.as_secs();
    if order.duration_s == 0 || order.duration_s > longest {
        let duration = order.duration_s;
        return invalid(format!(
            "a window of {duration} s: it lasts 1 to {longest} s"
        ));
    }
    let length = order.parameters.len();
    if length > PARAMETERS_BYTES_MAX {
        return invalid(format!(
            "`parameters` has {length} octets, more than {PARAMETERS_BYTES_MAX}"
        ));
    }
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&order.parameters) {
        Ok(_) => Ok(()),
        Err(error) => invalid(format!("`parameters` is no JSON object: {error}")),
    }
}
