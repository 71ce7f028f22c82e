//! How an item stands.

use serde::Serialize;

use super::Agent;
use super::ended::Ended;
use super::error::AgentError;
use super::state::State;
use crate::item::{Topic, Uuid};
use crate::limits::PAGE_MAX;
use crate::queue::Stage;
use delivery_receipt::Receipt;

/// How an item stands: in which state it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct View {
    /// Which.
    pub uuid: Uuid,
    /// Its topic.
    pub topic: Topic,
    /// `waiting`, `out`, or how it [ended](super::End).
    pub state: &'static str,
    /// Where it is in the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// When it leaves that stage: s since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage_until: Option<i64>,
    /// When it was handed over: s since 1970.
    pub handed_over: i64,
    /// When it ended: s since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<i64>,
    /// Octets.
    pub size: u64,
    /// Why it ended.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The ground's word that it has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

/// Which items are wanted.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this topic.
    pub topic: Option<Topic>,
    /// In this state.
    pub state: Option<String>,
}

impl Agent {
    /// How an item stands.
    ///
    /// # Errors
    /// [`AgentError::NoItem`].
    pub fn status(&self, id: Uuid) -> Result<View, AgentError> {
        self.look_at(id);
        let state = self.state();
        self.view(&state, id).ok_or(AgentError::NoItem(id))
    }

    /// Items in the order in which they were handed over, behind `after`: `max` of them, and
    /// the last one looked at where there are more.
    pub fn list(
        &self,
        after: Option<(i64, Uuid)>,
        filter: &Filter,
        max: usize,
    ) -> (Vec<View>, Option<(i64, Uuid)>) {
        self.scan();
        let state = self.state();
        let max = max.clamp(1, PAGE_MAX);
        let mut views = Vec::new();
        let mut last = None;
        let from = match after {
            Some(place) => std::ops::Bound::Excluded(place),
            None => std::ops::Bound::Unbounded,
        };
        for place in state.order.range((from, std::ops::Bound::Unbounded)) {
            if views.len() >= max {
                return (views, last);
            }
            last = Some(*place);
            let view = self.view(&state, place.1);
            views.extend(view.filter(|view| filter.wants(view)));
        }
        (views, None)
    }

    fn view(&self, state: &State, id: Uuid) -> Option<View> {
        let Some(item) = state.items.get(&id) else {
            return state.ended.get(id).map(View::of_ended);
        };
        let left = |due: u64| due.saturating_sub(self.clock.now()) / 1000;
        let until = |due| {
            let left = i64::try_from(left(due)).unwrap_or(i64::MAX);
            self.clock.seconds().saturating_add(left)
        };
        Some(View {
            uuid: id,
            topic: item.topic.clone(),
            state: match state.queue.is_out(id) {
                true => "out",
                false => "waiting",
            },
            stage: state.queue.stage(id).flatten(),
            stage_until: state.queue.due(id).map(until),
            handed_over: item.time,
            ended: None,
            size: item.bytes,
            reason: String::new(),
            receipt: None,
        })
    }
}

impl View {
    fn of_ended(ended: &Ended) -> Self {
        View {
            uuid: ended.uuid,
            topic: ended.topic.clone(),
            state: ended.state.as_str(),
            stage: None,
            stage_until: None,
            handed_over: ended.time,
            ended: Some(ended.ended),
            size: ended.size,
            reason: ended.reason.clone(),
            receipt: ended.receipt.clone(),
        }
    }
}

impl Filter {
    fn wants(&self, view: &View) -> bool {
        let of_topic = self.topic.as_ref().is_none_or(|topic| *topic == view.topic);
        of_topic && self.state.as_ref().is_none_or(|state| state == view.state)
    }
}
