//! The price of L1 gas, hour by hour.

use super::rng::Rng;

/// How much of its distance to the ordinary price is left after an hour: half of it after about a day.
const REVERSION: f64 = 0.97;
/// Deviation of the logarithm's hourly change: about 0.6 in the long run, so one hour in twenty is above 2.7 times.
const NOISE: f64 = 0.15;
/// Spikes a year, beyond that.
const SPIKES: f64 = 12.0;
/// Hours that one lasts on average.
const SPIKE_HOURS: f64 = 8.0;

/// A price that goes back to the ordinary one, with spikes of 3 to 30 times.
#[derive(Debug)]
pub(super) struct Market {
    ordinary: f64,
    logarithm: f64,
    spike: f64,
    /// A storm that the scenario makes: its factor, and the hours left.
    storm: (f64, u32),
}

impl Market {
    pub(super) const fn new(ordinary: f64) -> Self {
        Self { ordinary, logarithm: 0.0, spike: 1.0, storm: (1.0, 0) }
    }

    pub(super) const fn storm(&mut self, factor: f64, hours: u32) {
        self.storm = (factor, hours);
    }

    /// The next hour's price, in ETH of one gas.
    pub(super) fn next(&mut self, rng: &mut Rng) -> f64 {
        self.logarithm = self.logarithm * REVERSION + NOISE * rng.normal();
        let (starts, size) = (rng.chance(SPIKES / 8766.0), rng.unit());
        let ends = rng.chance(1.0 / SPIKE_HOURS);
        if self.spike > 1.0 {
            if ends {
                self.spike = 1.0;
            }
        } else if starts {
            self.spike = 3.0 * 10f64.powf(size);
        }
        let storm = if self.storm.1 > 0 { self.storm.0 } else { 1.0 };
        self.storm.1 = self.storm.1.saturating_sub(1);
        self.ordinary * self.logarithm.exp() * self.spike.max(storm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_price_stays_around_the_ordinary_one_and_spikes() {
        let (mut market, mut rng) = (Market::new(1.0), Rng::new(7));
        let mut prices: Vec<_> = (0..8766 * 4).map(|_| market.next(&mut rng)).collect();
        prices.sort_by(f64::total_cmp);
        let median = prices[prices.len() / 2];
        assert!((0.8..1.25).contains(&median), "{median}");
        assert!(prices[prices.len() - 1] > 5.0);
        assert!(prices[0] > 0.0);
    }

    #[test]
    fn a_storm_lasts_as_long_as_it_was_made() {
        let (mut market, mut rng) = (Market::new(1.0), Rng::new(7));
        market.storm(1e6, 3);
        let stormy = (0..10).filter(|_| market.next(&mut rng) > 1e5).count();
        assert_eq!(stormy, 3);
    }
}
