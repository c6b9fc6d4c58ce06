//! How much stake is enough for relayers who vouch for messages (`docs/bridge.md`): what they can take together, what they
//! lose for it, what honest work earns, and what silence costs.

mod report;
mod sim;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{StakeError, Wei, YearlyRate};

pub use report::RelayerReport;
pub use sim::{RelayerSummary, simulate_relayers};

/// Percent of the least stake of those who must sign that can be vouched for at a time, on each lane:
/// `RelayerRegistry.LIMIT_PERCENT`.
const LIMIT_PERCENT: u128 = 18;
/// Percent of the stake below which a relayer is put out: `RelayerRegistry.LEAST_STAKE_PERCENT`.
const LEAST_STAKE_PERCENT: u128 = 90;
/// Part of what is slashed that the reporter gets: `RelayerRegistry.REPORTER_SHARE`.
const REPORTER_SHARE: u128 = 10;
/// Percent of the stake that an absence costs: `RelayerRegistry.ABSENCE_PERCENT`.
const ABSENCE_PERCENT: u128 = 2;
/// Fewest relayers who may vouch: `RelayerRegistry.MIN_MEMBERS`.
const MIN_MEMBERS: u32 = 4;
/// Most relayers: `RelayerRegistry.MAX_MEMBERS`.
const MAX_MEMBERS: u32 = 32;
const YEAR: u64 = 365 * 24 * 3600;
const DAY: u64 = 24 * 3600;

/// What is asked about relayers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RelayerSetting {
    /// How many there are.
    pub relayers: u32,
    /// What each stakes.
    pub stake: Wei,
    /// Seconds in which a false attestation about L2 is shown on L1.
    pub l1_window: u64,
    /// Seconds in which a false attestation about L1 is shown there, and L2 is told.
    pub l2_window: u64,
    /// Who looks, each on its own.
    pub watchers: u32,
    /// Share of hours in which a watcher works.
    pub uptime: f64,
    /// Messages a day, both ways together.
    pub messages: u32,
    /// What a message is worth on average.
    pub value: Wei,
    /// What it pays beyond the gas of its delivery, in percent of that gas.
    pub fee_percent: u32,
    /// Wei of an L1 gas.
    pub gas_price: Wei,
    /// What locked capital costs.
    pub capital_cost: YearlyRate,
    /// What running a relayer costs a year.
    pub running: Wei,
    /// Gas of a delivery on relayers' word on L1, from the snapshot.
    pub delivery_gas: u64,
}

impl RelayerSetting {
    /// Gas of a delivery to L1 that four of five vouch for.
    ///
    /// # Errors
    /// If the snapshot does not say it.
    pub fn committed_delivery_gas() -> Result<u64, StakeError> {
        const FILE: &str = "contracts/snapshots/Relayers.json";
        const NAME: &str = "deliver ETH to L1, 4 of 5";
        let text = include_str!("../../../../contracts/snapshots/Relayers.json");
        let entries: Map<String, Value> = serde_json::from_str(text)
            .map_err(|error| StakeError::NotSnapshot { file: FILE, reason: error.to_string() })?;
        let gas = entries.get(NAME).and_then(Value::as_str).and_then(|gas| gas.parse().ok());
        gas.ok_or_else(|| StakeError::MissingGas { file: FILE, name: NAME.into() })
    }

