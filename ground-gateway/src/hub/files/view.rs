//! How everything stands, for clients.

use file_delivery::entity::{Role, TransactionReport};

use super::listing::is_listing;
use super::{Files, State, octets_there};
use crate::files::orders::Order;
use crate::files::passes::passes_left;
use crate::files::transfer::{Direction, State as Stand, Transfer};

impl Files {
    /// How the order with this key stands, if there is one.
    pub(super) fn transfer(&self, key: &str) -> Option<Transfer> {
        let state = self.state();
        let order = state.orders.find(key)?;
        Some(view(&state, order))
    }

    /// Everything under way, and with `all` the last that ended, too.
    pub(super) fn transfers(&self, all: bool) -> Vec<Transfer> {
        let state = self.state();
        let ended = state.orders.ended().filter(|_| all);
        let mut transfers: Vec<Transfer> = ended.map(|order| view(&state, order)).collect();
        let mut of_orders = Vec::new();
        for order in state.orders.pending() {
            of_orders.extend(reports_of(&state, order).map(|report| report.transaction));
            transfers.push(view(&state, order));
        }
        for report in &state.reports {
            let name = report.name.as_ref();
            let is_listing = name.is_some_and(|name| is_listing(name.as_str()));
            let is_answer = (report.role == Role::Sender && name.is_none()) || is_listing;
            if !is_answer && !of_orders.contains(&report.transaction) {
                transfers.extend(self.view_unasked(&state, report));
            }
        }
        transfers
    }

    /// Those that ended after the end of this number, in their order.
    pub(super) fn ends_after(&self, number: u64) -> Vec<Transfer> {
        let state = self.state();
        let is_later = |order: &&Order| order.end.as_ref().is_some_and(|end| end.number > number);
        let ended = state.orders.ended().filter(is_later);
        ended.map(|order| view(&state, order)).collect()
    }

    /// The number of the last end.
    pub(super) fn ends(&self) -> u64 {
        self.state().orders.ends()
    }

    pub(super) fn is_dead(&self) -> bool {
        self.state().is_dead
    }

    fn view_unasked(&self, state: &State, report: &TransactionReport) -> Option<Transfer> {
        let (name, direction) = match report.role {
            Role::Sender => (report.name.as_ref()?, Direction::Up),
            // Before its name has come there is nothing to show but that it comes; an answer
            // has none.
            Role::Receiver => (report.name.as_ref()?, Direction::Down),
        };
        let order = Order {
            key: String::new(),
            direction,
            asked_here: false,
            transaction: Some(report.transaction.to_string()),
            remote: name.to_string(),
            local: self.path_of(name.as_str()),
            stored: name.to_string(),
            force: true,
            size: report.size,
            is_moving: false,
            end: None,
        };
        Some(view(state, &order))
    }
}

/// The transactions of an order: of a file that was asked for, the request and the file.
fn reports_of<'a>(
    state: &'a State,
    order: &'a Order,
) -> impl Iterator<Item = &'a TransactionReport> {
    let id = order.transaction_id();
    state.reports.iter().filter(move |report| {
        let name = report.name.as_ref();
        Some(report.transaction) == id
            || (id.is_some() && report.originating == id)
            || (order.asked_here && name.is_some_and(|name| name.as_str() == order.stored))
    })
}

fn view(state: &State, order: &Order) -> Transfer {
    let role = match order.direction {
        Direction::Up => Role::Sender,
        Direction::Down => Role::Receiver,
    };
    // The answer to a request has no name: it is no file.
    let is_file = |report: &&TransactionReport| report.role == role && report.name.is_some();
    let file = reports_of(state, order).find(is_file);
    let any = file.or_else(|| reports_of(state, order).next());
    let size = file.and_then(|report| report.size).or(order.size);
    let to_repeat = file.map_or(0, |report| report.octets_to_repeat);
    let octets = match &order.end {
        Some(end) if end.failure.is_none() => size.unwrap_or(0),
        _ => file.map_or(0, octets_there),
    };
    let rate = file.and_then(|report| state.rates.get(&report.transaction));
    let octets_per_pass = state.orders.passes().octets_per_pass();
    let left = size.map(|size| size.saturating_sub(octets));
    Transfer {
        id: order.transaction.clone().unwrap_or_default(),
        direction: order.direction,
        remote: order.remote.clone(),
        local: order.local.to_string_lossy().into_owned(),
        state: stand(state, order, any, file),
        octets,
        size,
        holes: file.map_or(0, |report| report.holes),
        octets_to_repeat: to_repeat,
        octets_per_s: rate.and_then(|rate| rate.octets_per_s()),
        octets_per_pass,
        passes_left: match order.end {
            Some(_) => None,
            None => left.and_then(|left| passes_left(left, octets_per_pass)),
        },
        end: order.end.as_ref().map(|end| end.number),
        failure: order.end.as_ref().and_then(|end| end.failure.clone()),
    }
}

/// What it does, by what is known of its transactions.
fn stand(
    state: &State,
    order: &Order,
    any: Option<&TransactionReport>,
    file: Option<&TransactionReport>,
) -> Stand {
    match &order.end {
        Some(end) if end.failure.is_some() => return Stand::Failed,
        Some(_) => return Stand::Arrived,
        None => {}
    }
    let is_moving = |report: &TransactionReport| {
        let rate = state.rates.get(&report.transaction);
        rate.is_some_and(|rate| rate.is_moving())
    };
    let is_all_there = |report: &TransactionReport| {
        let all = report.size == Some(report.octets);
        report.is_finished || (all && report.octets_to_repeat == 0)
    };
    match (any, file) {
        (Some(report), _) if report.is_suspended => Stand::Suspended,
        (_, Some(report)) if is_moving(report) && !is_all_there(report) => Stand::Moving,
        (Some(report), _) if state.resting.contains(&report.transaction) => Stand::Resting,
        _ if !state.is_heard => Stand::Contact,
        (_, Some(report)) if is_all_there(report) => Stand::Closing,
        (_, Some(_)) => Stand::Waiting,
        _ => Stand::Asked,
    }
}
