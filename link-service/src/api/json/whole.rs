//! A whole number, also where it is written as `60.0`: JSON makes no difference.

use std::fmt;

use serde::de::{Deserializer, Error, Visitor};

/// A whole number, or null.
pub(super) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    deserializer.deserialize_option(Whole)
}

struct Whole;

impl<'de> Visitor<'de> for Whole {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_none<E: Error>(self) -> Result<Option<u64>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<u64>, D::Error> {
        deserializer.deserialize_u64(self)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Option<u64>, E> {
        Ok(Some(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Option<u64>, E> {
        // What is more than can be, is as much as can be.
        match number >= 0.0 && number.fract() == 0.0 {
            true => Ok(Some(number as u64)),
            false => Err(E::invalid_value(
                serde::de::Unexpected::Float(number),
                &self,
            )),
        }
    }
}
