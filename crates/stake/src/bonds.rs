//! Bonds that pay for what they oblige others to do, and how they are shared out.

use serde::Serialize;

use crate::{GasTable, StakeError, Terms, Wei, amount::span};

/// Other open challenges of a rejected claim that get something.
pub const REWARDED_OTHERS: u64 = 4;

/// What is put up with a claim, and with each challenge and each defence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Bonds {
    /// Wei put up with a claim.
    pub claim: Wei,
    /// Wei put up with a challenge, and with a defence.
    pub dispute: Wei,
}

impl Bonds {
    /// Of a rejected claim: what the challenge that won gets.
    pub const fn challenger_reward(&self) -> Wei {
        self.claim.part(2)
    }

    /// Of a rejected claim: what each of the first [`REWARDED_OTHERS`] other open challenges gets.
    pub const fn other_reward(&self) -> Wei {
        self.claim.part(16)
    }

    /// Of a lost challenge or defence: what the winner gets. The rest is burnt.
    pub const fn dispute_reward(&self) -> Wei {
        self.dispute.part(2)
    }

    /// Of a rejected claim: what is burnt, however many challenges of one's own there are.
    pub fn burnt_at_least(&self) -> Wei {
        self.claim - self.challenger_reward() - self.other_reward().times(u128::from(REWARDED_OTHERS))
    }

    /// Both, rounded up to two digits: what a deployment would write down.
    pub fn rounded(self) -> Self {
        Self { claim: self.claim.up_to_two_digits(), dispute: self.dispute.up_to_two_digits() }
    }
}

/// The least bonds, in whole gwei, that leave nobody honest out of pocket at `margin` times the gas price.
///
/// With `g(…)` for gas at that price and `h(x)` for what locking `x`, rounded up as by [`Bonds::rounded`], costs for as
/// long as finality can take at most:
///
/// ```text
/// dispute / 2  ≥ max(g(challenger), g(defender)) + h(dispute) + h(claim) + h(delayed value)
/// claim / 2    ≥ g(challenge, settled and paid + challenger) + h(dispute)
/// claim / 16   ≥ g(challenge, settled and paid) + h(dispute)
/// ```
///
/// The first is what the winner of a dispute gets: its gas, its own bond locked, and the claim's bond, which a
/// challenge keeps locked; and it is the least that whoever delays others burns. The second is the challenger of a
/// false claim whose defender plays to the end, the third a challenger who came second. It reads and writes
/// nothing; [`Bonds::rounded`] gives neater numbers.
///
/// # Errors
/// [`StakeError::Range`] if the terms make no sense, [`StakeError::NoBond`] if locking capital costs more than any
/// bond brings.
pub fn required_bonds(gas: &GasTable, terms: &Terms) -> Result<Bonds, StakeError> {
    raised_bonds(gas, terms, Bonds { claim: Wei::ZERO, dispute: Wei::ZERO })
}

