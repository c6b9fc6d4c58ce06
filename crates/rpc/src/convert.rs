//! Blocks, transactions, receipts and logs in the form of JSON-RPC.

use alloy_consensus::{Transaction as _, Typed2718};
use alloy_eips::{eip2930::AccessList, eip4895::Withdrawals, eip7702::SignedAuthorization};
use alloy_primitives::{Address, B256, Bloom, Bytes, Sealable, U256, to_eip155_v};
use alloy_rpc_types_eth::{Block, BlockTransactions, Header, Log};
use duplex_chain::BlockData;
use duplex_primitives::{ChainConfig, Transaction};
use duplex_stf::blob_base_fee;
use serde::Serialize;

use crate::l1_fee::L1Fees;

/// A block as `eth_getBlockByNumber` gives it.
pub type RpcBlock = Block<RpcTransaction>;

/// Version of the form of deposit receipts that commits to the nonce.
const DEPOSIT_RECEIPT_VERSION: u64 = 1;

/// A transaction as `eth_getTransactionByHash` gives it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct RpcTransaction {
    pub block_hash: Option<B256>,
    #[serde(with = "alloy_serde::quantity::opt")]
    pub block_number: Option<u64>,
    #[serde(with = "alloy_serde::quantity::opt", skip_serializing_if = "Option::is_none")]
    pub block_timestamp: Option<u64>,
    pub from: Address,
    #[serde(with = "alloy_serde::quantity")]
    pub gas: u64,
    #[serde(with = "alloy_serde::quantity")]
    pub gas_price: u128,
    #[serde(with = "alloy_serde::quantity::opt", skip_serializing_if = "Option::is_none")]
    pub max_fee_per_gas: Option<u128>,
    #[serde(with = "alloy_serde::quantity::opt", skip_serializing_if = "Option::is_none")]
    pub max_priority_fee_per_gas: Option<u128>,
    #[serde(with = "alloy_serde::quantity::opt", skip_serializing_if = "Option::is_none")]
    pub max_fee_per_blob_gas: Option<u128>,
    pub hash: B256,
    pub input: Bytes,
    #[serde(with = "alloy_serde::quantity")]
    pub nonce: u64,
    pub to: Option<Address>,
    #[serde(with = "alloy_serde::quantity::opt")]
    pub transaction_index: Option<u64>,
    pub value: U256,
    #[serde(with = "alloy_serde::quantity")]
    pub r#type: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_list: Option<AccessList>,
    #[serde(with = "alloy_serde::quantity::opt", skip_serializing_if = "Option::is_none")]
    pub chain_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob_versioned_hashes: Option<Vec<B256>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_list: Option<Vec<SignedAuthorization>>,
    #[serde(with = "alloy_serde::quantity")]
    pub v: u64,
    pub r: U256,
    pub s: U256,
    #[serde(with = "alloy_serde::quantity::opt", skip_serializing_if = "Option::is_none")]
    pub y_parity: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_hash: Option<B256>,
    #[serde(with = "alloy_serde::quantity::opt", skip_serializing_if = "Option::is_none")]
    pub mint: Option<u128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_system_tx: Option<bool>,
    #[serde(with = "alloy_serde::quantity::opt", skip_serializing_if = "Option::is_none")]
    pub deposit_receipt_version: Option<u64>,
}

