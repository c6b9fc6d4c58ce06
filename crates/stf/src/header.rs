//! Headers: what a block starts with, ends with, and must say.

use alloc::string::ToString;
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, proofs::calculate_withdrawals_root};
use alloy_eips::{
    eip1559::BaseFeeParams, eip4895::Withdrawals, eip7685::EMPTY_REQUESTS_HASH, eip7840::BlobParams,
};
use alloy_primitives::{B64, B256, Bytes, U256};
use duplex_primitives::{
    Block, BlockAttributes, ChainConfig, Header, L2Extra, Rules, predeploys, transactions_root,
};

use crate::{BlockError, Outcome};

/// EIP-7934: the longest RLP encoding of an L1 block.
const MAX_BLOCK_BYTES: usize = 10_485_760 - 2_097_152;
/// Lowest gas limit of an L1 block, and how far it may move from its parent's.
const MIN_GAS_LIMIT: u64 = 5000;
const GAS_LIMIT_DIVISOR: u64 = 1024;

/// The base fee of the block after `parent` at `timestamp`.
pub fn next_base_fee(config: &ChainConfig, parent: &Header, timestamp: u64) -> u64 {
    match config.rules {
        Rules::L1 => parent.next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or_default(),
        Rules::L2 => config.base_fee.fee(config.base_fee.excess(parent, timestamp)),
    }
}

/// The blob base fee that holds in a block. 1 on L2, which has no blobs.
pub fn blob_base_fee(config: &ChainConfig, header: &Header) -> u128 {
    match config.rules {
        Rules::L1 => header.blob_fee(BlobParams::osaka()).unwrap_or(1),
        Rules::L2 => 1,
    }
}

fn next_excess(config: &ChainConfig, parent: &Header, timestamp: u64) -> u64 {
    match config.rules {
        Rules::L1 => parent.next_block_excess_blob_gas(BlobParams::osaka()).unwrap_or_default(),
        Rules::L2 => config.base_fee.excess(parent, timestamp),
    }
}

/// The header that a block is executed under: everything that is known before execution.
pub fn open_header(
    config: &ChainConfig,
    parent: &Header,
    parent_hash: B256,
    attributes: &BlockAttributes,
) -> Header {
    let timestamp = attributes.timestamp;
    let l2 = config.is_l2();
    // L1's gas limit walks towards the configured one in the steps that its rules allow.
    let step = (parent.gas_limit / GAS_LIMIT_DIVISOR).saturating_sub(1);
    let reachable = parent.gas_limit.saturating_sub(step)..=parent.gas_limit.saturating_add(step);
    let gas_limit =
        if l2 { config.gas_limit } else { config.gas_limit.clamp(*reachable.start(), *reachable.end()) };
    Header {
        parent_hash,
        number: parent.number + 1,
        timestamp,
        gas_limit,
        ommers_hash: EMPTY_OMMER_ROOT_HASH,
        beneficiary: if l2 { predeploys::SEQUENCER_FEE_VAULT } else { attributes.beneficiary },
        mix_hash: attributes.prev_randao,
        base_fee_per_gas: Some(next_base_fee(config, parent, timestamp)),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(next_excess(config, parent, timestamp)),
        parent_beacon_block_root: Some(attributes.beacon_root),
        extra_data: if l2 { attributes.l2.encode() } else { Bytes::new() },
        withdrawals_root: Some(if l2 {
            B256::ZERO
        } else {
            calculate_withdrawals_root(&attributes.withdrawals)
        }),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Default::default()
    }
}

/// Completes a header with what execution gave. `message_passer_root` is the storage root of the
/// `MessagePasser` after the block (L2 only).
pub fn seal_header(
    config: &ChainConfig,
    open: Header,
    outcome: &Outcome,
    transactions_root: B256,
    state_root: B256,
    message_passer_root: B256,
) -> Header {
    Header {
        state_root,
        transactions_root,
        receipts_root: outcome.receipts_root,
        logs_bloom: outcome.logs_bloom,
        gas_used: outcome.gas_used,
        blob_gas_used: Some(outcome.blob_gas_used),
        requests_hash: Some(outcome.requests_hash),
        withdrawals_root: if config.is_l2() { Some(message_passer_root) } else { open.withdrawals_root },
        ..open
    }
}

