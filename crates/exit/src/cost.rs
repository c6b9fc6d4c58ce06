//! What leaving costs on L1.

use alloy_primitives::U256;
use duplex_l1::{FeeQuote, L1Header};
use serde::Serialize;

/// One kind of L1 transaction that leaving needs, with gas as it was measured and some room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A message that withdraws ETH.
    ForceEth,
    /// A message that unwraps WETH.
    Unwrap,
    /// A message that withdraws a token.
    ForceToken,
    /// A batch with a few messages.
    Append,
    /// A claim.
    Propose,
    /// Making a claim final.
    Finalize,
    /// Releasing ETH.
    ReleaseEth,
    /// Releasing a token.
    ReleaseToken,
    /// Taking a bond back.
    Collect,
    /// Paying out ETH in an exodus.
    ExitEth,
    /// Paying out a token, or WETH, in an exodus.
    ExitToken,
    /// Giving back a deposit in an exodus.
    Refund,
}

impl Work {
    /// L1 gas.
    pub const fn gas(self) -> u64 {
        match self {
            Self::ForceEth | Self::Unwrap | Self::ForceToken => 100_000,
            Self::Append => 160_000,
            Self::Propose => 220_000,
            Self::Finalize => 90_000,
            // Proofs grow with the state, and what a token does is its own affair.
            Self::ReleaseEth => 250_000,
            Self::ReleaseToken => 300_000,
            Self::Collect => 40_000,
            Self::ExitEth => 200_000,
            Self::ExitToken => 350_000,
            Self::Refund => 120_000,
        }
    }

    /// For people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ForceEth => "send the withdrawal of ETH to L1's queue",
            Self::Unwrap => "send the unwrapping of WETH to L1's queue",
            Self::ForceToken => "send the withdrawal of a token to L1's queue",
            Self::Append => "append a batch",
            Self::Propose => "make a claim (and lock a bond)",
            Self::Finalize => "make the claim final",
            Self::ReleaseEth => "release ETH",
            Self::ReleaseToken => "release a token",
            Self::Collect => "take the bond back",
            Self::ExitEth => "be paid ETH",
            Self::ExitToken => "be paid a token",
            Self::Refund => "take back a deposit",
        }
    }
}

/// What work costs.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// Work that must be done with this key.
    pub sure: Vec<Item>,
    /// Work that is done with this key only if nobody else does it.
    pub perhaps: Vec<Item>,
    /// Wei per gas, now.
    pub gas_price: u128,
    /// Wei that a claim locks until it is final, if one must be made.
    pub bond: U256,
}

/// Work of one kind.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// What it is.
    pub what: &'static str,
    /// How often.
    pub count: u64,
    /// Gas of all of it.
    pub gas: u64,
}

/// Wei per gas that an L1 transaction would pay now.
pub fn gas_price(head: &L1Header, fees: &FeeQuote) -> u128 {
    u128::from(head.header.base_fee_per_gas.unwrap_or_default()) + fees.priority_fee
}

impl Estimate {
    /// The cost of `sure` and `perhaps` at a gas price.
    pub fn new(sure: &[Work], perhaps: &[Work], gas_price: u128, bond: U256) -> Self {
        let bond = if perhaps.contains(&Work::Propose) { bond } else { U256::ZERO };
        Self { sure: items(sure), perhaps: items(perhaps), gas_price, bond }
    }

    fn wei(&self, items: &[Item]) -> U256 {
        items.iter().map(|item| U256::from(item.gas) * U256::from(self.gas_price)).sum()
    }

    /// Wei that must be spent.
    pub fn least(&self) -> U256 {
        self.wei(&self.sure)
    }

    /// Wei that are spent if nobody else does anything; the bond is not spent and not in it.
    pub fn most(&self) -> U256 {
        self.least() + self.wei(&self.perhaps)
    }
}

/// Each kind once, in the order in which it first comes.
fn items(work: &[Work]) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for work in work {
        match items.iter_mut().find(|item| item.what == work.name()) {
            Some(item) => (item.count, item.gas) = (item.count + 1, item.gas + work.gas()),
            None => items.push(Item { what: work.name(), count: 1, gas: work.gas() }),
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_add_up() {
        let sure = [Work::ForceEth, Work::ReleaseToken, Work::ReleaseToken, Work::ReleaseEth];
        let estimate = Estimate::new(&sure, &[Work::Append, Work::Propose], 3, U256::from(1_000));
        assert_eq!(estimate.sure.len(), 3);
        let tokens = 2 * Work::ReleaseToken.gas();
        assert_eq!((estimate.sure[1].count, estimate.sure[1].gas), (2, tokens));
        let least = Work::ForceEth.gas() + tokens + Work::ReleaseEth.gas();
        assert_eq!(estimate.least(), U256::from(3 * least));
        let perhaps = Work::Append.gas() + Work::Propose.gas();
        assert_eq!(estimate.most() - estimate.least(), U256::from(3 * perhaps));
        assert_eq!(estimate.bond, U256::from(1_000));
    }

    #[test]
    fn without_a_claim_there_is_no_bond() {
        let estimate = Estimate::new(&[Work::ReleaseEth], &[Work::Finalize], 1, U256::from(1_000));
        assert_eq!(estimate.bond, U256::ZERO);
        assert_eq!(Estimate::new(&[], &[], 7, U256::ZERO).most(), U256::ZERO);
    }
}
