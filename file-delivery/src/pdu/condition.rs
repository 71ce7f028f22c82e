//! Condition codes, and what fault handlers do (CCSDS 727.0-B-5 §5.2.1, §5.4.4).

use super::code::codes;

codes! {
    /// Condition code, 4 bits: how a transaction stands, or why it ends
    /// (CCSDS 727.0-B-5 table 5-5).
    ConditionCode: "condition code" {
        /// No error.
        NoError = 0,
        /// An EOF or Finished PDU was sent so often, and never acknowledged.
        PositiveAckLimitReached = 1,
        /// The receiver lags too far behind.
        KeepAliveLimitReached = 2,
        /// The entity does not do this transmission mode.
        InvalidTransmissionMode = 3,
        /// The filestore refused.
        FilestoreRejection = 4,
        /// The file received is not the file sent.
        FileChecksumFailure = 5,
        /// Data beyond the end of the file.
        FileSizeError = 6,
        /// What is missing was asked for so often, and never came.
        NakLimitReached = 7,
        /// Nothing was heard of the transaction for too long.
        InactivityDetected = 8,
        /// The file's records are not as they should be.
        InvalidFileStructure = 9,
        /// The file was not whole after so many checks (unacknowledged mode).
        CheckLimitReached = 10,
        /// The entity does not know this checksum.
        UnsupportedChecksumType = 11,
        /// No fault: the user asked to suspend.
        SuspendRequestReceived = 14,
        /// No fault: the user asked to cancel.
        CancelRequestReceived = 15,
    }
}

codes! {
    /// What is done about a fault, 4 bits (CCSDS 727.0-B-5 §5.4.4).
    FaultHandler: "fault handler code" {
        /// The transaction is cancelled, and the other end is told.
        NoticeOfCancellation = 1,
        /// The transaction is suspended.
        NoticeOfSuspension = 2,
        /// The user is told, and the transaction goes on.
        IgnoreError = 3,
        /// The transaction ends here, and the other end is not told.
        AbandonTransaction = 4,
    }
}