/// Checks everything about a block that needs no execution.
///
/// # Errors
/// [`BlockError::Header`] with the first field that is wrong.
pub fn validate_header<E>(
    config: &ChainConfig,
    parent: &Header,
    parent_hash: B256,
    block: &Block,
) -> Result<(), BlockError<E>> {
    let header = &block.header;
    let check_u64 = BlockError::<E>::check::<u64>;
    BlockError::check("parentHash", header.parent_hash, parent_hash)?;
    check_u64("number", header.number, parent.number + 1)?;
    BlockError::check("difficulty", header.difficulty, U256::ZERO)?;
    BlockError::check("nonce", header.nonce, B64::ZERO)?;
    BlockError::check("sha3Uncles", header.ommers_hash, EMPTY_OMMER_ROOT_HASH)?;
    check_u64("uncles", block.body.ommers.len() as u64, 0)?;
    BlockError::check(
        "transactionsRoot",
        header.transactions_root,
        transactions_root(&block.body.transactions),
    )?;
    let timestamp_ok = match config.rules {
        Rules::L1 => header.timestamp > parent.timestamp,
        Rules::L2 => header.timestamp >= parent.timestamp,
    };
    if !timestamp_ok {
        return Err(BlockError::Header {
            field: "timestamp",
            found: header.timestamp.to_string(),
            expected: alloc::format!("after the parent's {}", parent.timestamp),
        });
    }
    let base_fee = next_base_fee(config, parent, header.timestamp);
    BlockError::check("baseFeePerGas", header.base_fee_per_gas, Some(base_fee))?;
    BlockError::check(
        "excessBlobGas",
        header.excess_blob_gas,
        Some(next_excess(config, parent, header.timestamp)),
    )?;
    if header.parent_beacon_block_root.is_none()
        || header.requests_hash.is_none()
        || header.withdrawals_root.is_none()
    {
        return Err(BlockError::Header {
            field: "optional fields",
            found: "missing".into(),
            expected: "set".into(),
        });
    }
    BlockError::check("blockAccessListHash", header.block_access_list_hash, None)?;
    BlockError::check("slotNumber", header.slot_number, None)?;
    match config.rules {
        Rules::L1 => validate_l1(parent, block),
        Rules::L2 => validate_l2(config, parent, block),
    }
}

fn validate_l1<E>(parent: &Header, block: &Block) -> Result<(), BlockError<E>> {
    let header = &block.header;
    let distance = header.gas_limit.abs_diff(parent.gas_limit);
    if distance >= parent.gas_limit / GAS_LIMIT_DIVISOR || header.gas_limit < MIN_GAS_LIMIT {
        return Err(BlockError::Header {
            field: "gasLimit",
            found: header.gas_limit.to_string(),
            expected: alloc::format!("within 1/{GAS_LIMIT_DIVISOR} of {}", parent.gas_limit),
        });
    }
    if header.extra_data.len() > 32 {
        return Err(BlockError::Header {
            field: "extraData",
            found: alloc::format!("{} bytes", header.extra_data.len()),
            expected: "at most 32".into(),
        });
    }
    let withdrawals = block.body.withdrawals.as_ref().map(|list| calculate_withdrawals_root(list));
    BlockError::check("withdrawalsRoot", header.withdrawals_root, Some(withdrawals.unwrap_or_default()))?;
    let length = alloy_rlp::Encodable::length(block);
    if length > MAX_BLOCK_BYTES { Err(BlockError::TooLong(length)) } else { Ok(()) }
}

fn validate_l2<E>(config: &ChainConfig, parent: &Header, block: &Block) -> Result<(), BlockError<E>> {
    let header = &block.header;
    BlockError::check("gasLimit", header.gas_limit, config.gas_limit)?;
    BlockError::check("miner", header.beneficiary, predeploys::SEQUENCER_FEE_VAULT)?;
    BlockError::check("withdrawals", block.body.withdrawals.as_ref(), Some(&Withdrawals::default()))?;
    let bad_extra = |expected: &str| BlockError::Header {
        field: "extraData",
        found: header.extra_data.to_string(),
        expected: expected.into(),
    };
    let extra = L2Extra::decode(&header.extra_data).ok_or_else(|| bad_extra("16 bytes"))?;
    let before = L2Extra::decode(&parent.extra_data).unwrap_or_default();
    if extra.anchor_number < before.anchor_number || extra.message_count < before.message_count {
        return Err(bad_extra("an anchor and a message count not below the parent's"));
    }
    Ok(())
}
