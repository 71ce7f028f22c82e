//! LVs and TLVs: what a PDU carries any number of (CCSDS 727.0-B-5 §5.1, §5.4), and the
//! messages to users that the standard defines (§6).
//!
//! | type | is | stands in | layout |
//! |---|---|---|---|
//! | 00 | [`FilestoreRequest`] | Metadata | [`filestore_request`] |
//! | 01 | [`FilestoreResponse`] | Finished | [`filestore_response`] |
//! | 02 | [`MessageToUser`] | Metadata | [`message_to_user`], [`proxy`], [`directory`], [`remote`] |
//! | 04 | [`FaultHandlerOverride`] | Metadata | [`fault_handler`] |
//! | 05 | flow label, any octets | Metadata | |
//! | 06 | fault location, an entity id | EOF, Finished | 1 to 8 octets |

pub mod directory;
pub(crate) mod entity_id;
pub mod fault_handler;
pub mod filestore_request;
pub mod filestore_response;
mod list;
mod lv;
pub mod message_to_user;
mod option;
pub mod proxy;
pub mod remote;

pub use directory::DirectoryMessage;
pub use fault_handler::FaultHandlerOverride;
pub use filestore_request::{FilestoreAction, FilestoreRequest};
pub use filestore_response::{FilestoreResponse, FilestoreStatus};
pub use list::{Tlv, TlvList};
pub use lv::Lv;
pub use message_to_user::{MessageToUser, ReservedMessage};
pub use option::MetadataOption;
pub use proxy::ProxyMessage;
pub use remote::RemoteMessage;

use super::code::codes;

/// The TLVs of a Metadata PDU.
pub type MetadataOptions<'a> = TlvList<'a, MetadataOption<'a>>;

/// The filestore responses of a Finished PDU.
pub type FilestoreResponses<'a> = TlvList<'a, FilestoreResponse<'a>>;

codes! {
    /// What a TLV is, 8 bits.
    TlvType: "TLV type" {
        /// What the receiver is to do with its files.
        FilestoreRequest = 0x00,
        /// What became of that.
        FilestoreResponse = 0x01,
        /// What the receiver hands on to its user.
        MessageToUser = 0x02,
        /// What is done about a fault.
        FaultHandlerOverride = 0x04,
        /// Means something to the entities.
        FlowLabel = 0x05,
        /// An entity: where a fault is.
        EntityId = 0x06,
    }
}
