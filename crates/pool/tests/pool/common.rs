//! Transactions for tests. Nothing in the pool looks at signatures.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip4844, TxLegacy};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use duplex_pool::{Added, Pool, PoolConfig, PoolError, PooledTx, SenderState};
use duplex_primitives::{ChainConfig, Transaction};
use std::io;

pub(crate) const CHAIN: u64 = 42;

pub(crate) fn address(index: u64) -> Address {
    Address::left_padding_from(&(index + 1).to_be_bytes())
}

pub(crate) fn sign<T>(tx: T) -> Transaction
where
    T: SignableTransaction<Signature>,
    Transaction: From<alloy_consensus::Signed<T>>,
{
    tx.into_signed(Signature::test_signature()).into()
}

/// A plain transfer. The sender is also in `to`, so that equal ones of two senders differ.
pub(crate) fn transfer(sender: Address, nonce: u64, fee_cap: u128, tip_cap: u128) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: fee_cap,
        max_priority_fee_per_gas: tip_cap,
        to: TxKind::Call(sender),
        ..Default::default()
    }
}

pub(crate) fn tx(sender: u64, nonce: u64, fee_cap: u128, tip_cap: u128) -> PooledTx {
    let sender = address(sender);
    PooledTx::new(sign(transfer(sender, nonce, fee_cap, tip_cap)), sender)
}

pub(crate) fn legacy(sender: Address, nonce: u64, gas_price: u128, gas_limit: u64) -> TxLegacy {
    TxLegacy {
        chain_id: Some(CHAIN),
        nonce,
        gas_price,
        gas_limit,
        to: TxKind::Call(sender),
        ..Default::default()
    }
}

pub(crate) fn blob(sender: Address, nonce: u64, fee: u128, blob_fee: u128, blobs: usize) -> TxEip4844 {
    TxEip4844 {
        chain_id: CHAIN,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: fee,
        max_priority_fee_per_gas: fee,
        to: sender,
        max_fee_per_blob_gas: blob_fee,
        blob_versioned_hashes: vec![B256::repeat_byte(1); blobs],
        value: U256::ZERO,
        access_list: Default::default(),
        input: Bytes::new(),
    }
}

pub(crate) fn config() -> PoolConfig {
    PoolConfig::new(ChainConfig::l1_dev(CHAIN))
}

pub(crate) const RICH: SenderState = SenderState { nonce: 0, balance: U256::MAX, is_contract: false };

pub(crate) fn funded(nonce: u64, balance: u64) -> SenderState {
    SenderState { nonce, balance: U256::from(balance), is_contract: false }
}

pub(crate) fn add_at(pool: &Pool, tx: &PooledTx, state: SenderState) -> Result<Added, PoolError> {
    pool.add(tx.clone(), |sender| {
        assert_eq!(sender, tx.sender());
        Ok::<_, io::Error>(state)
    })
}

pub(crate) fn add(pool: &Pool, tx: &PooledTx) -> Result<Added, PoolError> {
    add_at(pool, tx, RICH)
}
