//! PDUs on their way out of the radio.

use crate::pdu::PromptResponse;

/// What a PDU is, for when it has left the radio or was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Metadata,
    /// Octets of the file.
    Data {
        start: u64,
        end: u64,
    },
    Eof,
    AckOfEof,
    /// A list of what is missing; the last PDU of it, or one before.
    Nak {
        is_last: bool,
    },
    Finished,
    KeepAlive,
    /// The answer that it asks for.
    Prompt(PromptResponse),
    /// Of a transaction that is over: nothing comes of it.
    Stray,
}

/// How far a PDU is that is sent until something comes of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Leave {
    /// It is not its turn.
    #[default]
    No,
    /// It is to be sent.
    Due,
    /// The radio has it.
    WithRadio,
    /// It left.
    Left,
}

impl Leave {
    /// The radio is done with it; what was dropped, is to be sent again.
    pub(super) fn depart(&mut self, left: bool) {
        if *self == Leave::WithRadio {
            *self = match left {
                true => Leave::Left,
                false => Leave::Due,
            };
        }
    }

    /// True where it is due; the radio has it from now on.
    pub(super) fn take(&mut self) -> bool {
        let is_due = *self == Leave::Due;
        if is_due {
            *self = Leave::WithRadio;
        }
        is_due
    }
}
