//! Where values go, and which of them are written.

use crate::digits;

/// How an axis grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    Linear,
    /// By factors; everything on it is above zero.
    Logarithmic,
}

/// One axis. `low` is below `high`.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    pub(super) label: String,
    pub(super) scale: Scale,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Axis {
    /// From zero to a round number that is not below `high`.
    pub(super) fn linear(label: &str, high: f64) -> Self {
        let step = round_step(high.max(1e-9));
        Self {
            label: label.into(),
            scale: Scale::Linear,
            low: 0.0,
            high: (high / step).ceil().max(1.0) * step,
        }
    }

    /// From one power of ten to another, around these.
    pub(super) fn logarithmic(label: &str, low: f64, high: f64) -> Self {
        let low = low.max(1e-9).log10().floor();
        let high = high.max(1e-9).log10().ceil().max(low + 1.0);
        Self { label: label.into(), scale: Scale::Logarithmic, low: 10f64.powf(low), high: 10f64.powf(high) }
    }

    /// Where a value is, from 0 at the low end to 1 at the high one; at the ends if it is beyond them.
    pub(super) fn place(&self, value: f64) -> f64 {
        let place = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Logarithmic => (value.max(self.low) / self.low).ln() / (self.high / self.low).ln(),
        };
        place.clamp(0.0, 1.0)
    }

    /// Values with a line of the grid, and their texts.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        match self.scale {
            Scale::Linear => {
                let step = round_step(self.high - self.low);
                let count = ((self.high - self.low) / step).round() as i32;
                let value = |index: i32| self.low + f64::from(index) * step;
                (0..=count).map(|index| (value(index), short(value(index)))).collect()
            }
            Scale::Logarithmic => {
                let (low, high) = (self.low.log10().round() as i32, self.high.log10().round() as i32);
                let every = ((high - low) / 8).max(1) as usize;
                (low..=high)
                    .step_by(every)
                    .map(|power| (10f64.powi(power), short(10f64.powi(power))))
                    .collect()
            }
        }
    }
}

/// 1, 2 or 5 times a power of ten that divides a range into five to ten parts.
fn round_step(range: f64) -> f64 {
    let power = 10f64.powf((range / 5.0).log10().floor());
    let factor = range / 5.0 / power;
    power
        * if factor >= 5.0 {
            5.0
        } else if factor >= 2.0 {
            2.0
        } else {
            1.0
        }
}

/// A number in as few letters as an axis has room for.
pub(super) fn short(value: f64) -> String {
    let (size, unit) = match value.abs() {
        v if v >= 1e9 => (1e9, "G"),
        v if v >= 1e6 => (1e6, "M"),
        v if v >= 1e4 => (1e3, "k"),
        _ => (1.0, ""),
    };
    format!("{}{unit}", digits(value / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_few() {
        for range in [0.003, 1.0, 1.4, 7.0, 99.0, 100.0, 12_345.0] {
            let axis = Axis::linear("x", range);
            let ticks = axis.ticks();
            assert!((4..=12).contains(&ticks.len()), "{range}: {ticks:?}");
            assert!(axis.high >= range);
            assert!((ticks[ticks.len() - 1].0 - axis.high).abs() < axis.high * 1e-9);
        }
    }

    #[test]
    fn places_are_in_order_and_within() {
        let axis = Axis::logarithmic("x", 0.5, 900.0);
        assert!((axis.low - 0.1).abs() < 1e-12 && (axis.high - 1000.0).abs() < 1e-9);
        assert!((axis.place(10.0) - 0.5).abs() < 1e-9);
        assert!(axis.place(0.0).abs() < 1e-12);
        assert!((axis.place(1e9) - 1.0).abs() < 1e-12);
        assert_eq!(
            axis.ticks().iter().map(|tick| tick.1.as_str()).collect::<Vec<_>>(),
            ["0.1", "1", "10", "100", "1,000"]
        );
        assert_eq!([short(25_000.0), short(3e7), short(2e9)], ["25k", "30M", "2G"]);
    }
}
