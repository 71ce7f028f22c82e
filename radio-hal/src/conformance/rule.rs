//! The rules of a driver.

use std::fmt;

/// A rule of the contract in [`radio`](crate::radio) that the kit proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Rule {
    /// Each frame that arrives is given whole, once and in order.
    ReceivedOnceInOrder,
    /// Each frame that is sent leaves whole, once and in order.
    TransmittedOnceInOrder,
    /// No octet is lost wherever a frame is cut by the line.
    CutAnywhere,
    /// Frames that arrive together are all given.
    SeveralAtOnce,
    /// On a datagram medium a frame is one piece, whatever arrives beside it.
    OnePieceEach,
    /// All 256 values of an octet survive, both ways.
    EveryOctet,
    /// The first good frame after garbage is given; garbage is no error.
    RecoversAfterGarbage,
    /// Nothing that arrives makes the driver panic.
    NeverPanics,
    /// `receive` returns within about its timeout.
    ReceiveReturns,
    /// `receive` waits while nothing arrives, also while the line is gone.
    EmptyReceiveWaits,
    /// `receive` returns as soon as something arrived.
    ReceiveIsPrompt,
    /// Octets received before an interruption are given before its error.
    GivenBeforeInterruption,
    /// One error comes before the first octet after an interruption.
    InterruptionIsTold,
    /// A line that came back is received from again.
    ReceivesAgain,
    /// A line that came back is sent to again.
    TransmitsAgain,
    /// The longest frame passes; one above the MTU is refused and nothing of it
    /// is sent.
    MtuIsKept,
    /// `transmit` and `credits` return, also while nobody takes the octets.
    TransmitReturns,
    /// A frame for which `transmit` said `Ok` arrives.
    OkMeansTaken,
    /// A frame for which `transmit` gave an error does not arrive whole.
    ErrorMeansNotSent,
    /// There are never more credits than the properties say, and each is good for
    /// one frame.
    CreditsAreGood,
    /// `transmit_all` takes frames from the front and counts what it took.
    TransmitAllCounts,
    /// Neither half of the radio waits for the other.
    HalvesAreIndependent,
    /// A radio that is dropped lets its device go at once.
    DroppedIsReleased,
}

impl Rule {
    /// Every rule, in the order of the report.
    pub const ALL: [Self; 23] = [
        Self::ReceivedOnceInOrder,
        Self::TransmittedOnceInOrder,
        Self::CutAnywhere,
        Self::SeveralAtOnce,
        Self::OnePieceEach,
        Self::EveryOctet,
        Self::RecoversAfterGarbage,
        Self::NeverPanics,
        Self::ReceiveReturns,
        Self::EmptyReceiveWaits,
        Self::ReceiveIsPrompt,
        Self::GivenBeforeInterruption,
        Self::InterruptionIsTold,
        Self::ReceivesAgain,
        Self::TransmitsAgain,
        Self::MtuIsKept,
        Self::TransmitReturns,
        Self::OkMeansTaken,
        Self::ErrorMeansNotSent,
        Self::CreditsAreGood,
        Self::TransmitAllCounts,
        Self::HalvesAreIndependent,
        Self::DroppedIsReleased,
    ];

    /// The rule's name in the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReceivedOnceInOrder => "received-once-in-order",
            Self::TransmittedOnceInOrder => "transmitted-once-in-order",
            Self::CutAnywhere => "cut-anywhere",
            Self::SeveralAtOnce => "several-at-once",
            Self::OnePieceEach => "one-piece-each",
            Self::EveryOctet => "every-octet",
            Self::RecoversAfterGarbage => "recovers-after-garbage",
            Self::NeverPanics => "never-panics",
            Self::ReceiveReturns => "receive-returns",
            Self::EmptyReceiveWaits => "empty-receive-waits",
            Self::ReceiveIsPrompt => "receive-is-prompt",
            Self::GivenBeforeInterruption => "given-before-interruption",
            Self::InterruptionIsTold => "interruption-is-told",
            Self::ReceivesAgain => "receives-again",
            Self::TransmitsAgain => "transmits-again",
            Self::MtuIsKept => "mtu-is-kept",
            Self::TransmitReturns => "transmit-returns",
            Self::OkMeansTaken => "ok-means-taken",
            Self::ErrorMeansNotSent => "error-means-not-sent",
            Self::CreditsAreGood => "credits-are-good",
            Self::TransmitAllCounts => "transmit-all-counts",
            Self::HalvesAreIndependent => "halves-are-independent",
            Self::DroppedIsReleased => "dropped-is-released",
        }
    }

    /// What a driver author looks for when the rule is broken.
    pub fn advice(self) -> &'static str {
        match self {
            Self::ReceivedOnceInOrder => {
                "give each octet once, and clear your buffer once it was given"
            }
            Self::TransmittedOnceInOrder => {
                "write all octets of the frame, also where one write takes only some of them"
            }
            Self::CutAnywhere => {
                "keep what was read of a frame until the rest arrives; a read that got one octet \
                 is a good read"
            }
            Self::SeveralAtOnce => {
                "one read may bring more than one frame: keep what follows the first for the next \
                 call"
            }
            Self::OnePieceEach => "push each frame by its own call of `FrameBuffer::push`",
            Self::EveryOctet => {
                "open the line for binary data: no flow control by XON and XOFF, no newline or \
                 character handling"
            }
            Self::RecoversAfterGarbage => {
                "hand noise over, or drop it; look for the next frame's beginning then"
            }
            Self::NeverPanics => {
                "take nothing that arrived for granted: no `unwrap`, no index, no slice by a \
                 length that was received"
            }
            Self::ReceiveReturns => "give the device's read a timeout, and return when it is over",
            Self::EmptyReceiveWaits => {
                "wait in the device's read until the timeout is over, and sleep for the rest of \
                 it while the device is gone"
            }
            Self::ReceiveIsPrompt => "return what the first read gave; do not wait for more",
            Self::GivenBeforeInterruption => "give what was read, and the error by the next call",
            Self::InterruptionIsTold => {
                "give an error by one call of `receive` after the device was lost, and drop what \
                 you hold of a frame"
            }
            Self::ReceivesAgain => {
                "open the device again within `receive`, with a pause between tries"
            }
            Self::TransmitsAgain => {
                "open the device again within `credits` or `transmit`, also if nobody receives"
            }
            Self::MtuIsKept => {
                "compare with `frame_bytes_max` first, and give `ErrorKind::PacketTooLong`"
            }
            Self::TransmitReturns => "give the device's write a timeout",
            Self::OkMeansTaken => {
                "give `Ok` only when the device, or a buffer that loses nothing, has all octets"
            }
            Self::ErrorMeansNotSent => {
                "give an error only if the last octet was not sent and will not be"
            }
            Self::CreditsAreGood => {
                "give by `credits` the room there is, at most `credits_max`; without \
                 room give `ErrorKind::Full` and send nothing"
            }
            Self::TransmitAllCounts => {
                "stop at the first frame that is not taken, and count those before it"
            }
            Self::HalvesAreIndependent => {
                "share no lock between `receive` and `transmit` while one of them waits: give \
                 each its own handle of the device"
            }
            Self::DroppedIsReleased => {
                "leave no thread and no handle of the device behind when both halves are dropped"
            }
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
