//! Limits of a pool.

use core::time::Duration;
use duplex_primitives::ChainConfig;

/// What a pool accepts and how much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolConfig {
    /// The chain: its id, its block gas limit, and whether it takes blob transactions (L1 only).
    pub chain: ChainConfig,
    /// Most transactions of one sender, pending and queued.
    pub per_sender: usize,
    /// Most transactions in the pool.
    pub total: usize,
    /// Most bytes in the pool, by the transactions' EIP-2718 encodings without blobs.
    pub max_bytes: usize,
    /// Most bytes of one transaction's EIP-2718 encoding, without blobs.
    pub max_tx_bytes: usize,
    /// Lowest priority fee accepted, wei per gas.
    pub min_tip: u128,
    /// Lowest fee cap accepted, wei per gas.
    pub min_fee_cap: u128,
    /// By how many percent a replacement must raise both fees.
    pub price_bump_percent: u64,
    /// By how many percent a replacement that has blobs, or replaces blobs, must raise all fees.
    pub blob_price_bump_percent: u64,
    /// How long a queued transaction stays without any progress of its sender.
    pub queue_lifetime: Duration,
}

impl PoolConfig {
    /// The limits for a chain, wide enough for a devnet whose load comes from one account.
    pub fn new(chain: ChainConfig) -> Self {
        Self {
            chain,
            per_sender: 5_000,
            total: 100_000,
            max_bytes: 256 << 20,
            max_tx_bytes: usize::try_from(chain.max_block_bytes).unwrap_or(usize::MAX).min(128 << 10),
            min_tip: 0,
            min_fee_cap: 0,
            price_bump_percent: 10,
            blob_price_bump_percent: 100,
            queue_lifetime: Duration::from_secs(3 * 60 * 60),
        }
    }
}
