//! One transfer in the queue.

use std::time::Instant;

use super::Route;
use super::expiry::{Deadline, Now};
use super::order::Place;
use crate::names::AppId;
use crate::request::Priority;

/// What the queue is to know of a transfer.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// Whose it is.
    pub sender: AppId,
    /// By what it goes.
    pub route: Route,
    /// What goes first.
    pub priority: Priority,
    /// When it expires.
    pub deadline: Deadline,
    /// How often it was tried.
    pub attempts: u32,
    /// Whether it is on hold.
    pub held: bool,
}

/// Where one stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may run.
    Ready,
    /// It runs.
    Running,
    /// It is tried again later.
    Waits,
    /// It is on hold.
    Held,
    /// It was cancelled, or its time is over: it is to be given up.
    Over,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) sender: AppId,
    pub(super) route: Route,
    pub(super) priority: Priority,
    pub(super) deadline: Deadline,
    pub(super) attempts: u32,
    pub(super) held: bool,
    pub(super) cancelled: bool,
    pub(super) standing: Standing,
    /// Since when it waits: its age.
    pub(super) since: Instant,
    pub(super) retry_at: Option<Instant>,
    /// Where it stands among those that are ready.
    pub(super) place: Option<Place>,
    pub(super) look_at: Option<Instant>,
}

impl Entry {
    pub(super) fn new(now: Now, ticket: Ticket) -> Self {
        Entry {
            sender: ticket.sender,
            route: ticket.route,
            priority: ticket.priority,
            deadline: ticket.deadline,
            attempts: ticket.attempts,
            held: ticket.held,
            cancelled: false,
            standing: Standing::Ready,
            since: now.monotonic,
            retry_at: None,
            place: None,
            look_at: None,
        }
    }
}
