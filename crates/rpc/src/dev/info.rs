//! What the node says of itself.

use std::collections::BTreeMap;

use alloy_primitives::{U64, U256};
use duplex_stf::next_base_fee;
use serde_json::{Value, json};

use super::DevApi;
use crate::{RpcResult, misc::client_version, params::Args};

/// The priority fee that the reported gas price contains, in wei.
const SUGGESTED_TIP: u64 = 1_000_000_000;

pub(super) fn node_info(api: &DevApi, _: &mut Args<'_>) -> RpcResult<Value> {
    let chain = api.dev.chain();
    let head = chain.head();
    let config = chain.config();
    let base_fee = next_base_fee(config, &head.header, api.dev.time());
    Ok(json!({
        "currentBlockNumber": U64::from(head.header.number),
        "currentBlockTimestamp": head.header.timestamp,
        "currentBlockHash": head.hash,
        "hardFork": "Osaka",
        "transactionOrder": "fees",
        "environment": {
            "baseFee": U256::from(base_fee),
            "chainId": config.chain_id,
            "gasLimit": U64::from(head.header.gas_limit),
            "gasPrice": U256::from(base_fee.saturating_add(SUGGESTED_TIP)),
        },
        "forkConfig": {"forkUrl": null, "forkBlockNumber": null, "forkRetryBackoff": null},
    }))
}

pub(super) fn metadata(api: &DevApi, _: &mut Args<'_>) -> RpcResult<Value> {
    let chain = api.dev.chain();
    let head = chain.head();
    let snapshots: BTreeMap<String, Value> = api
        .snapshots
        .lock()
        .iter()
        .map(|(id, (number, hash))| (format!("{id:#x}"), json!({"blockNumber": number, "blockHash": hash})))
        .collect();
    Ok(json!({
        "clientVersion": client_version(),
        "clientSemver": env!("CARGO_PKG_VERSION"),
        "clientCommitSha": null,
        "chainId": chain.config().chain_id,
        "instanceId": api.instance,
        "latestBlockNumber": head.header.number,
        "latestBlockHash": head.hash,
        "forkedNetwork": null,
        "snapshots": snapshots,
    }))
}
