//! Which windows may be: all that can be said without the calendar, and with it.

use super::moment;
use super::plan::{Payload, Plan, Satellite};
use super::window::{Span, Window, WindowOrder};
use super::window_type::WindowType;

/// Octets of a window's parameters at most; they travel in one message.
pub(crate) const PARAMETERS_BYTES_MAX: usize = 16 * 1024;
/// Overlaps that a refusal tells of.
const OVERLAPS_TOLD_MAX: usize = 16;

/// Why a window may not be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("there is no satellite `{0}`")]
    NoSatellite(String),
    #[error("there is no window type `{0}`")]
    NoType(String),
    #[error("satellite `{satellite}` has no windows of type `{window_type}`; it has {known}")]
    NotSupported {
        satellite: String,
        window_type: String,
        known: String,
    },
    #[error("the duration is {found} s; windows of type `{window_type}` have {least} to {most} s")]
    Duration {
        window_type: String,
        found: i64,
        least: i64,
        most: i64,
    },
    #[error(
        "the start is too soon: its pre-buffer of {pre_buffer_s} s and the lead time of \
         {lead_time_s} s allow {} at the earliest", moment::text(*.earliest_s)
    )]
    TooSoon {
        pre_buffer_s: i64,
        lead_time_s: i64,
        earliest_s: i64,
    },
    #[error("the start is too far ahead: {} is the latest", moment::text(*.latest_s))]
    TooFar { latest_s: i64 },
    #[error("the parameters have {0} octets; {PARAMETERS_BYTES_MAX} are the most")]
    Parameters(usize),
    #[error("{}", told(.0))]
    Overlaps(Vec<Overlap>),
    #[error("{0} windows have not ended: that are as many as there may be (windows-open-max)")]
    Full(i64),
}

/// Two windows of one payload that would meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Overlap {
    pub(crate) window: i64,
    pub(crate) window_type: String,
    pub(crate) start_s: i64,
    pub(crate) duration_s: i64,
    pub(crate) explanation: String,
}

fn told(overlaps: &[Overlap]) -> String {
    let texts: Vec<_> = overlaps.iter().map(|one| &*one.explanation).collect();
    texts.join("; ")
}

/// What an order comes to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planned<'p> {
    pub(crate) payload: &'p Payload,
    pub(crate) span: Span,
}

/// Whether the order may be at `now_s`, but for what else there is.
pub(crate) fn check<'p>(
    plan: &'p Plan,
    order: &WindowOrder,
    now_s: i64,
) -> Result<Planned<'p>, Refused> {
    let (_, payload, window_type) = find(plan, &order.satellite, &order.window_type)?;
    let (least, most) = (window_type.duration_min_s, plan.duration_max_s);
    if !(least..=most).contains(&order.duration_s) {
        return Err(Refused::Duration {
            window_type: window_type.name.clone(),
            found: order.duration_s,
            least,
            most,
        });
    }
    if order.parameters.len() > PARAMETERS_BYTES_MAX {
        return Err(Refused::Parameters(order.parameters.len()));
    }
    let earliest_s = earliest_s(plan, window_type, now_s);
    if order.start_s < earliest_s {
        return Err(Refused::TooSoon {
            pre_buffer_s: window_type.pre_buffer_s,
            lead_time_s: plan.lead_time_s,
            earliest_s,
        });
    }
    let latest_s = now_s.saturating_add(plan.horizon_s);
    if order.start_s > latest_s {
        return Err(Refused::TooFar { latest_s });
    }
    Ok(Planned {
        payload,
        span: Span {
            start_s: order.start_s,
            end_s: order.start_s.saturating_add(order.duration_s),
            pre_buffer_s: window_type.pre_buffer_s,
            post_buffer_s: window_type.post_buffer_s,
        },
    })
}

/// Who serves such windows.
pub(crate) fn find<'p>(
    plan: &'p Plan,
    satellite: &str,
    window_type: &str,
) -> Result<(&'p Satellite, &'p Payload, &'p WindowType), Refused> {
    let found = plan.satellite(satellite);
    let satellite = found.ok_or_else(|| Refused::NoSatellite(satellite.to_owned()))?;
    let found = plan.types.get(window_type);
    let known = found.ok_or_else(|| Refused::NoType(window_type.to_owned()))?;
    let supported = &satellite.supported_windows;
    let is_supported = supported.contains(&known.name);
    let payload = satellite.serving(&known.name).filter(|_| is_supported);
    let payload = payload.ok_or_else(|| Refused::NotSupported {
        satellite: satellite.id.clone(),
        window_type: known.name.clone(),
        known: match supported.is_empty() {
            true => "none".to_owned(),
            false => supported.join(", "),
        },
    })?;
    Ok((satellite, payload, known))
}

/// When a window of that type may start at the earliest.
pub(crate) fn earliest_s(plan: &Plan, window_type: &WindowType, now_s: i64) -> i64 {
    let buffers = window_type.pre_buffer_s + plan.lead_time_s;
    now_s.saturating_add(buffers)
}

/// Whether it meets others of the same payload, buffers and all; and which buffers meet.
pub(crate) fn check_calendar(span: &Span, others: &[Window]) -> Result<(), Refused> {
    let meeting = others.iter().filter(|other| meets(span, &other.span));
    let overlaps: Vec<Overlap> = meeting
        .take(OVERLAPS_TOLD_MAX)
        .map(|other| Overlap {
            window: other.id,
            window_type: other.order.window_type.clone(),
            start_s: other.order.start_s,
            duration_s: other.order.duration_s,
            explanation: explain(span, other),
        })
        .collect();
    match overlaps.is_empty() {
        true => Ok(()),
        false => Err(Refused::Overlaps(overlaps)),
    }
}

fn meets(one: &Span, other: &Span) -> bool {
    one.busy_from_s() < other.busy_to_s() && other.busy_from_s() < one.busy_to_s()
}

fn explain(span: &Span, other: &Window) -> String {
    let of = &other.span;
    let which = format!(
        "window {} ({}, {} to {})",
        other.id,
        other.order.window_type,
        moment::text(of.start_s),
        moment::text(of.end_s)
    );
    if span.start_s < of.end_s && of.start_s < span.end_s {
        return format!("it overlaps {which}");
    }
    match span.start_s >= of.end_s {
        true => format!(
            "it begins too soon after {which}: that one's post-buffer of {} s ends at {}, and its \
             own pre-buffer of {} s begins at {}",
            of.post_buffer_s,
            moment::text(of.busy_to_s()),
            span.pre_buffer_s,
            moment::text(span.busy_from_s()),
        ),
        false => format!(
            "it ends too late before {which}: its own post-buffer of {} s ends at {}, and that \
             one's pre-buffer of {} s begins at {}",
            span.post_buffer_s,
            moment::text(span.busy_to_s()),
            of.pre_buffer_s,
            moment::text(of.busy_from_s()),
        ),
    }
}