impl RpcTransaction {
    /// A transaction that is in no block yet.
    pub fn pending(tx: &Transaction, hash: B256, from: Address) -> Self {
        let mut out = Self {
            from,
            gas: tx.gas_limit(),
            gas_price: tx.max_fee_per_gas(),
            hash,
            input: tx.input().clone(),
            nonce: tx.nonce(),
            to: tx.to(),
            value: tx.value(),
            r#type: tx.ty(),
            access_list: tx.access_list().cloned(),
            chain_id: tx.chain_id(),
            blob_versioned_hashes: tx.blob_versioned_hashes().map(<[_]>::to_vec),
            authorization_list: tx.authorization_list().map(<[_]>::to_vec),
            max_fee_per_blob_gas: tx.max_fee_per_blob_gas(),
            ..Self::default()
        };
        match tx {
            Transaction::Ethereum(inner) => {
                let signature = inner.signature();
                (out.r, out.s) = (signature.r(), signature.s());
                let parity = u8::from(signature.v());
                if tx.is_dynamic_fee() {
                    out.max_fee_per_gas = Some(tx.max_fee_per_gas());
                    out.max_priority_fee_per_gas = tx.max_priority_fee_per_gas();
                }
                out.v = match (out.r#type, out.chain_id) {
                    (0, Some(chain)) => to_eip155_v(parity, chain),
                    (0, None) => 27 + u64::from(parity),
                    _ => u64::from(parity),
                };
                out.y_parity = (out.r#type != 0).then_some(u64::from(parity));
            }
            Transaction::Deposit(deposit) => {
                out.gas_price = 0;
                out.chain_id = None;
                out.access_list = None;
                out.source_hash = Some(deposit.source_hash);
                out.mint = (deposit.mint > 0).then_some(deposit.mint);
                out.is_system_tx = deposit.is_system_transaction.then_some(true);
            }
        }
        out
    }
}

/// The transaction at `index` of a block. `index` must be one of the block's.
pub fn transaction_of(block: &BlockData, index: usize) -> RpcTransaction {
    let tx = &block.transactions()[index];
    let header = block.header();
    let mut out = RpcTransaction::pending(tx, block.tx_hashes[index], block.recovered.senders[index]);
    out.block_hash = Some(block.hash());
    out.block_number = Some(header.number);
    out.block_timestamp = Some(header.timestamp);
    out.transaction_index = Some(index as u64);
    if tx.is_deposit() {
        out.nonce = block.receipts[index].deposit_nonce.unwrap_or_default();
        out.deposit_receipt_version = Some(DEPOSIT_RECEIPT_VERSION);
    } else {
        out.gas_price = tx.effective_gas_price(header.base_fee_per_gas);
    }
    out
}

/// The header of a block.
pub fn header_of(block: &BlockData) -> Header {
    Header::from_sealed(block.header().clone().seal_unchecked(block.hash()))
}

/// A block, with its transactions or only their hashes.
pub(crate) fn block_of(block: &BlockData, full: bool) -> RpcBlock {
    let transactions = if full {
        BlockTransactions::Full((0..block.transactions().len()).map(|i| transaction_of(block, i)).collect())
    } else {
        BlockTransactions::Hashes(block.tx_hashes.clone())
    };
    let size = U256::from(alloy_rlp::Encodable::length(&block.recovered.block));
    Block {
        header: header_of(block).with_size(Some(size)),
        uncles: Vec::new(),
        transactions,
        withdrawals: block.recovered.block.body.withdrawals.clone(),
    }
}

/// The block that the next one would be if it were empty.
pub(crate) fn empty_block(header: duplex_primitives::Header, full: bool) -> RpcBlock {
    let transactions =
        if full { BlockTransactions::Full(Vec::new()) } else { BlockTransactions::Hashes(Vec::new()) };
    let size = U256::from(alloy_rlp::Encodable::length(&duplex_primitives::Block::uncle(header.clone())));
    Block {
        header: Header::new(header).with_size(Some(size)),
        uncles: Vec::new(),
        transactions,
        withdrawals: Some(Withdrawals::default()),
    }
}

/// A receipt as `eth_getTransactionReceipt` gives it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct RpcReceipt {
    pub block_hash: B256,
    #[serde(with = "alloy_serde::quantity")]
    pub block_number: u64,
    pub contract_address: Option<Address>,
    #[serde(with = "alloy_serde::quantity")]
    pub cumulative_gas_used: u64,
    #[serde(with = "alloy_serde::quantity")]
    pub effective_gas_price: u128,
    pub from: Address,
    #[serde(with = "alloy_serde::quantity")]
    pub gas_used: u64,
    pub logs: Vec<Log>,
    pub logs_bloom: Bloom,
    #[serde(with = "alloy_serde::quantity")]
    pub status: u8,
    pub to: Option<Address>,
    pub transaction_hash: B256,
    #[serde(with = "alloy_serde::quantity")]
    pub transaction_index: u64,
    #[serde(with = "alloy_serde::quantity")]
    pub r#type: u8,
    #[serde(with = "alloy_serde::quantity::opt", skip_serializing_if = "Option::is_none")]
    pub blob_gas_used: Option<u64>,
    #[serde(with = "alloy_serde::quantity::opt", skip_serializing_if = "Option::is_none")]
    pub blob_gas_price: Option<u128>,
    #[serde(with = "alloy_serde::quantity::opt", skip_serializing_if = "Option::is_none")]
    pub deposit_nonce: Option<u64>,
    #[serde(with = "alloy_serde::quantity::opt", skip_serializing_if = "Option::is_none")]
    pub deposit_receipt_version: Option<u64>,
    #[serde(flatten)]
    pub l1: Option<L1ReceiptFields>,
}