/// The same for bonds that are not to be below these: a claim bond that is greater for other reasons costs more while a
/// challenge keeps it locked, so it takes a greater dispute bond. Bonds that are enough come back as they are.
///
/// # Errors
/// As [`required_bonds`].
pub fn raised_bonds(gas: &GasTable, terms: &Terms, least: Bonds) -> Result<Bonds, StakeError> {
    terms.check()?;
    let play = terms.worst(gas.challenger().max(gas.defender())) + terms.holding(terms.delayed_value);
    let challenge = terms.worst(gas.unanswered() + gas.challenger());
    let second = terms.worst(gas.unanswered());
    let mut bonds = least;
    // From below to the least pair that no longer grows: a bond makes the other one's holding cost, and its own.
    for _ in 0..10_000 {
        let own = terms.holding(bonds.dispute.up_to_two_digits());
        let claim = (challenge + own).times(2).max((second + own).times(16)).up_to_gwei();
        let locked = terms.holding(bonds.claim.up_to_two_digits());
        let dispute = (play + own + locked).times(2).up_to_gwei();
        let next = Bonds { claim: claim.max(least.claim), dispute: dispute.max(least.dispute) };
        if next == bonds {
            return Ok(bonds);
        }
        if next.claim.max(next.dispute) > Wei::ether(1_000_000_000_000) {
            break;
        }
        bonds = next;
    }
    Err(StakeError::NoBond {
        time: span(terms.timing.worst_finality()),
        rate: terms.capital_cost.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Multiple, Timing, YearlyRate};

    fn gas() -> GasTable {
        GasTable::committed().unwrap()
    }

    #[test]
    fn without_cost_of_capital_bonds_are_gas_alone() {
        let gas = gas();
        let terms = Terms { capital_cost: YearlyRate(0), ..Terms::default() };
        let bonds = required_bonds(&gas, &terms).unwrap();
        let price = 50 * Wei::GWEI.0;
        assert_eq!(bonds.dispute.0, 2 * price * u128::from(gas.challenger().max(gas.defender())));
        let first = 2 * u128::from(gas.unanswered() + gas.challenger());
        let second = 16 * u128::from(gas.challenge + gas.resolve + gas.withdraw);
        assert_eq!(bonds.claim.0, price * first.max(second));
    }

    #[test]
    fn a_delay_of_value_is_paid_by_the_dispute_bond() {
        let gas = gas();
        let plain = required_bonds(&gas, &Terms::default()).unwrap();
        let terms = Terms { delayed_value: Wei::ether(10_000), ..Terms::default() };
        let delayed = required_bonds(&gas, &terms).unwrap();
        assert!(delayed.dispute - plain.dispute >= terms.holding(terms.delayed_value).times(2));
    }

    #[test]
    fn a_greater_claim_bond_takes_a_greater_dispute_bond() {
        let (gas, terms) = (gas(), Terms::default());
        let least = required_bonds(&gas, &terms).unwrap();
        assert_eq!(raised_bonds(&gas, &terms, least), Ok(least));
        let floor = Bonds { claim: Wei::ether(500), dispute: Wei::ZERO };
        let raised = raised_bonds(&gas, &terms, floor).unwrap();
        assert_eq!(raised.claim, floor.claim);
        assert!(raised.dispute - least.dispute >= terms.holding(Wei::ether(499)).times(2));
    }

    #[test]
    fn no_bond_is_enough_when_locking_it_costs_more_than_it_brings() {
        let year = 365 * 86_400;
        let timing = Timing { challenge_window: year, defence_period: year, clock: year };
        let terms = Terms { timing, capital_cost: YearlyRate(2000), ..Terms::default() };
        let error = required_bonds(&gas(), &terms).unwrap_err();
        assert!(matches!(error, StakeError::NoBond { .. }), "{error}");
    }

    #[test]
    fn terms_that_make_no_sense_are_named() {
        let bad = [
            Terms { gas_price: Wei::ZERO, ..Terms::default() },
            Terms { margin: Multiple(99), ..Terms::default() },
            Terms { capital_cost: YearlyRate(100_001), ..Terms::default() },
            Terms { timing: Timing { clock: 0, ..Timing::default() }, ..Terms::default() },
        ];
        for terms in bad {
            let error = required_bonds(&gas(), &terms).unwrap_err();
            assert!(matches!(error, StakeError::Range { .. }), "{error}");
        }
    }

    #[test]
    fn shares_of_a_bond_add_up() {
        let bonds = Bonds { claim: Wei(1_000_003), dispute: Wei(7) };
        assert_eq!(bonds.dispute_reward(), Wei(3));
        let paid = bonds.challenger_reward() + bonds.other_reward().times(4);
        assert_eq!(paid + bonds.burnt_at_least(), bonds.claim);
        assert!(bonds.burnt_at_least() >= bonds.claim.part(4));
    }
}
