//! When a window may be.

use super::plan::Plan;
use super::rules;
use super::window::Span;
use super::window_type::WindowType;

/// A window that starts no earlier and ends no later may be, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Free {
    pub(crate) start_s: i64,
    pub(crate) end_s: i64,
}

/// Within `asked`, around those that there are, in the order of their starts.
pub(crate) fn free(
    plan: &Plan,
    window_type: &WindowType,
    asked: Free,
    now_s: i64,
    others: &[Span],
) -> Vec<Free> {
    let latest_s = now_s
        .saturating_add(plan.horizon_s)
        .saturating_add(plan.duration_max_s);
    let earliest_s = rules::earliest_s(plan, window_type, now_s);
    let mut from_s = asked.start_s.max(earliest_s);
    let to_s = asked.end_s.min(latest_s);
    let mut others: Vec<Span> = others.to_vec();
    others.sort_by_key(Span::busy_from_s);
    let mut found = Vec::new();
    let mut add = |start_s: i64, end_s: i64| {
        if end_s.saturating_sub(start_s) >= window_type.duration_min_s {
            found.push(Free { start_s, end_s });
        }
    };
    for other in &others {
        // A window after it needs its own pre-buffer, and one before it its post-buffer.
        let before_s = other
            .busy_from_s()
            .saturating_sub(window_type.post_buffer_s);
        add(from_s, to_s.min(before_s));
        let after_s = other.busy_to_s().saturating_add(window_type.pre_buffer_s);
        from_s = from_s.max(after_s);
    }
    add(from_s, to_s);
    found
}

/// Where both are free for so long.
pub(crate) fn both(one: &[Free], other: &[Free], least_s: i64) -> Vec<Free> {
    let mut found = Vec::new();
    let (mut ones, mut others) = (one.iter().peekable(), other.iter().peekable());
    while let (Some(a), Some(b)) = (ones.peek(), others.peek()) {
        let free = Free {
            start_s: a.start_s.max(b.start_s),
            end_s: a.end_s.min(b.end_s),
        };
        if free.end_s.saturating_sub(free.start_s) >= least_s {
            found.push(free);
        }
        match a.end_s <= b.end_s {
            true => ones.next(),
            false => others.next(),
        };
    }
    found
}
