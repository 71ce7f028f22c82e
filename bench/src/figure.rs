//! One figure: a value, what it stands beside, and what it is to be.

use std::fmt;

/// A value that was measured several times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of the values of all rounds; zeros where there are none.
    pub(crate) fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Self {
            median: median(&sorted),
            min: sorted.first().copied().unwrap_or(0.0),
            max: sorted.last().copied().unwrap_or(0.0),
        }
    }

    /// Of a value that was measured, or counted, once.
    pub(crate) fn once(value: f64) -> Self {
        Self::of(&[value])
    }
}

/// The middle one of values in ascending order.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    let at = |index: usize| sorted.get(index).copied().unwrap_or(0.0);
    match sorted.len() {
        0 => 0.0,
        length if length.is_multiple_of(2) => (at(middle - 1) + at(middle)) / 2.0,
        _ => at(middle),
    }
}

/// What a figure is to be: its ratio, or its value where nothing stands beside it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Goal::AtLeast(least) => write!(f, ">= {least}"),
            Goal::AtMost(most) => write!(f, "<= {most}"),
        }
    }
}

/// What was measured, beside what the least possible takes.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) ours: Spread,
    /// The same of what stands beside it.
    pub(crate) floor: Option<Spread>,
    /// Ours ÷ floor: the median of the rounds' ratios.
    pub(crate) ratio: Option<f64>,
    pub(crate) goal: Option<Goal>,
}

impl Figure {
    /// A value that nothing stands beside.
    pub(crate) fn alone(name: impl Into<String>, unit: &'static str, ours: Spread) -> Self {
        Self {
            name: name.into(),
            unit,
            ours,
            floor: None,
            ratio: None,
            goal: None,
        }
    }

    /// Values of the same rounds, ours and what stands beside it.
    pub(crate) fn beside(
        name: impl Into<String>,
        unit: &'static str,
        ours: &[f64],
        floor: &[f64],
    ) -> Self {
        let pairs = ours.iter().zip(floor);
        let divisible = pairs.filter(|(_, floor)| **floor != 0.0);
        let ratios: Vec<f64> = divisible.map(|(ours, floor)| ours / floor).collect();
        Self {
            floor: Some(Spread::of(floor)),
            ratio: (!ratios.is_empty()).then(|| Spread::of(&ratios).median),
            ..Self::alone(name, unit, Spread::of(ours))
        }
    }

    /// What it is to be.
    pub(crate) fn goal(self, goal: Goal) -> Self {
        Self {
            goal: Some(goal),
            ..self
        }
    }

    /// Whether it is as it is to be, where that is said.
    pub(crate) fn is_met(&self) -> Option<bool> {
        let value = self.ratio.unwrap_or(self.ours.median);
        self.goal.map(|goal| match goal {
            Goal::AtLeast(least) => value >= least,
            Goal::AtMost(most) => value <= most,
        })
    }
}
