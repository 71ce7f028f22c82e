//! Link control: what the other end of the link itself has to say.

use std::time::Instant;

use super::Link;
use crate::accounting::DropReason;
use crate::link_control::{LinkControl, LinkControlError};
use crate::message::{End, Message};

impl Link {
    /// A link-control message came. It is delivered once it was acted on.
    pub(super) fn handle_link_control(&mut self, now: Instant, message: Message) {
        let Message { head, payload } = message;
        let result = match (self.config.end, LinkControl::decode(&payload)) {
            (End::Satellite, Ok(LinkControl::SegmentRequest(request))) => {
                self.handle_segment_request(&head, &request);
                Ok(())
            }
            (End::Satellite, Ok(LinkControl::ReceptionReport(report))) => {
                self.handle_reception_report(&report);
                Ok(())
            }
            (End::Ground, Ok(LinkControl::RepairedSegment(segment))) => {
                self.handle_repaired_segment(now, &segment)
            }
            (End::Ground, Ok(LinkControl::AnswerNotKept(not_kept))) => {
                self.handle_answer_not_kept(now, not_kept)
            }
            // A type that only the other end is told.
            (_, Ok(_)) => Err(DropReason::LinkControlUnknown),
            (_, Err(error)) => {
                self.note(format!("link control refused: {error}"));
                Err(match error {
                    LinkControlError::UnknownType(_) => DropReason::LinkControlUnknown,
                    _ => DropReason::LinkControlInvalid,
                })
            }
        };
        match result {
            Ok(()) => self.counted.messages_in.deliver(1),
            Err(reason) => self.drop_message(reason, &head),
        }
    }
}
