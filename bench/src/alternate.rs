//! Two things measured in turn, so that what the machine does meanwhile meets both.

use anyhow::Result;

use crate::figure::Figure;

/// What the rounds gave, in their order.
#[derive(Debug, Clone)]
pub(crate) struct Rounds<T> {
    pub(crate) ours: Vec<T>,
    pub(crate) floor: Vec<T>,
}

/// Measures `ours`, `floor`, `ours`, `floor` … so many times each.
pub(crate) fn alternate<T>(
    rounds: usize,
    mut ours: impl FnMut() -> Result<T>,
    mut floor: impl FnMut() -> Result<T>,
) -> Result<Rounds<T>> {
    let mut found = Rounds {
        ours: Vec::with_capacity(rounds),
        floor: Vec::with_capacity(rounds),
    };
    for _ in 0..rounds {
        found.ours.push(ours()?);
        found.floor.push(floor()?);
    }
    Ok(found)
}

impl<T> Rounds<T> {
    /// One value of each round, ours beside the floor's.
    pub(crate) fn figure(
        &self,
        name: impl Into<String>,
        unit: &'static str,
        value: impl Fn(&T) -> f64,
    ) -> Figure {
        let ours: Vec<f64> = self.ours.iter().map(&value).collect();
        let floor: Vec<f64> = self.floor.iter().map(&value).collect();
        Figure::beside(name, unit, &ours, &floor)
    }
}
