//! What bonds are reckoned from.

use serde::Serialize;

use crate::{
    StakeError,
    amount::{Multiple, Wei, YearlyRate, span},
};

const DAY: u64 = 86_400;

/// The periods of the game, in seconds (docs/fault-proofs.md §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timing {
    /// In which a claim can be challenged.
    pub challenge_window: u64,
    /// After a challenge, in which the claim can be defended.
    pub defence_period: u64,
    /// That each side of a dispute has for all its moves.
    pub clock: u64,
}

impl Timing {
    /// Longest time from a challenge to its end.
    pub const fn worst_challenge(&self) -> u64 {
        self.defence_period + 2 * self.clock
    }

    /// Longest time from a claim to its end, if its parent is final by then.
    pub const fn worst_finality(&self) -> u64 {
        self.challenge_window + self.worst_challenge()
    }
}

/// As `duplex deploy` has it: seven days, three, two.
impl Default for Timing {
    fn default() -> Self {
        Self { challenge_window: 7 * DAY, defence_period: 3 * DAY, clock: 2 * DAY }
    }
}

/// Prices and periods that bonds must hold for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Terms {
    /// Wei of one L1 gas, priority fee included, in ordinary times.
    pub gas_price: Wei,
    /// How many times that price the bonds still cover.
    pub margin: Multiple,
    /// The periods of the game.
    pub timing: Timing,
    /// What locked capital costs a year.
    pub capital_cost: YearlyRate,
    /// Wei on L2 whose owners a delay costs the same rate. A challenge then pays for the longest delay. Zero: only
    /// bonds are reckoned as locked.
    pub delayed_value: Wei,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            gas_price: Wei::gwei(10),
            margin: Multiple(500),
            timing: Timing::default(),
            capital_cost: YearlyRate(500),
            delayed_value: Wei::ZERO,
        }
    }
}

impl Terms {
    /// Wei of one L1 gas that the bonds still cover.
    pub const fn worst_price(&self) -> Wei {
        self.gas_price.share_up(self.margin.0 as u128, 100)
    }

    /// What that much gas costs at the price that the bonds still cover.
    pub const fn worst(&self, gas: u64) -> Wei {
        self.worst_price().times(gas as u128)
    }

    /// What that much gas costs in ordinary times.
    pub const fn usual(&self, gas: u64) -> Wei {
        self.gas_price.times(gas as u128)
    }

    /// What it costs to lock this for as long as a claim can take at most.
    pub const fn holding(&self, amount: Wei) -> Wei {
        self.capital_cost.of(amount, self.timing.worst_finality())
    }

    /// Whether these make sense.
    ///
    /// # Errors
    /// [`StakeError::Range`] with the value that does not.
    pub fn check(&self) -> Result<(), StakeError> {
        let range = |ok, what, given: String, allowed, way_out| {
            if ok { Ok(()) } else { Err(StakeError::Range { what, given, allowed, way_out }) }
        };
        range(
            self.gas_price > Wei::ZERO && self.gas_price <= Wei::gwei(1_000_000),
            "the gas price",
            self.gas_price.to_string(),
            "above 0 and at most 1,000,000 gwei",
            "take what L1 gas costs in ordinary times",
        )?;
        range(
            (100..=100_000).contains(&self.margin.0),
            "the margin",
            self.margin.to_string(),
            "from 1 to 1000",
            "1 means that bonds only cover the gas price given; take 3 or more",
        )?;
        range(
            self.capital_cost.0 <= 100_000,
            "the cost of capital",
            self.capital_cost.to_string(),
            "at most 1000 % a year",
            "take what capital would earn elsewhere, such as 5",
        )?;
        range(
            self.delayed_value <= Wei::ether(1_000_000_000),
            "the delayed value",
            self.delayed_value.to_string(),
            "at most 1,000,000,000 ETH",
            "take what is on its way to L1 at any one time",
        )?;
        for (what, seconds) in [
            ("the challenge window", self.timing.challenge_window),
            ("the defence period", self.timing.defence_period),
            ("the clock", self.timing.clock),
        ] {
            range(
                (1..=366 * DAY).contains(&seconds),
                what,
                span(seconds),
                "from a second to 366 days",
                "write it in seconds",
            )?;
        }
        Ok(())
    }
}
