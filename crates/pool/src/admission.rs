//! What can be said against a transaction without knowing its sender's account.

use alloy_consensus::{Transaction as _, TxType};
use alloy_eips::{
    eip4844::VERSIONED_HASH_VERSION_KZG,
    eip7623::{tokens_in_calldata, transaction_floor_cost},
    eip7825::MAX_TX_GAS_LIMIT_OSAKA,
};

use crate::{PoolConfig, PoolError, PooledTx};

/// Longest initcode (EIP-3860), bytes.
const MAX_INITCODE: usize = 49_152;
/// Most blobs in a transaction (EIP-7594).
const MAX_BLOBS: usize = 6;
/// Lowest blob fee there is, wei per blob gas.
const MIN_BLOB_FEE: u128 = 1;

/// Gas that a transaction uses before it runs, by the rules of Prague.
fn intrinsic_gas(tx: &PooledTx, tokens: u64) -> u64 {
    let inner = tx.tx();
    let mut gas = 21_000 + 4 * tokens;
    if inner.is_create() {
        gas += 32_000 + 2 * (inner.input().len() as u64).div_ceil(32);
    }
    if let Some(list) = inner.access_list() {
        gas += list.iter().map(|item| 2_400 + 1_900 * item.storage_keys.len() as u64).sum::<u64>();
    }
    gas + 25_000 * inner.authorization_count().unwrap_or_default()
}

/// Checks everything about a transaction that does not depend on its sender's account.
pub(crate) fn check(tx: &PooledTx, config: &PoolConfig) -> Result<(), PoolError> {
    let inner = tx.tx();
    let kind = TxType::try_from(tx.ty()).map_err(|_| PoolError::TypeNotSupported(tx.ty()))?;
    if kind == TxType::Eip4844 && config.chain.is_l2() {
        return Err(PoolError::TypeNotSupported(tx.ty()));
    }
    if tx.size() > config.max_tx_bytes {
        return Err(PoolError::Oversized { size: tx.size(), limit: config.max_tx_bytes });
    }
    if inner.is_create() && inner.input().len() > MAX_INITCODE {
        return Err(PoolError::InitcodeSize { size: inner.input().len(), limit: MAX_INITCODE });
    }
    let gas = inner.gas_limit();
    if gas > MAX_TX_GAS_LIMIT_OSAKA {
        return Err(PoolError::GasLimitTooHigh { cap: MAX_TX_GAS_LIMIT_OSAKA, gas });
    }
    if gas > config.chain.gas_limit {
        return Err(PoolError::ExceedsBlockGasLimit { gas, limit: config.chain.gas_limit });
    }
    if tx.tip_cap() > tx.fee_cap() {
        return Err(PoolError::TipAboveFeeCap { tip_cap: tx.tip_cap(), fee_cap: tx.fee_cap() });
    }
    if let Some(have) = inner.chain_id()
        && have != config.chain.chain_id
    {
        return Err(PoolError::ChainId { have, want: config.chain.chain_id });
    }
    if tx.nonce() == u64::MAX {
        return Err(PoolError::NonceMax);
    }
    let tokens = tokens_in_calldata(inner.input());
    let needed = intrinsic_gas(tx, tokens);
    if gas < needed {
        return Err(PoolError::IntrinsicGas { gas, needed });
    }
    let needed = transaction_floor_cost(tokens);
    if gas < needed {
        return Err(PoolError::FloorDataGas { gas, needed });
    }
    if tx.tip_cap() < config.min_tip {
        return Err(PoolError::TipTooLow { have: tx.tip_cap(), needed: config.min_tip });
    }
    if tx.fee_cap() < config.min_fee_cap {
        return Err(PoolError::Underpriced { have: tx.fee_cap(), needed: config.min_fee_cap });
    }
    match kind {
        TxType::Eip4844 => check_blobs(tx),
        TxType::Eip7702 if inner.authorization_list().is_none_or(<[_]>::is_empty) => {
            Err(PoolError::EmptyAuthorizations)
        }
        _ => Ok(()),
    }
}

fn check_blobs(tx: &PooledTx) -> Result<(), PoolError> {
    let have = tx.blob_fee_cap().unwrap_or_default();
    if have < MIN_BLOB_FEE {
        return Err(PoolError::BlobFeeTooLow { have, needed: MIN_BLOB_FEE });
    }
    let hashes = tx.tx().blob_versioned_hashes().unwrap_or_default();
    if hashes.is_empty() {
        return Err(PoolError::Blobless);
    }
    if hashes.len() > MAX_BLOBS {
        return Err(PoolError::TooManyBlobs { have: hashes.len(), permitted: MAX_BLOBS });
    }
    if let Some(index) = hashes.iter().position(|hash| hash[0] != VERSIONED_HASH_VERSION_KZG) {
        return Err(PoolError::BlobVersion { index, version: hashes[index][0] });
    }
    // Its type has no room for a creation.
    Ok(())
}

/// Checks that `new` may take the place of `old`: every fee must rise, and by enough.
pub(crate) fn check_replacement(
    old: &PooledTx,
    new: &PooledTx,
    config: &PoolConfig,
) -> Result<(), PoolError> {
    let blobs = old.blob_fee_cap().is_some() || new.blob_fee_cap().is_some();
    let bump_percent = if blobs { config.blob_price_bump_percent } else { config.price_bump_percent };
    let enough = |old: u128, new: u128| {
        // In two parts, so that no price overflows. Rounds down, as Ethereum's clients do.
        let percent = u128::from(bump_percent);
        let bump = (old / 100).saturating_mul(percent).saturating_add((old % 100) * percent / 100);
        new > old && new >= old.saturating_add(bump)
    };
    let blob_fee_ok = match (old.blob_fee_cap(), new.blob_fee_cap()) {
        (Some(old), Some(new)) => enough(old, new),
        _ => true,
    };
    if enough(old.fee_cap(), new.fee_cap()) && enough(old.tip_cap(), new.tip_cap()) && blob_fee_ok {
        return Ok(());
    }
    Err(PoolError::ReplacementUnderpriced {
        fee_cap: new.fee_cap(),
        tip_cap: new.tip_cap(),
        queued_fee_cap: old.fee_cap(),
        queued_tip_cap: old.tip_cap(),
        bump_percent,
    })
}
