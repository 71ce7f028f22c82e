//! Entity ids as TLVs: the fault location (CCSDS 727.0-B-5 §5.4.6).
//!
//! ```text
//! octet 0     type 06
//!       1     length, 1 to 8
//!       then  entity id
//! ```

use super::TlvType;
use crate::pdu::code::Code;
use crate::pdu::fields::{Fields, put_with_length};
use crate::pdu::id::{EntityId, Width, Widths};
use crate::pdu::{BuildError, PduError};

/// Reads what is left of a PDU: a fault location or nothing.
pub(crate) fn read_fault_location(
    part: &'static str,
    mut fields: Fields<'_>,
) -> Result<Option<EntityId>, PduError> {
    if fields.is_empty() {
        return Ok(None);
    }
    let kind = fields.u8(TlvType::FIELD)?;
    if kind != TlvType::EntityId.code() {
        let (field, value) = (TlvType::FIELD, u64::from(kind));
        return Err(PduError::Value { part, field, value });
    }
    let id = fields.entity_id_lv("fault location")?;
    fields.end()?;
    Ok(Some(id))
}

pub(crate) fn put_fault_location(
    id: Option<EntityId>,
    widths: Widths,
    out: &mut Vec<u8>,
) -> Result<(), BuildError> {
    let Some(id) = id else {
        return Ok(());
    };
    out.push(TlvType::EntityId.code());
    put_entity_id_lv(id, widths, "fault location", out)
}

/// In the width of the entity's ids, or in more octets where an id of another entity
/// needs them: the length says so.
pub(crate) fn put_entity_id_lv(
    id: EntityId,
    widths: Widths,
    what: &'static str,
    out: &mut Vec<u8>,
) -> Result<(), BuildError> {
    let width = widths.entity_id.max(Width::for_value(id.0));
    put_with_length(what, out, |out| width.put(id.0, what, out))
}
