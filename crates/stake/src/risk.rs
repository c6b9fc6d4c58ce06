//! Chances that nobody acts, and what keeping others from L1 costs. Chances and prices over time are estimates, so
//! this is reckoned in floating point.

use serde::Serialize;

use crate::{Setting, Wei};

/// L1's blocks, as of the Osaka rules.
const BLOCK_SECONDS: f64 = 12.0;
const BLOCK_GAS: f64 = 60e6;
const TARGET_GAS: f64 = BLOCK_GAS / 2.0;
/// The base fee after a full block, in parts of the one before (EIP-1559).
const GROWTH: f64 = 1.125;

/// One false claim against watchers who may all be away.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Absence {
    /// Chance that nobody looks within the window, if their absences have nothing to do with each other.
    pub chance: f64,
    /// From which value on trying pays; `None` if it never does.
    pub pays_from: Option<Wei>,
    /// The least chance at which trying pays for the value secured.
    pub breaking_chance: f64,
}

impl Absence {
    /// Works it out: trying pays if `chance · value > (1 − chance) · loss`.
    pub fn of(setting: &Setting) -> Self {
        #[allow(clippy::cast_possible_wrap)]
        let chance = (1.0 - setting.uptime).powi(setting.watchers as i32);
        let loss = setting.least_loss().as_ether();
        let value = setting.value.as_ether();
        let pays_from = (chance > 0.0).then(|| Wei::about_ether(loss * (1.0 - chance) / chance));
        Self { chance, pays_from, breaking_chance: loss / (loss + value) }
    }
}

/// How long and how dearly the honest side can be kept from L1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pressure {
    /// Seconds for which it can be kept from challenging, and still does in time.
    pub slack_to_challenge: u64,
    /// Seconds for which it can be kept from moving in a dispute, and still wins.
    pub slack_in_dispute: u64,
    /// Filling every L1 block for the shorter of these at the ordinary gas price. Less than anybody pays, because the
    /// price rises with every full block.
    pub fill_at_price: Wei,
    /// Driving the base fee up to what the honest side can pay at all, and holding it there for that time.
    pub price_out: Wei,
    /// Bribing every block's proposer for that time with more than the honest side can offer.
    pub bribe: Wei,
    /// Wei of one gas up to which the honest side can pay a whole dispute out of its budget.
    pub affordable_price: Wei,
    /// Wei of one gas from which winning a dispute costs more than it brings.
    pub losing_price: Wei,
}

impl Pressure {
    /// Works it out.
    pub fn of(setting: &Setting) -> Self {
        let (gas, terms, bonds) = (&setting.gas, &setting.terms, &setting.bonds);
        let slack_to_challenge = terms.timing.challenge_window - setting.response;
        let own = setting.response.saturating_mul(crate::setting::OWN_MOVES);
        let slack_in_dispute = terms.timing.clock.saturating_sub(own);
        #[allow(clippy::cast_precision_loss)]
        let blocks = slack_to_challenge.min(slack_in_dispute) as f64 / BLOCK_SECONDS;

        let play = u128::from(gas.unanswered() + gas.challenger());
        let affordable_price = Wei((setting.budget - bonds.dispute).0 / play);
        let busier = u128::from(gas.challenger().max(gas.defender()));
        let locked = terms.holding(bonds.dispute) + terms.holding(bonds.claim);
        Self {
            slack_to_challenge,
            slack_in_dispute,
            fill_at_price: Wei::about_ether(blocks * BLOCK_GAS * terms.gas_price.as_ether()),
            price_out: price_out(blocks, terms.gas_price.as_ether(), affordable_price.as_ether()),
            bribe: Wei::about_ether(blocks * setting.budget.as_ether()),
            affordable_price,
            losing_price: Wei((bonds.dispute_reward() - locked).0 / busier),
        }
    }

    /// The cheaper way to keep the honest side away.
    pub fn censorship(&self) -> Wei {
        self.price_out.min(self.bribe)
    }
}

/// Burnt by whoever fills blocks until the base fee has gone from `from` to `to`, and then buys the target of each block,
/// for `blocks` altogether.
fn price_out(blocks: f64, from: f64, to: f64) -> Wei {
    let rising = if to > from { (to / from).log(GROWTH).ceil() } else { 0.0 };
    let full = rising.min(blocks);
    // Sum of from · GROWTH^i for i below `full`.
    let ramp = from * (GROWTH.powf(full) - 1.0) / (GROWTH - 1.0);
    Wei::about_ether(BLOCK_GAS * ramp + TARGET_GAS * to.max(from) * (blocks - full))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pricing_out_is_the_sum_of_its_blocks() {
        // 1 gwei to 2 gwei: 1.125^6 is 2.03, so six full blocks and four at the target.
        let mut sum = 0.0;
        let mut fee = 1e-9;
        for _ in 0..6 {
            sum += BLOCK_GAS * fee;
            fee *= GROWTH;
        }
        sum += 4.0 * TARGET_GAS * 2e-9;
        let found = price_out(10.0, 1e-9, 2e-9).as_ether();
        assert!((found - sum).abs() < 1e-9, "{found} {sum}");
        assert!(price_out(100.0, 1e-9, 2e-9) > price_out(10.0, 1e-9, 2e-9));
        assert_eq!(price_out(0.0, 1e-9, 2e-9), Wei::ZERO);
    }
}
