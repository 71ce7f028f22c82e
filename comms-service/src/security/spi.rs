//! The security parameter index: which station, which direction, which key.
//!
//! | bits | what |
//! |---|---|
//! | 15 | direction: 0 up, 1 down |
//! | 14..8 | station, 1..=127; 0 is everybody, downlink only |
//! | 7..0 | key generation, 1..=254 |
//!
//! 0 and 65535 name no association (reserved in CCSDS 355.0-B-2 §4.1.1.2); 0 marks
//! the two link-control messages that go in the clear.

use crate::message::SecurityHeader;

/// What stands in the security header of a message in the clear.
pub(crate) const CLEAR: SecurityHeader = SecurityHeader {
    spi: 0,
    sequence: 0,
};

/// The station of broadcasts.
pub(crate) const EVERYBODY: u8 = 0;
/// Most stations.
pub const STATIONS_MAX: u8 = 127;

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Up,
    Down,
}

impl Direction {
    /// The octet that authentication covers.
    pub(crate) fn octet(self) -> u8 {
        match self {
            Direction::Up => 0,
            Direction::Down => 1,
        }
    }
}

/// A security parameter index, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spi {
    pub(crate) direction: Direction,
    pub(crate) station: u8,
    pub(crate) generation: u8,
}

impl Spi {
    pub(crate) fn up(station: u8, generation: u8) -> Spi {
        Spi {
            direction: Direction::Up,
            station,
            generation,
        }
    }

    pub(crate) fn down(station: u8, generation: u8) -> Spi {
        Spi {
            direction: Direction::Down,
            station,
            generation,
        }
    }

    /// None where the number can name no association.
    pub(crate) fn read(number: u16) -> Option<Spi> {
        let [high, generation] = number.to_be_bytes();
        let station = high & 0x7F;
        let direction = match high & 0x80 {
            0 => Direction::Up,
            _ => Direction::Down,
        };
        let nobody = station == EVERYBODY && direction == Direction::Up;
        let valid = (1..=254).contains(&generation) && !nobody;
        valid.then_some(Spi {
            direction,
            station,
            generation,
        })
    }

    pub(crate) fn number(self) -> u16 {
        let high = (self.direction.octet() << 7) | (self.station & 0x7F);
        u16::from_be_bytes([high, self.generation])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_reads_back_or_names_nothing() {
        let mut named = 0;
        for number in 0..=u16::MAX {
            if let Some(spi) = Spi::read(number) {
                assert_eq!(spi.number(), number);
                named += 1;
            }
        }
        assert_eq!(named, 254 * (127 + 128));
        assert_eq!(Spi::read(0), None);
        assert_eq!(Spi::read(u16::MAX), None);
    }

    #[test]
    fn the_layout_is_that_of_the_book() {
        assert_eq!(Spi::up(1, 1).number(), 0x0101);
        assert_eq!(Spi::down(1, 2).number(), 0x8102);
        assert_eq!(Spi::down(EVERYBODY, 1).number(), 0x8001);
    }
}
