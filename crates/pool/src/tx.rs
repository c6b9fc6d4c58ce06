//! A transaction with what the pool needs to know of it.

use alloy_consensus::Transaction as _;
use alloy_eips::{Encodable2718, Typed2718};
use alloy_primitives::{Address, B256, U256};
use duplex_primitives::Transaction;
use std::{sync::Arc, time::Instant};

/// A transaction whose sender is known. Cloning it costs a reference count.
#[derive(Debug, Clone)]
pub struct PooledTx(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    tx: Transaction,
    hash: B256,
    sender: Address,
    nonce: u64,
    size: usize,
    fee_cap: u128,
    tip_cap: u128,
    blob_fee_cap: Option<u128>,
    cost: U256,
    received: Instant,
}

impl PooledTx {
    /// A transaction received now. `sender` is the one its signature recovers to.
    pub fn new(tx: Transaction, sender: Address) -> Self {
        Self::received_at(tx, sender, Instant::now())
    }

    /// A transaction received at a given time.
    pub fn received_at(tx: Transaction, sender: Address, received: Instant) -> Self {
        let gas = U256::from(tx.gas_limit()) * U256::from(tx.max_fee_per_gas());
        let blob_gas = U256::from(tx.blob_gas_used().unwrap_or_default())
            * U256::from(tx.max_fee_per_blob_gas().unwrap_or_default());
        Self(Arc::new(Inner {
            hash: tx.hash(),
            sender,
            nonce: tx.nonce(),
            size: tx.encode_2718_len(),
            fee_cap: tx.max_fee_per_gas(),
            tip_cap: tx.priority_fee_or_price(),
            blob_fee_cap: tx.max_fee_per_blob_gas(),
            cost: gas.saturating_add(blob_gas).saturating_add(tx.value()),
            received,
            tx,
        }))
    }

    /// Adds what the sender pays beside gas, blobs and value: the L1 data fee on L2, in wei. It
    /// changes with L1's base fee, so this is the estimate that the pool's balance checks use.
    pub fn with_data_fee(mut self, fee: U256) -> Self {
        let inner = Arc::make_mut(&mut self.0);
        inner.cost = inner.cost.saturating_add(fee);
        self
    }

    /// The transaction.
    pub fn tx(&self) -> &Transaction {
        &self.0.tx
    }

    /// Its hash.
    pub fn hash(&self) -> B256 {
        self.0.hash
    }

    /// Who pays for it.
    pub fn sender(&self) -> Address {
        self.0.sender
    }

    /// Its nonce.
    pub fn nonce(&self) -> u64 {
        self.0.nonce
    }

    /// Its EIP-2718 type.
    pub fn ty(&self) -> u8 {
        self.0.tx.ty()
    }

    /// Bytes of its EIP-2718 encoding, without blobs.
    pub fn size(&self) -> usize {
        self.0.size
    }

    /// The most it costs, in wei: gas limit times fee cap, blob gas times blob fee cap, value, and
    /// the data fee. Saturates.
    pub fn cost(&self) -> U256 {
        self.0.cost
    }

    /// The most it pays per gas, in wei.
    pub fn fee_cap(&self) -> u128 {
        self.0.fee_cap
    }

    /// The most it pays the builder per gas, in wei.
    pub fn tip_cap(&self) -> u128 {
        self.0.tip_cap
    }

    /// The most it pays per blob gas, in wei. `None` without blobs.
    pub fn blob_fee_cap(&self) -> Option<u128> {
        self.0.blob_fee_cap
    }

    /// When it was received.
    pub fn received(&self) -> Instant {
        self.0.received
    }

    /// What it pays per gas at a base fee, if it could pay any base fee: the lower of the fee cap
    /// and base fee plus tip. Orders transactions as the effective tip does, without going below
    /// zero.
    pub(crate) fn price(&self, base_fee: u128) -> u128 {
        self.fee_cap().min(base_fee.saturating_add(self.tip_cap()))
    }

    /// The base fee up to which it pays its full tip.
    pub(crate) fn room(&self) -> u128 {
        self.fee_cap().saturating_sub(self.tip_cap())
    }
}
