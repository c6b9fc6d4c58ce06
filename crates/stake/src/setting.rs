//! One rollup and who watches it.

use serde::Serialize;

use crate::{Bonds, GasTable, StakeError, Terms, Wei, amount::span, required_bonds};

/// L1 transactions of the busier side in one dispute, at most: the challenger's eight openings, three commitments, the
/// load and the step.
pub(crate) const OWN_MOVES: u64 = 13;

/// What is asked about: a rollup, its bonds, and the honest side.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Setting {
    /// Gas of the moves.
    pub gas: GasTable,
    /// Prices and periods.
    pub terms: Terms,
    /// The bonds.
    pub bonds: Bonds,
    /// Wei that a false claim could take: what the rollup holds on L1.
    pub value: Wei,
    /// Wei that the honest side has at hand for challenges, defences and their gas, all watchers together.
    pub budget: Wei,
    /// Watchers that challenge and defend, each by itself.
    pub watchers: u32,
    /// Chance that one of them works at some time within a challenge window; from 0 to 1.
    pub uptime: f64,
    /// Seconds that the honest side takes for a move.
    pub response: u64,
    /// Seconds between honest claims.
    pub claim_interval: u64,
}

impl Setting {
    /// An honest side of three watchers with 100 ETH for 10,000 ETH, with the bonds that `terms` require.
    ///
    /// # Errors
    /// As [`required_bonds`].
    pub fn new(gas: GasTable, terms: Terms) -> Result<Self, StakeError> {
        Ok(Self {
            gas,
            terms,
            bonds: required_bonds(&gas, &terms)?,
            value: Wei::ether(10_000),
            budget: Wei::ether(100),
            watchers: 3,
            uptime: 0.99,
            response: 3600,
            claim_interval: 3600,
        })
    }

    /// Whether this makes sense.
    ///
    /// # Errors
    /// [`StakeError::Range`] with the value that does not.
    pub fn check(&self) -> Result<(), StakeError> {
        self.terms.check()?;
        let range = |ok, what, given: String, allowed, way_out| {
            if ok { Ok(()) } else { Err(StakeError::Range { what, given, allowed, way_out }) }
        };
        let most = Wei::ether(1_000_000_000);
        range(
            self.value > Wei::ZERO && self.value <= most,
            "the value secured",
            self.value.to_string(),
            "above 0 and at most 1,000,000,000 ETH",
            "take what the Vault holds, in ETH",
        )?;
        range(
            self.budget <= most,
            "the honest side's budget",
            self.budget.to_string(),
            "at most 1,000,000,000 ETH",
            "take what it can spend within hours, in ETH",
        )?;
        for (what, bond) in [("the claim bond", self.bonds.claim), ("the dispute bond", self.bonds.dispute)] {
            range(
                bond > Wei::ZERO && bond <= most,
                what,
                bond.to_string(),
                "above 0 and at most 1,000,000,000 ETH",
                "leave it out to have it worked out",
            )?;
        }
        range(
            self.watchers <= 1000,
            "the number of watchers",
            self.watchers.to_string(),
            "at most 1000",
            "count those that would act on their own",
        )?;
        range(
            (0.0..=1.0).contains(&self.uptime),
            "the uptime",
            self.uptime.to_string(),
            "from 0 to 1",
            "write 99 % as 0.99",
        )?;
        range(
            (1..self.terms.timing.challenge_window).contains(&self.response),
            "the time for a move",
            span(self.response),
            "at least a second and shorter than the challenge window",
            "take how long a watcher needs to notice and act",
        )?;
        range(
            (1..=366 * 86_400).contains(&self.claim_interval),
            "the time between claims",
            span(self.claim_interval),
            "from a second to 366 days",
            "take the proposer's --claim-interval",
        )
    }

    /// Wei that the honest side needs to challenge one false claim and to play one dispute to the end.
    pub fn challenge_capital(&self) -> Wei {
        self.bonds.dispute + self.terms.worst(self.gas.unanswered() + self.gas.challenger())
    }

    /// Wei that the honest side needs to answer one challenge of an honest claim.
    pub fn defence_capital(&self) -> Wei {
        self.bonds.dispute + self.terms.worst(self.gas.defender())
    }

    /// Gas that somebody spends on a defence to the last step that it loses.
    pub(crate) fn losing_defence(&self) -> u64 {
        self.gas.defender() - self.gas.timeout - self.gas.withdraw
    }

    /// Seconds that an opponent who only lets its clock run out can keep a dispute open against a prompt side.
    pub fn stalled(&self) -> u64 {
        let own = self.response.saturating_mul(OWN_MOVES);
        (self.terms.timing.clock + own).min(2 * self.terms.timing.clock)
    }

    /// Claims of an honest proposer that are open at a time, when nothing is challenged.
    pub const fn open_claims(&self) -> u64 {
        self.terms.timing.challenge_window.div_ceil(self.claim_interval)
    }

    /// The least that a false claim costs whoever makes it and is challenged: without a challenge of its own, or
    /// with one that comes first and as many of the other rewarded ones as pay for themselves.
    pub fn least_loss(&self) -> Wei {
        let gas = |gas| self.terms.usual(gas);
        let propose = gas(self.gas.propose);
        let alone = self.bonds.claim + propose;
        let copy = gas(self.gas.challenge);
        let copies = if self.bonds.other_reward() > copy { REWARDED } else { 0 };
        let back = self.bonds.challenger_reward() + self.bonds.other_reward().times(copies);
        let spent = propose + gas(self.gas.unanswered()) + copy.times(copies);
        alone.min(self.bonds.claim - back + spent)
    }
}

const REWARDED: u128 = crate::REWARDED_OTHERS as u128;