    /// Whether the values make sense.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self) -> Result<(), StakeError> {
        let range =
            |what, given: String, allowed, way_out| Err(StakeError::Range { what, given, allowed, way_out });
        if self.relayers < MIN_MEMBERS || self.relayers > MAX_MEMBERS {
            let way_out = "fewer vouch for nothing, more do not fit into a set";
            return range("the number of relayers", self.relayers.to_string(), "from 4 to 32", way_out);
        }
        if self.stake == Wei::ZERO {
            return range("the stake", self.stake.to_string(), "above 0 ETH", "without it nobody may vouch");
        }
        if self.l1_window == 0 || self.l2_window == 0 {
            let way_out = "a lie takes some time to show";
            return range("a window", "0".into(), "a time in seconds", way_out);
        }
        if !(0.0..=1.0).contains(&self.uptime) {
            let way_out = "write 99 % as 0.99";
            return range("the uptime", self.uptime.to_string(), "from 0 to 1", way_out);
        }
        if self.gas_price == Wei::ZERO {
            let way_out = "what messages pay follows from it";
            return range("the gas price", self.gas_price.to_string(), "above 0", way_out);
        }
        Ok(())
    }

    /// How many must sign: more than two thirds.
    pub const fn threshold(&self) -> u32 {
        2 * self.relayers / 3 + 1
    }

    /// What can be vouched for at a time, on each lane: the contract's figure.
    pub const fn limit(&self) -> Wei {
        let least = self.stake.0 * LEAST_STAKE_PERCENT / 100;
        Wei(self.threshold() as u128 * least * LIMIT_PERCENT / 100)
    }

    /// What as few as must sign can take until both lanes are closed to them, when that takes so long: a full bucket on each
    /// lane, and what becomes free meanwhile.
    #[allow(clippy::cast_precision_loss)]
    pub fn taken(&self, l1_seconds: u64, l2_seconds: u64) -> Wei {
        let refill = |seconds: u64, window: u64| {
            Wei(self.limit().0 / 1_000 * u128::from(seconds) / u128::from(window) * 1_000)
        };
        let twice = self.limit().times(2);
        twice + refill(l1_seconds, self.l1_window) + refill(l2_seconds, self.l2_window)
    }

    /// What they take if it takes the whole windows.
    pub fn taken_in_windows(&self) -> Wei {
        self.taken(self.l1_window, self.l2_window)
    }

    /// What they lose, if they report themselves and have the reporter's share back, with stakes as low as may be.
    pub const fn lost(&self) -> Wei {
        let staked = self.threshold() as u128 * (self.stake.0 * LEAST_STAKE_PERCENT / 100);
        Wei(staked - staked / REPORTER_SHARE)
    }

    /// How many times what they take they lose at least, if they are found out within the windows.
    pub const fn margin(&self) -> f64 {
        self.lost().as_ether() / self.limit().times(4).as_ether()
    }

    /// The stake with which so much can be vouched for at a time.
    pub const fn stake_for(&self, value: Wei) -> Wei {
        value.share_up(100 * 100, self.threshold() as u128 * LEAST_STAKE_PERCENT * LIMIT_PERCENT)
    }

    /// How much passes on relayers' word a day, both ways, at the most.
    pub fn throughput(&self) -> Wei {
        let a_day = |window: u64| Wei(self.limit().0 / u128::from(window) * u128::from(DAY));
        a_day(self.l1_window) + a_day(self.l2_window)
    }

    /// What a message pays for its delivery.
    pub const fn fee(&self) -> Wei {
        let gas = self.gas_price.times(self.delivery_gas as u128);
        // Half is for who delivers: it must cover the gas, and what is over is shared alike.
        gas.times(2).share_up(100 + self.fee_percent as u128, 100)
    }

    /// Messages a year that relayers vouch for: not more than the limits let through.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn vouched_messages(&self) -> u64 {
        let asked = f64::from(self.messages);
        let most = match self.value.0 {
            0 => asked,
            _ => self.throughput().as_ether() / self.value.as_ether(),
        };
        (asked.min(most) * 365.0) as u64
    }

    /// What a relayer that signs everything and delivers its part has of fees a year, after gas.
    pub fn earned(&self) -> Wei {
        let messages = u128::from(self.vouched_messages());
        let half = self.fee().part(2);
        let signing = half.times(messages).part(u128::from(self.relayers));
        let gas = self.gas_price.times(u128::from(self.delivery_gas));
        let delivering = (half - gas).times(messages).part(u128::from(self.relayers));
        signing + delivering
    }

    /// What it costs a year.
    pub const fn costs(&self) -> Wei {
        let capital = self.capital_cost.of(self.stake, YEAR);
        Wei(capital.0.saturating_add(self.running.0))
    }

    /// Messages a day from which a relayer earns more than it costs; `None` if it never does.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn break_even(&self) -> Option<u32> {
        let each = Self { messages: 1_000_000, value: Wei::ZERO, ..*self }.earned().as_ether() / 1_000_000.0;
        let needed = (self.costs().as_ether() / each).ceil();
        (each > 0.0 && needed < 1e9).then_some(needed as u32)
    }

    /// What a single absence costs.
    pub const fn absence(&self) -> Wei {
        Wei(self.stake.0 * ABSENCE_PERCENT / 100)
    }

    /// Relayers who must be silent for nobody to be vouched for.
    pub const fn blockers(&self) -> u32 {
        self.relayers - self.threshold() + 1
    }

    /// What is staked by so many.
    pub const fn blockers_stake(&self) -> Wei {
        self.stake.times(self.blockers() as u128)
    }

    /// Seconds of silence, beyond the windows, from which collusion pays.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn pays_after(&self) -> u64 {
        // Both lanes refill until then.
        let rate = self.limit().as_ether() * (1.0 / self.l1_window as f64 + 1.0 / self.l2_window as f64);
        let left = self.lost().as_ether() - 2.0 * self.limit().as_ether();
        (left.max(0.0) / rate) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting() -> RelayerSetting {
        RelayerSetting {
            relayers: 5,
            stake: Wei::ether(10),
            l1_window: 20 * DAY,
            l2_window: 2 * DAY,
            watchers: 3,
            uptime: 0.99,
            messages: 1_000,
            value: Wei::ether(1),
            fee_percent: 10,
            gas_price: Wei::gwei(10),
            capital_cost: YearlyRate(500),
            running: Wei::ether(1),
            delivery_gas: 200_000,
        }
    }

    #[test]
    fn the_figures_are_the_contracts() {
        // As in contracts/test/utils/Relayers.sol.
        let s = setting();
        assert_eq!(s.threshold(), 4);
        assert_eq!(s.limit(), "6.48".parse().unwrap());
        for (relayers, threshold) in [(4, 3), (6, 5), (7, 5), (32, 22)] {
            assert_eq!(RelayerSetting { relayers, ..s }.threshold(), threshold);
        }
    }

    #[test]
    fn whoever_colludes_loses_a_quarter_more_than_it_takes() {
        for relayers in MIN_MEMBERS..=MAX_MEMBERS {
            for stake in [Wei(1_000_003), Wei::ether(1), Wei::ether(100_000)] {
                let s = RelayerSetting { relayers, stake, ..setting() };
                assert!(s.taken_in_windows() <= s.limit().times(4));
                assert!(s.lost().0 * 100 >= s.taken_in_windows().0 * 125, "{relayers} {stake}");
            }
        }
        let margin = setting().margin();
        assert!((margin - 1.25).abs() < 1e-9, "{margin}");
    }

    #[test]
    fn it_pays_after_longer_than_the_windows_only() {
        let s = setting();
        let after = s.pays_after();
        assert!(after > s.l2_window);
        assert!(s.taken(after - 3600, after - 3600) < s.lost());
        assert!(s.taken(after + 3600, after + 3600) > s.lost());
    }

    #[test]
    fn stake_for_a_limit_gives_that_limit() {
        let s = setting();
        for value in [Wei::ether(1), Wei::ether(33), "0.5".parse().unwrap()] {
            let with = RelayerSetting { stake: s.stake_for(value), ..s };
            assert!(with.limit() >= value - Wei(100) && with.limit() <= value + Wei(100), "{value}");
        }
    }

    #[test]
    fn break_even_is_where_earnings_meet_costs() {
        let s = RelayerSetting { value: Wei::ZERO, ..setting() };
        let messages = s.break_even().unwrap();
        assert!(RelayerSetting { messages, ..s }.earned() >= s.costs() - Wei::gwei(1));
        assert!(RelayerSetting { messages: messages - 2, ..s }.earned() < s.costs());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let s = setting();
        for wrong in [
            RelayerSetting { relayers: 3, ..s },
            RelayerSetting { relayers: 33, ..s },
            RelayerSetting { stake: Wei::ZERO, ..s },
            RelayerSetting { l1_window: 0, ..s },
            RelayerSetting { l2_window: 0, ..s },
            RelayerSetting { uptime: 1.5, ..s },
            RelayerSetting { gas_price: Wei::ZERO, ..s },
        ] {
            assert!(matches!(wrong.check(), Err(StakeError::Range { .. })), "{wrong:?}");
        }
        assert_eq!(s.check(), Ok(()));
    }

    #[test]
    fn the_snapshot_has_what_is_needed() {
        assert!(RelayerSetting::committed_delivery_gas().unwrap() > 100_000);
    }
}
