//! What the EVM is told of the block and the transaction.

use alloc::vec::Vec;
use alloy_consensus::{Transaction as _, Typed2718};
use alloy_eips::eip7840::BlobParams;
use alloy_primitives::{Address, Bytes, U256};
use duplex_primitives::{ChainConfig, Header, Transaction};
use op_revm::{OpTransaction, transaction::deposit::DepositTransactionParts};
use revm::{
    context::{BlockEnv, TxEnv},
    context_interface::{block::BlobExcessGasAndPrice, either::Either},
};

/// The EVM's view of a block. L2 has no blobs: its blob base fee is 1.
pub fn block_env(config: &ChainConfig, header: &Header) -> BlockEnv {
    let blobs = if config.is_l2() {
        BlobExcessGasAndPrice { excess_blob_gas: 0, blob_gasprice: 1 }
    } else {
        let fraction = BlobParams::osaka().update_fraction as u64;
        BlobExcessGasAndPrice::new(header.excess_blob_gas.unwrap_or_default(), fraction)
    };
    BlockEnv {
        number: U256::from(header.number),
        beneficiary: header.beneficiary,
        timestamp: U256::from(header.timestamp),
        gas_limit: header.gas_limit,
        basefee: header.base_fee_per_gas.unwrap_or_default(),
        difficulty: header.difficulty,
        prevrandao: Some(header.mix_hash),
        blob_excess_gas_and_price: Some(blobs),
        slot_num: 0,
    }
}

/// The EVM's view of a transaction sent by `sender`.
///
/// The L1 data fee is charged for the transaction's own bytes, so those come along.
pub fn tx_env(tx: &Transaction, sender: Address) -> OpTransaction<TxEnv> {
    let mut deposit = DepositTransactionParts::default();
    let mut enveloped_tx = None;
    if let Some(inner) = tx.as_deposit() {
        deposit.source_hash = inner.source_hash;
        deposit.mint = (inner.mint > 0).then_some(inner.mint);
        deposit.is_system_transaction = inner.is_system_transaction;
    } else {
        enveloped_tx = Some(Bytes::from(tx.raw()));
    }
    let base = TxEnv {
        tx_type: tx.ty(),
        caller: sender,
        gas_limit: tx.gas_limit(),
        gas_price: if tx.is_deposit() { 0 } else { tx.max_fee_per_gas() },
        kind: tx.kind(),
        value: tx.value(),
        data: tx.input().clone(),
        nonce: tx.nonce(),
        chain_id: tx.chain_id(),
        access_list: tx.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: if tx.is_deposit() { None } else { tx.max_priority_fee_per_gas() },
        blob_hashes: tx.blob_versioned_hashes().map(<[_]>::to_vec).unwrap_or_default(),
        max_fee_per_blob_gas: tx.max_fee_per_blob_gas().unwrap_or_default(),
        authorization_list: tx
            .authorization_list()
            .map(|list| list.iter().cloned().map(Either::Left).collect::<Vec<_>>())
            .unwrap_or_default(),
    };
    OpTransaction { base, enveloped_tx, deposit }
}
