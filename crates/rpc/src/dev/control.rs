//! When blocks are mined, what is taken back, and what the pool forgets.

use std::time::Duration;

use alloy_primitives::{B256, U64};
use duplex_chain::dev::Mining;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DevApi, Number};
use crate::{RpcError, RpcResult, params::Args};

/// Turns mining on demand on, which ends mining by the clock, or off.
pub(super) fn set_automine(api: &DevApi, args: &mut Args<'_>) -> RpcResult<Value> {
    let on_demand: bool = args.required("enabled")?;
    let interval = api.dev.mining().interval.filter(|_| !on_demand);
    api.dev.set_mining(Mining { interval, on_demand });
    Ok(Value::Null)
}

pub(super) fn get_automine(api: &DevApi, _: &mut Args<'_>) -> RpcResult<Value> {
    Ok(json!(api.dev.mining().on_demand))
}

/// Mines by the clock and not on demand; with 0 neither.
pub(super) fn set_interval_mining(api: &DevApi, args: &mut Args<'_>) -> RpcResult<Value> {
    let seconds = Number::required(args, "seconds")?;
    let interval = (seconds > 0).then(|| Duration::from_secs(seconds));
    // The longest timer that can be set is far beyond any use.
    if seconds > u64::from(u32::MAX) {
        return Err(RpcError::InvalidParams(format!(
            "an interval of {seconds} seconds is too long; at most {}",
            u32::MAX
        )));
    }
    api.dev.set_mining(Mining { interval, on_demand: false });
    Ok(Value::Null)
}

pub(super) fn get_interval_mining(api: &DevApi, _: &mut Args<'_>) -> RpcResult<Value> {
    Ok(json!(api.dev.mining().interval.map(|interval| interval.as_secs())))
}

pub(super) fn snapshot(api: &DevApi, _: &mut Args<'_>) -> RpcResult<Value> {
    let id = api.dev.snapshot();
    let head = api.dev.chain().head();
    api.snapshots.lock().insert(id, (head.header.number, head.hash));
    Ok(json!(U64::from(id)))
}

pub(super) fn revert(api: &DevApi, args: &mut Args<'_>) -> RpcResult<Value> {
    let id = Number::required(args, "snapshot id")?;
    let reverted = api.dev.revert(id)?;
    if reverted {
        // A snapshot is used up together with all later ones.
        api.snapshots.lock().split_off(&id);
    }
    Ok(json!(reverted))
}

/// A depth with transactions to put into the new blocks; both forms in which tools send it.
#[derive(Deserialize)]
#[serde(untagged)]
enum ReorgOptions {
    Depth(Number),
    Options {
        depth: Number,
        #[serde(default)]
        tx_block_pairs: Vec<Value>,
    },
}

pub(super) fn reorg(api: &DevApi, args: &mut Args<'_>) -> RpcResult<Value> {
    let (depth, pairs) = match args.required("depth")? {
        ReorgOptions::Depth(depth) => (depth, args.optional("tx_block_pairs")?.unwrap_or_default()),
        ReorgOptions::Options { depth, tx_block_pairs } => (depth, tx_block_pairs),
    };
    if !pairs.is_empty() {
        return Err(RpcError::InvalidParams(
            "tx_block_pairs must be empty: transactions of the removed blocks are mined again by themselves; \
             send others with eth_sendRawTransaction before the reorganisation"
                .into(),
        ));
    }
    let depth = depth.u64("depth")?;
    let height = api.dev.chain().head().header.number;
    if depth > height {
        return Err(RpcError::InvalidParams(format!(
            "Reorg depth must not exceed current chain height: current height {height}, depth {depth}"
        )));
    }
    api.dev.reorg(depth, true)?;
    Ok(Value::Null)
}

/// Gives the hash, or null if the pool does not have it.
pub(super) fn drop_transaction(api: &DevApi, args: &mut Args<'_>) -> RpcResult<Value> {
    let hash: B256 = args.required("transaction hash")?;
    Ok(json!(api.dev.chain().pool().remove(hash).map(|tx| tx.hash())))
}

pub(super) fn drop_all_transactions(api: &DevApi, _: &mut Args<'_>) -> RpcResult<Value> {
    api.dev.chain().pool().clear();
    Ok(Value::Null)
}
