//! What switches devices and heaters.

use crate::core::Event;
use crate::shell::Door;

/// Switches devices and heaters.
///
/// # For those who implement it
///
/// It must not wait. That a device was switched, or why not, is told by
/// [`Event::Switched`](crate::core::Event::Switched), once for each switch; after
/// [`timeout`](crate::core::DeviceRules::timeout) it counts as failed.
pub trait Switches: Send {
    /// Switches a device, also where it is so already.
    fn switch(&mut self, device: u16, on: bool);

    /// Switches the heater of a place.
    fn heat(&mut self, place: u8, on: bool);
}

/// Devices that are not there, and do as they are told.
#[derive(Debug)]
pub struct SimulatedSwitches(Door);

impl SimulatedSwitches {
    /// What becomes of them is told by the door.
    #[must_use]
    pub fn new(door: Door) -> Self {
        SimulatedSwitches(door)
    }
}

impl Switches for SimulatedSwitches {
    fn switch(&mut self, device: u16, on: bool) {
        let result = Ok(());
        self.0.event(Event::Switched { device, on, result });
    }

    fn heat(&mut self, place: u8, on: bool) {
        let on = if on { "on" } else { "off" };
        log::info!("the heater of place {place} is {on}");
    }
}
