//! The address field of an AX.25 frame of any type (v2.2 §3.12).

use crate::ax25::{
    ADDRESS_BYTES, ADDRESS_FIELD_BYTES_MAX, AddressRole, Ax25Error, EXTENSION_BIT, HIGH_BIT,
};
use crate::callsign::Callsign;

/// One address off the air.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Address {
    pub(crate) callsign: Callsign,
    ssid_octet: u8,
}

impl Address {
    /// The command or has-been-repeated bit.
    pub(crate) fn high_bit(&self) -> bool {
        self.ssid_octet & HIGH_BIT != 0
    }

    pub(crate) fn decode(octets: &[u8]) -> Option<Self> {
        let [a, b, c, d, e, f, ssid_octet] = *octets else {
            return None;
        };
        let characters = [a, b, c, d, e, f];
        // An extension bit inside the characters would be shifted out unseen.
        if characters.iter().any(|octet| octet & EXTENSION_BIT != 0) {
            return None;
        }
        let callsign =
            Callsign::from_padded(characters.map(|octet| octet >> 1), (ssid_octet >> 1) & 0x0F)?;
        Some(Self {
            callsign,
            ssid_octet,
        })
    }
}

/// The checked address field of any AX.25 frame, and what follows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AddressField<'a> {
    pub(crate) destination: Address,
    pub(crate) source: Address,
    /// Whole addresses, each of them checked.
    pub(crate) digipeaters: &'a [u8],
    /// Control octet and on.
    pub(crate) content: &'a [u8],
}

impl<'a> AddressField<'a> {
    pub(crate) fn new_checked(octets: &'a [u8]) -> Result<Self, Ax25Error> {
        let end = octets
            .iter()
            .take(ADDRESS_FIELD_BYTES_MAX)
            .position(|octet| octet & EXTENSION_BIT != 0)
            .map(|last| last + 1);
        let Some(end) = end else {
            return Err(if octets.len() < ADDRESS_FIELD_BYTES_MAX {
                Ax25Error::Truncated {
                    octets: octets.len(),
                }
            } else {
                Ax25Error::TooManyDigipeaters
            });
        };
        let (addresses, content) = octets
            .split_at_checked(end)
            .filter(|(addresses, _)| {
                addresses.len() % ADDRESS_BYTES == 0 && addresses.len() >= 2 * ADDRESS_BYTES
            })
            .ok_or(Ax25Error::AddressLength { octets: end })?;
        let (destination, rest) = split_address(addresses, AddressRole::Destination)?;
        let (source, digipeaters) = split_address(rest, AddressRole::Source)?;
        for (index, digipeater) in digipeaters.chunks_exact(ADDRESS_BYTES).enumerate() {
            split_address(digipeater, AddressRole::Digipeater(index + 1))?;
        }
        Ok(Self {
            destination,
            source,
            digipeaters,
            content,
        })
    }
}

fn split_address(octets: &[u8], role: AddressRole) -> Result<(Address, &[u8]), Ax25Error> {
    octets
        .split_at_checked(ADDRESS_BYTES)
        .and_then(|(address, rest)| Some((Address::decode(address)?, rest)))
        .ok_or_else(|| {
            let mut address = [0; ADDRESS_BYTES];
            for (slot, octet) in address.iter_mut().zip(octets) {
                *slot = *octet;
            }
            Ax25Error::Callsign {
                role,
                octets: address,
            }
        })
}
