//! What a field may hold.

use std::marker::PhantomData;

use crate::invalid::{Invalid, Problem};
use crate::profile::Binding;

/// What is asked of the value of a field. It may rewrite what only a binding made of it.
pub(crate) trait Rule<T> {
    fn apply(&self, value: &mut T, binding: Binding) -> Result<(), Invalid>;
}

/// A message whose fields have rules.
pub(crate) trait Fit {
    fn fit(&mut self, binding: Binding) -> Result<(), Invalid>;
}

/// A whole number. Each travels as 32 bits, whatever the bindings make of it.
#[derive(Clone, Copy)]
pub(crate) enum Int {
    /// Any.
    Any,
    /// A correlation id. It is echoed, so that those beyond 16 bits are taken from whom they
    /// can be given back to.
    Id,
    /// 16 bits.
    Word,
    /// 8 bits.
    Octet,
    /// 8 bits with a sign.
    SignedOctet,
    /// From one to another.
    Within(i32, i32),
}

impl Rule<i32> for Int {
    fn apply(&self, value: &mut i32, binding: Binding) -> Result<(), Invalid> {
        let (min, max) = match self {
            Int::Any => return Ok(()),
            Int::Id => (0, binding.id_max),
            Int::Word => (0, i32::from(u16::MAX)),
            Int::Octet => {
                if binding.has_garbage {
                    *value &= 0xFF;
                }
                (0, i32::from(u8::MAX))
            }
            Int::SignedOctet => {
                if binding.has_garbage {
                    let [octet, ..] = value.to_le_bytes();
                    *value = i32::from(i8::from_le_bytes([octet]));
                }
                (i32::from(i8::MIN), i32::from(i8::MAX))
            }
            Int::Within(min, max) => (*min, *max),
        };
        in_range(i64::from(*value), i64::from(min), i64::from(max))
    }
}

/// Seconds since 1970, or what a payload counts as time.
pub(crate) struct Time;

impl Rule<i64> for Time {
    fn apply(&self, value: &mut i64, _: Binding) -> Result<(), Invalid> {
        in_range(*value, 0, i64::MAX)
    }
}

/// 0 to 100.
pub(crate) struct Percent;

impl Rule<u32> for Percent {
    fn apply(&self, value: &mut u32, _: Binding) -> Result<(), Invalid> {
        in_range(i64::from(*value), 0, 100)
    }
}

fn in_range(value: i64, min: i64, max: i64) -> Result<(), Invalid> {
    match (min..=max).contains(&value) {
        true => Ok(()),
        false => Err(Problem::OutOfRange { value, min, max }.into()),
    }
}

/// A number of an enum.
pub(crate) struct OneOf<E>(PhantomData<E>);

pub(crate) const fn one_of<E>() -> OneOf<E> {
    OneOf(PhantomData)
}

impl<E: TryFrom<i32>> Rule<i32> for OneOf<E> {
    fn apply(&self, value: &mut i32, _: Binding) -> Result<(), Invalid> {
        match E::try_from(*value) {
            Ok(_) => Ok(()),
            Err(_) => Err(Problem::NoSuch { value: *value }.into()),
        }
    }
}

/// So many octets, from the one to the other.
pub(crate) struct Octets(pub(crate) usize, pub(crate) usize);

impl Octets {
    fn holds(&self, octets: usize) -> Result<(), Invalid> {
        let Octets(octets_min, octets_max) = *self;
        if octets > octets_max {
            return Err(Problem::TooLong { octets, octets_max }.into());
        }
        match octets < octets_min {
            true => Err(Problem::Empty.into()),
            false => Ok(()),
        }
    }
}

impl Rule<Vec<u8>> for Octets {
    fn apply(&self, value: &mut Vec<u8>, _: Binding) -> Result<(), Invalid> {
        self.holds(value.len())
    }
}

/// A string of C ends at its first octet of 0, so that one with more would be another one at
/// its other end.
impl Rule<String> for Octets {
    fn apply(&self, value: &mut String, _: Binding) -> Result<(), Invalid> {
        self.holds(value.len())?;
        match value.contains('\0') {
            true => Err(Problem::Nul.into()),
            false => Ok(()),
        }
    }
}

/// A number of the real ones.
pub(crate) struct Finite;

impl Rule<f64> for Finite {
    fn apply(&self, value: &mut f64, _: Binding) -> Result<(), Invalid> {
        match value.is_finite() {
            true => Ok(()),
            false => Err(Problem::NotFinite.into()),
        }
    }
}

impl Rule<f32> for Finite {
    fn apply(&self, value: &mut f32, binding: Binding) -> Result<(), Invalid> {
        Finite.apply(&mut f64::from(*value), binding)
    }
}

/// A message within.
pub(crate) struct Part;

impl<M: Fit> Rule<Option<M>> for Part {
    fn apply(&self, value: &mut Option<M>, binding: Binding) -> Result<(), Invalid> {
        match value {
            Some(message) => message.fit(binding),
            None => Ok(()),
        }
    }
}

/// One that is to be there.
pub(crate) struct Needed;

impl<M: Fit> Rule<Option<M>> for Needed {
    fn apply(&self, value: &mut Option<M>, binding: Binding) -> Result<(), Invalid> {
        match value {
            Some(message) => message.fit(binding),
            None => Err(Problem::Missing.into()),
        }
    }
}

/// So many messages at most.
pub(crate) struct List(pub(crate) usize);

impl<M: Fit> Rule<Vec<M>> for List {
    fn apply(&self, value: &mut Vec<M>, binding: Binding) -> Result<(), Invalid> {
        let List(count_max) = *self;
        let count = value.len();
        if count > count_max {
            return Err(Problem::TooMany { count, count_max }.into());
        }
        for (index, message) in value.iter_mut().enumerate() {
            message.fit(binding).map_err(|invalid| invalid.at(index))?;
        }
        Ok(())
    }
}

/// Cuts a list off where its sender says that it ends.
pub(crate) fn counted<T>(stated: i32, list: &mut Vec<T>) -> Result<(), Invalid> {
    let there = list.len();
    match usize::try_from(stated) {
        Ok(stated) if stated <= there => {
            list.truncate(stated);
            Ok(())
        }
        _ => Err(Problem::Fewer { stated, there }.into()),
    }
}
