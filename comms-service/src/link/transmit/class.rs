//! The classes of the queue before `write`, and how much each may hold.

use serde::Deserialize;

/// How urgent a message is. A class goes before all that stand after it here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QueueClass {
    /// Answers that somebody waits for, commands, link control, file directives.
    Response,
    /// Datagrams of downlink ports, unless their port says otherwise.
    Telemetry,
    /// Answers longer than 8 packets, datagrams of bulk ports, and file data.
    Bulk,
}

impl QueueClass {
    /// Every class, the most urgent first.
    pub const ALL: [QueueClass; 3] = [
        QueueClass::Response,
        QueueClass::Telemetry,
        QueueClass::Bulk,
    ];

    /// The name in configuration, telemetry and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            QueueClass::Response => "response",
            QueueClass::Telemetry => "telemetry",
            QueueClass::Bulk => "bulk",
        }
    }
}

/// One value for each [`QueueClass`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByClass<T> {
    /// Of [`QueueClass::Response`].
    pub response: T,
    /// Of [`QueueClass::Telemetry`].
    pub telemetry: T,
    /// Of [`QueueClass::Bulk`].
    pub bulk: T,
}

impl<T> ByClass<T> {
    /// The value of `class`.
    pub fn of(&self, class: QueueClass) -> &T {
        match class {
            QueueClass::Response => &self.response,
            QueueClass::Telemetry => &self.telemetry,
            QueueClass::Bulk => &self.bulk,
        }
    }

    /// The value of `class`, to be changed.
    pub fn of_mut(&mut self, class: QueueClass) -> &mut T {
        match class {
            QueueClass::Response => &mut self.response,
            QueueClass::Telemetry => &mut self.telemetry,
            QueueClass::Bulk => &mut self.bulk,
        }
    }

    /// Classes and values, the most urgent first.
    pub fn iter(&self) -> impl Iterator<Item = (QueueClass, &T)> {
        QueueClass::ALL
            .into_iter()
            .map(|class| (class, self.of(class)))
    }
}

/// What happens to a message for a class that is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenFull {
    /// The new one is dropped: what waits is worth more.
    Newest,
    /// The oldest of the class that is not begun makes room: what is new is worth
    /// more.
    Oldest,
    /// The new one is dropped, and whoever submitted it hears that it may be
    /// tried again.
    Refuse,
}

/// How much one class of one queue holds. What apps send, PDUs, and what the link
/// itself sends are counted apart, each up to the limit: no app takes the place of an
/// answer, nor of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassLimits {
    /// Messages; none for
    /// [`transmit_queue_messages_max`](crate::link::LinkConfig::transmit_queue_messages_max).
    pub messages_max: Option<usize>,
    /// Octets of payload; none for the memory budget alone.
    pub bytes_max: Option<usize>,
    /// What happens to one message more.
    pub when_full: WhenFull,
}

impl ClassLimits {
    /// No limits of its own.
    pub const fn new(when_full: WhenFull) -> Self {
        ClassLimits {
            messages_max: None,
            bytes_max: None,
            when_full,
        }
    }
}

impl ClassLimits {
    /// The same, with a limit of messages where there was none.
    pub(crate) fn or_messages_max(&self, messages_max: usize) -> Self {
        ClassLimits {
            messages_max: self.messages_max.or(Some(messages_max)),
            ..*self
        }
    }
}

/// The limits of the three classes.
pub type QueueLimits = ByClass<ClassLimits>;

impl QueueLimits {
    /// What holds where nothing is configured. A datagram of an app that finds
    /// its class full is dropped, as ever; answers and bulk are refused.
    pub const fn standard() -> Self {
        ByClass {
            response: ClassLimits::new(WhenFull::Refuse),
            telemetry: ClassLimits::new(WhenFull::Newest),
            bulk: ClassLimits::new(WhenFull::Refuse),
        }
    }
}
