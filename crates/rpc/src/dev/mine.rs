//! Blocks on demand, and the clock.

use alloy_primitives::U256;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{DevApi, Number};
use crate::{RpcError, RpcResult, params::Args};

/// The most blocks that one call mines.
const MAX_BLOCKS: u64 = 100_000;

/// What `evm_mine` takes: nothing, the block's time, or both a count and a time.
#[derive(Deserialize)]
#[serde(untagged)]
enum MineOptions {
    Timestamp(Number),
    Options { timestamp: Option<Number>, blocks: Option<Number> },
}

fn check_count(blocks: u64) -> RpcResult<u64> {
    if blocks > MAX_BLOCKS {
        return Err(RpcError::InvalidParams(format!(
            "{blocks} blocks are too many for one call; at most {MAX_BLOCKS}"
        )));
    }
    Ok(blocks)
}

impl DevApi {
    fn next_timestamp(&self, timestamp: u64) -> RpcResult<()> {
        self.dev.set_next_timestamp(timestamp).map_err(|head| {
            RpcError::InvalidParams(format!(
                "Timestamp error: {timestamp} is not after the previous block's timestamp {head}"
            ))
        })
    }

    fn mine(&self) -> RpcResult<()> {
        self.dev.mine().map(drop).map_err(RpcError::from)
    }
}

pub(super) fn evm_mine(api: &DevApi, args: &mut Args<'_>) -> RpcResult<Value> {
    let (timestamp, blocks) = match args.optional("timestamp or {blocks, timestamp}")? {
        None => (None, None),
        Some(MineOptions::Timestamp(timestamp)) => (Some(timestamp), None),
        Some(MineOptions::Options { timestamp, blocks }) => (timestamp, blocks),
    };
    let blocks = check_count(blocks.unwrap_or(Number(U256::ONE)).u64("blocks")?)?;
    if let Some(timestamp) = timestamp {
        api.next_timestamp(timestamp.u64("timestamp")?)?;
    }
    for _ in 0..blocks {
        api.mine()?;
    }
    Ok(json!("0x0"))
}

pub(super) fn anvil_mine(api: &DevApi, args: &mut Args<'_>) -> RpcResult<Value> {
    let blocks = check_count(Number::optional(args, "blocks")?.unwrap_or(1))?;
    let interval = Number::optional(args, "interval")?.filter(|seconds| *seconds > 0);
    for _ in 0..blocks {
        if let Some(interval) = interval {
            // The clock never gives less than one second after the head; an interval replaces that
            // second.
            api.next_timestamp((api.dev.time() - 1).saturating_add(interval))?;
        }
        api.mine()?;
    }
    Ok(Value::Null)
}

pub(super) fn increase_time(api: &DevApi, args: &mut Args<'_>) -> RpcResult<Value> {
    let seconds = Number::required(args, "seconds")?;
    Ok(json!(api.dev.increase_time(seconds)))
}

pub(super) fn set_next_block_timestamp(api: &DevApi, args: &mut Args<'_>) -> RpcResult<Value> {
    let timestamp = Number::required(args, "timestamp")?;
    api.next_timestamp(timestamp)?;
    Ok(Value::Null)
}

/// Moves the clock to a time; gives how many seconds forward that is.
pub(super) fn set_time(api: &DevApi, args: &mut Args<'_>) -> RpcResult<Value> {
    let timestamp = Number::required(args, "timestamp")?;
    let now = api.dev.time();
    let Some(seconds) = timestamp.checked_sub(now) else {
        return Err(RpcError::param(
            "timestamp",
            format!("the clock only moves forward: {timestamp} is before {now}"),
        ));
    };
    api.dev.increase_time(seconds);
    // The next block's time may have been held ahead of the clock by the head.
    api.dev.increase_time(timestamp.saturating_sub(api.dev.time()));
    Ok(json!(seconds))
}
