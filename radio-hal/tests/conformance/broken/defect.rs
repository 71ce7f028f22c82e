//! The defects that a radio can be given, and the rule that each breaks.

use radio_hal::Medium;
use radio_hal::conformance::Rule;

/// A defect of a radio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    None,
    GivesAPieceTwice,
    WritesOnce,
    LosesLoneOctets,
    GivesTheFirstFrameOnly,
    MergesDatagrams,
    ObeysXonXoff,
    FailsAtNoise,
    PanicsAtNoise,
    ReceivesForEver,
    NeverWaits,
    SpinsWhileGone,
    WaitsForEightOctets,
    ForgetsWhatItRead,
    ForgetsTheError,
    StaysDeaf,
    StaysDumb,
    TakesAnyLength,
    TransmitsForEver,
    LosesWhatHasNoRoom,
    SendsInSpiteOfTheError,
    GivesTooManyCredits,
    RefusesInSpiteOfCredits,
    CountsAllFrames,
    LocksBothHalves,
    KeepsTheDevice,
}

impl Defect {
    /// Every defect with the one rule that it breaks.
    pub(crate) const ALL: [(Self, Rule); 25] = [
        (Self::GivesAPieceTwice, Rule::ReceivedOnceInOrder),
        (Self::WritesOnce, Rule::TransmittedOnceInOrder),
        (Self::LosesLoneOctets, Rule::CutAnywhere),
        (Self::GivesTheFirstFrameOnly, Rule::SeveralAtOnce),
        (Self::MergesDatagrams, Rule::OnePieceEach),
        (Self::ObeysXonXoff, Rule::EveryOctet),
        (Self::FailsAtNoise, Rule::RecoversAfterGarbage),
        (Self::PanicsAtNoise, Rule::NeverPanics),
        (Self::ReceivesForEver, Rule::ReceiveReturns),
        (Self::NeverWaits, Rule::EmptyReceiveWaits),
        (Self::SpinsWhileGone, Rule::EmptyReceiveWaits),
        (Self::WaitsForEightOctets, Rule::ReceiveIsPrompt),
        (Self::ForgetsWhatItRead, Rule::GivenBeforeInterruption),
        (Self::ForgetsTheError, Rule::InterruptionIsTold),
        (Self::StaysDeaf, Rule::ReceivesAgain),
        (Self::StaysDumb, Rule::TransmitsAgain),
        (Self::TakesAnyLength, Rule::MtuIsKept),
        (Self::TransmitsForEver, Rule::TransmitReturns),
        (Self::LosesWhatHasNoRoom, Rule::OkMeansTaken),
        (Self::SendsInSpiteOfTheError, Rule::ErrorMeansNotSent),
        (Self::GivesTooManyCredits, Rule::CreditsAreGood),
        (Self::RefusesInSpiteOfCredits, Rule::CreditsAreGood),
        (Self::CountsAllFrames, Rule::TransmitAllCounts),
        (Self::LocksBothHalves, Rule::HalvesAreIndependent),
        (Self::KeepsTheDevice, Rule::DroppedIsReleased),
    ];

    /// The medium and the credits of a radio that can have it.
    pub(crate) fn habitat(self) -> (Medium, usize) {
        match self {
            Self::MergesDatagrams => (Medium::Datagrams, 1),
            Self::RefusesInSpiteOfCredits => (Medium::Stream, 4),
            _ => (Medium::Stream, 1),
        }
    }
}