/// What a rollup's receipt says of the L1 data fee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct L1ReceiptFields {
    pub l1_gas_price: U256,
    pub l1_gas_used: U256,
    pub l1_fee: U256,
    pub l1_base_fee_scalar: U256,
    pub l1_blob_base_fee: U256,
    pub l1_blob_base_fee_scalar: U256,
}

/// The receipt of the transaction at `index` of a block, which must be one of the block's. `fees`
/// are the L1 fees that held in the block, on L2.
pub fn receipt_of(
    config: &ChainConfig,
    block: &BlockData,
    index: usize,
    fees: Option<&L1Fees>,
) -> RpcReceipt {
    let (tx, receipt) = (&block.transactions()[index], &block.receipts[index]);
    let (header, from) = (block.header(), block.recovered.senders[index]);
    let nonce = receipt.deposit_nonce.unwrap_or_else(|| tx.nonce());
    let price = if tx.is_deposit() { 0 } else { tx.effective_gas_price(header.base_fee_per_gas) };
    let blob_gas_used = tx.blob_gas_used();
    let mut logs = Vec::with_capacity(receipt.logs.len());
    push_logs(block, index, block.first_log(index), false, |_| true, &mut logs);
    RpcReceipt {
        block_hash: block.hash(),
        block_number: header.number,
        contract_address: tx.is_create().then(|| from.create(nonce)),
        cumulative_gas_used: receipt.cumulative_gas_used,
        effective_gas_price: price,
        from,
        gas_used: block.gas_used(index),
        logs,
        logs_bloom: receipt.bloom(),
        status: u8::from(receipt.success),
        to: tx.to(),
        transaction_hash: block.tx_hashes[index],
        transaction_index: index as u64,
        r#type: receipt.tx_type,
        blob_gas_used,
        blob_gas_price: blob_gas_used.map(|_| blob_base_fee(config, header)),
        deposit_nonce: receipt.deposit_nonce,
        deposit_receipt_version: receipt.deposit_nonce.map(|_| DEPOSIT_RECEIPT_VERSION),
        l1: fees.filter(|_| !tx.is_deposit()).map(|fees| fees.of(&tx.raw())),
    }
}

/// Appends the logs of one transaction that are wanted, the first of which has index `first`.
pub(crate) fn push_logs(
    block: &BlockData,
    index: usize,
    first: u64,
    removed: bool,
    wanted: impl Fn(&alloy_primitives::Log) -> bool,
    out: &mut Vec<Log>,
) {
    let header = block.header();
    for (log_index, log) in (first..).zip(&block.receipts[index].logs) {
        if wanted(log) {
            out.push(Log {
                inner: log.clone(),
                block_hash: Some(block.hash()),
                block_number: Some(header.number),
                block_timestamp: Some(header.timestamp),
                transaction_hash: Some(block.tx_hashes[index]),
                transaction_index: Some(index as u64),
                log_index: Some(log_index),
                removed,
            });
        }
    }
}
