//! What must hold, each by its name. An error says what does not.

use std::collections::BTreeSet;
use std::time::Instant;

use comms_service::accounting::{Flow, Statistics};
use comms_service::link::QueueClass;
use comms_service::message::SecurityHeader;
use comms_service::telemetry::ERRORS_MAX;
use radio_hal::channel::ChannelStatistics;

use crate::end::{End, Seen};
use crate::machine::{Past, Total};
use crate::scenario::Blueprint;

/// Octets of the longest error document that goes down although the memory budget
/// is spent, and of the list entry that holds it.
const NOTICE_BYTES_MAX: u64 = 1024;

/// Messages that wait for durable numbers.
const UNSAVED_MAX: usize = 64;

type Holds = Result<(), String>;

/// In each account, what was offered was delivered, is held, or was dropped for a
/// counted reason.
pub(crate) fn accounts_add_up(name: &str, all: &Statistics) -> Holds {
    match all.balances() {
        true => Ok(()),
        false => Err(format!("the {name}'s accounts do not add up:{}", told(all))),
    }
}

/// The accounts that do not add up, in words.
fn told(all: &Statistics) -> String {
    let wrong = flows(all).into_iter().filter(|(_, flow)| !flow.balances());
    let told = wrong.map(|(what, flow)| {
        let dropped = flow.dropped.iter();
        let dropped: Vec<_> = dropped
            .map(|(reason, count)| format!("{count} {}", reason.as_str()))
            .collect();
        format!(
            " {what}: {} offered, {} delivered, {} queued, {} in flight, dropped: [{}]",
            flow.offered,
            flow.delivered,
            flow.queued,
            flow.in_flight,
            dropped.join(", ")
        )
    });
    told.collect()
}

fn flows(all: &Statistics) -> [(&'static str, &Flow); 4] {
    [
        ("packets in", &all.packets_in),
        ("messages in", &all.messages_in),
        ("messages out", &all.messages_out),
        ("packets out", &all.packets_out),
    ]
}

/// The accounts say what the world saw go in and out.
pub(crate) fn accounts_say_what_was_seen(name: &str, all: &Statistics, seen: &Seen) -> Holds {
    let delivered = all.messages_in.delivered;
    let control = delivered.saturating_sub(seen.messages_delivered);
    let counted = Seen {
        packets_in: all.packets_in.offered,
        packets_out: all.packets_out.offered,
        packets_written: all.packets_out.delivered,
        messages_delivered: delivered - control.min(seen.control_in),
        control_in: seen.control_in,
    };
    match counted == *seen {
        true => Ok(()),
        false => Err(format!(
            "the {name} counted {counted:?}, but it was {seen:?}"
        )),
    }
}

/// Over all boots, what was offered was delivered, dropped, or lost to a reboot.
pub(crate) fn accounts_add_up_over_reboots(name: &str, past: &Past) -> Holds {
    if let Some(broken) = &past.broken {
        return Err(broken.clone());
    }
    let adds_up =
        |total: &Total| total.offered == total.delivered + total.dropped + total.lost_to_reboot;
    let [packets_in, .., packets_out] = &past.totals;
    let seen =
        packets_in.offered == past.packets_seen_in && packets_out.offered == past.packets_seen_out;
    match past.totals.iter().all(adds_up) && seen {
        true => Ok(()),
        false => Err(format!(
            "over its reboots the {name} does not add up: {past:?}"
        )),
    }
}

/// The channel lost no frame without a reason.
pub(crate) fn channel_adds_up(all: &ChannelStatistics) -> Holds {
    for account in [&all.transmit, &all.receive] {
        let known = account.delivered + account.dropped() + account.in_flight;
        if account.offered + account.duplicated != known {
            return Err(format!("the channel's accounts do not add up: {all:?}"));
        }
    }
    Ok(())
}

/// Nothing is more than its limit lets it be. `datagrams` are with their sockets.
pub(crate) fn no_bound_is_exceeded(
    name: &str,
    plan: &Blueprint,
    all: &Statistics,
    datagrams: u64,
) -> Holds {
    let limits = plan.limits();
    let queue = limits.transmit_queue_messages_max as u64;
    // In each class, what apps send and what the link sends have a queue of that
    // length each.
    let out_max = 2 * QueueClass::ALL.len() as u64 * queue;
    let notices = out_max * NOTICE_BYTES_MAX;
    let bounds = [
        (
            "octets held",
            all.memory_bytes_used,
            limits.memory_bytes_max as u64 + notices,
        ),
        (
            "messages that wait for a handler",
            all.messages_in.queued,
            // Those that wait to be recorded, or for their numbers to be safe.
            (2 * limits.handler_queue_messages_max + plan.handlers_max + UNSAVED_MAX) as u64,
        ),
        (
            "messages with services",
            all.messages_in.in_flight,
            plan.handlers_max as u64 + datagrams,
        ),
        (
            "messages before `write`",
            all.messages_out.queued + all.messages_out.in_flight,
            out_max,
        ),
        ("packets with the radio", all.packets_out.in_flight, 1),
        ("errors kept", all.errors.len() as u64, ERRORS_MAX as u64),
    ];
    match bounds.iter().find(|(_, held, max)| held > max) {
        None => Ok(()),
        Some((what, held, max)) => Err(format!("the {name} has {held} {what}, {max} at most")),
    }
}

/// When nothing more happens, nothing is held and no timer runs.
pub(crate) fn idle(name: &str, end: &End, now: Instant) -> Holds {
    holds_nothing(name, end)?;
    if end.link.poll_timeout().is_some() || end.link.has_packet(now, 0) {
        return Err(format!(
            "the {name} is not idle: a timer or a packet is left"
        ));
    }
    Ok(())
}

/// Nothing is queued, in flight or held but remembered answers.
pub(crate) fn holds_nothing(name: &str, end: &End) -> Holds {
    let all = end.statistics();
    for (what, flow) in flows(&all) {
        if flow.queued + flow.in_flight != 0 {
            return Err(format!("the {name} is not idle: {what} {flow:?}"));
        }
    }
    let held = all.memory_bytes_used - all.answer_bytes_remembered;
    if held != 0 {
        return Err(format!("the {name} still holds {held} octets"));
    }
    Ok(())
}

/// A key, by the salt that names it, and a number under it.
pub(crate) type Nonce = (Option<Vec<u8>>, SecurityHeader);

/// No mutation was run twice. `times` says how often each was.
pub(crate) fn no_mutation_ran_twice(
    mutations: &BTreeSet<u64>,
    times: impl IntoIterator<Item = (u64, u64)>,
) -> Holds {
    let twice = times
        .into_iter()
        .find(|(number, times)| *times > 1 && mutations.contains(number));
    match twice {
        None => Ok(()),
        Some((number, times)) => Err(format!("mutation {number} was run {times} times")),
    }
}

/// No security association numbers two messages alike: with AES-GCM, that would
/// give the key away (NIST SP 800-38D §8). True for ever: over reboots, too.
pub(crate) fn nonces_never_repeat(used: &mut BTreeSet<Nonce>, nonce: Nonce) -> Holds {
    match used.insert(nonce.clone()) {
        true => Ok(()),
        false => Err(format!("nonce {nonce:?} was used twice")),
    }
}
