//! What distinguishes one chain from another.

use alloy_eips::eip4844::fake_exponential;
use serde::{Deserialize, Serialize};

use crate::Header;

/// Which rules a chain follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rules {
    /// Ethereum's own (Osaka), with a proposer instead of a consensus layer.
    L1,
    /// The rollup's: deposits, the L1 data fee, no blobs, no validator requests.
    L2,
}

/// How an L2 block's base fee follows from what came before.
///
/// L2 blocks are sealed when they are full, not only when a slot is over, so a rule that looks at
/// one block at a time would let the price explode within seconds. This one prices gas by time:
/// `excess' = max(0, excess + gasUsed - target · seconds)`, `fee = min · e^(excess / damping)`.
/// The excess is in the header's `excessBlobGas`, which L2 does not need for blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BaseFeeRule {
    /// Lowest base fee, wei per gas.
    pub min: u64,
    /// Gas per second at which the fee neither rises nor falls.
    pub target_per_second: u64,
    /// Excess gas that multiplies the fee by e.
    pub damping: u64,
}

impl BaseFeeRule {
    /// The excess before a block at `timestamp` whose parent is `parent`.
    pub fn excess(&self, parent: &Header, timestamp: u64) -> u64 {
        let seconds = timestamp.saturating_sub(parent.timestamp);
        let drained = self.target_per_second.saturating_mul(seconds);
        parent.excess_blob_gas.unwrap_or_default().saturating_add(parent.gas_used).saturating_sub(drained)
    }

    /// The base fee at an excess, in wei per gas. Never more than 2^63.
    pub fn fee(&self, excess: u64) -> u64 {
        // Twenty times the damping is e^20: past any price that a block can be paid at. The bound
        // also keeps the series short and its terms far from overflow.
        let capped = excess.min(self.damping.saturating_mul(20));
        let fee = fake_exponential(u128::from(self.min), u128::from(capped), u128::from(self.damping.max(1)));
        u64::try_from(fee).unwrap_or(u64::MAX).min(1 << 63)
    }
}

/// Scalars of the L1 data fee, in millionths. They are in the genesis storage of `L1Block` and
/// nobody can change them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct L1FeeScalars {
    /// Weight of 16 times the L1 base fee per compressed byte.
    pub base_fee: u32,
    /// Weight of the L1 blob base fee per compressed byte.
    pub blob_base_fee: u32,
}

/// What distinguishes one chain from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChainConfig {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Which rules it follows.
    pub rules: Rules,
    /// Gas limit of every block built (L2: of every valid block).
    pub gas_limit: u64,
    /// L2's base fee; L1 uses EIP-1559.
    pub base_fee: BaseFeeRule,
    /// Scalars of the L1 data fee. Zero on L1.
    pub l1_fee: L1FeeScalars,
    /// Highest number of bytes that the transactions of one L2 block may have, so that every
    /// block fits into one batch.
    pub max_block_bytes: u64,
}

impl ChainConfig {
    /// A development L1.
    pub const fn l1_dev(chain_id: u64) -> Self {
        Self {
            chain_id,
            rules: Rules::L1,
            gas_limit: 60_000_000,
            base_fee: BaseFeeRule { min: 7, target_per_second: 1, damping: 1 },
            l1_fee: L1FeeScalars { base_fee: 0, blob_base_fee: 0 },
            max_block_bytes: u64::MAX,
        }
    }

    /// A development L2.
    pub const fn l2_dev(chain_id: u64) -> Self {
        Self {
            chain_id,
            rules: Rules::L2,
            gas_limit: 30_000_000,
            base_fee: BaseFeeRule { min: 1_000_000, target_per_second: 500_000_000, damping: 30_000_000_000 },
            // 2.5 · 16 = 40 gas a byte: what calldata costs since EIP-7623.
            l1_fee: L1FeeScalars { base_fee: 2_500_000, blob_base_fee: 0 },
            max_block_bytes: 118_000,
        }
    }

    /// True for the rollup's rules.
    pub const fn is_l2(&self) -> bool {
        matches!(self.rules, Rules::L2)
    }
}
