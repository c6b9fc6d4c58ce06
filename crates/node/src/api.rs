//! The `duplex_*` methods: what a rollup knows that Ethereum's own methods do not ask for.

use std::{
    fmt::Display,
    sync::{Arc, Mutex, OnceLock},
};

use alloy_primitives::{Address, B256, Bytes, Log, U64, U256};
use alloy_sol_types::SolEvent;
use duplex_actors::{
    Proving, Rollup,
    challenger::{Watch, Witness},
};
use duplex_contracts::bindings::{IMessagePasser, IMessageQueue, IVault, Withdrawal};
use duplex_l1::{BatchEntry, ClaimEntry, ClaimStatus, L1Index};
use duplex_primitives::{L2Extra, OutputRoot, predeploys};
use jsonrpsee::{RpcModule, core::RegisterMethodError, types::ErrorObjectOwned};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;

type Answer = Result<Value, ErrorObjectOwned>;

/// The call was understood and cannot be answered.
const SERVER_ERROR: i32 = -32000;

fn failed(error: impl Display) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(SERVER_ERROR, error.to_string(), None::<()>)
}

fn hex(number: u64) -> Value {
    json!(U64::from(number))
}

/// The `duplex_*` methods of a rollup.
///
/// # Errors
/// Never in practice: only if two methods had the same name.
pub(crate) fn duplex_module(
    rollup: Rollup,
    challenger: Arc<OnceLock<watch::Receiver<Watch>>>,
    prover: Arc<OnceLock<watch::Receiver<Proving>>>,
) -> Result<RpcModule<Rollup>, RegisterMethodError> {
    let mut module = RpcModule::new(rollup);
    module.register_method("duplex_syncStatus", |_, rollup, _| sync_status(rollup))?;
    module.register_method("duplex_challenger", move |_, _, _| {
        challenger.get().map_or(Value::Null, |watch| json!(*watch.borrow()))
    })?;
    module.register_method("duplex_proving", move |_, _, _| {
        prover.get().map_or(Value::Null, |watch| json!(*watch.borrow()))
    })?;
    module.register_method("duplex_deployment", |_, rollup, _| {
        // Keys are for the people who run the node, not for those who call it.
        let mut deployment = json!(*rollup.deployment);
        if let Some(fields) = deployment.as_object_mut() {
            fields.remove("accounts");
        }
        deployment
    })?;
    module.register_blocking_method("duplex_batchByNumber", |params, rollup, _| {
        let number: U64 = params.one()?;
        batch(&rollup.index, rollup.index.batch(number.to()).map_err(failed)?)
    })?;
    module.register_blocking_method("duplex_batchByBlock", |params, rollup, _| {
        let block: U64 = params.one()?;
        batch(&rollup.index, rollup.index.batch_of(block.to()).map_err(failed)?)
    })?;
    module.register_async_method("duplex_depositStatus", |params, rollup, _| async move {
        let hash: B256 = params.one()?;
        deposit_status(&rollup, hash).await
    })?;
    module.register_async_method("duplex_withdrawalStatus", |params, rollup, _| async move {
        let hash: B256 = params.one()?;
        withdrawal_status(&rollup, hash).await
    })?;
    module.register_blocking_method("duplex_withdrawalProof", |params, rollup, _| {
        let hash: B256 = params.one()?;
        withdrawal_proof(&rollup, hash)
    })?;
    module.register_blocking_method("duplex_blocks", |params, rollup, _| {
        let (from, count): (U64, U64) = params.parse()?;
        blocks(&rollup, from.to(), count.to())
    })?;
    module.register_blocking_method("duplex_headers", |params, rollup, _| {
        let (from, count): (U64, U64) = params.parse()?;
        headers(&rollup, from.to(), count.to())
    })?;
    // Blocks are executed for it: for one caller at a time.
    let busy = Arc::new(Mutex::new(()));
    module.register_blocking_method("duplex_effects", move |params, rollup, _| {
        let (from, count): (U64, U64) = params.parse()?;
        let _one = busy.try_lock().map_err(|_| failed("busy with another call of this method: try again"))?;
        effects(&rollup, from.to(), count.to())
    })?;
    module.register_blocking_method("duplex_proof", |params, rollup, _| {
        let first: U64 = params.one()?;
        Ok::<_, ErrorObjectOwned>(json!(rollup.proofs.from(first.to()).map_err(failed)?))
    })?;
    module.register_blocking_method("duplex_stark", |params, rollup, _| {
        let statement: B256 = params.one()?;
        let stark = rollup.proofs.stark(&statement).map_err(failed)?;
        Ok::<_, ErrorObjectOwned>(json!(stark.map(Bytes::from)))
    })?;
    module.register_async_method("duplex_witness", |params, rollup, _| async move {
        let block: U64 = params.one()?;
        Ok::<_, ErrorObjectOwned>(json!(Witness::of(&rollup, block.to()).await.map_err(failed)?))
    })?;
    module.register_blocking_method("duplex_books", |_, rollup, _| books(&rollup))?;
    Ok(module)
}

fn sync_status(rollup: &Rollup) -> Answer {
    let chain = &rollup.chain;
    let head = chain.head();
    let extra = L2Extra::decode(&head.header.extra_data).unwrap_or_default();
    let l1 = rollup.l1_head.borrow().clone();
    let (messages, batches) = rollup.index.counts().map_err(failed)?;
    let block = |number: u64| -> Answer {
        let hash = chain.hash_of(number).map_err(failed)?;
        Ok(json!({ "number": hex(number), "hash": hash }))
    };
    Ok(json!({
        "l1Head": l1.map(|l1| json!({ "number": hex(l1.header.number), "hash": l1.hash, "timestamp": hex(l1.header.timestamp) })),
        "unsafe": block(head.header.number)?,
        "safe": block(chain.safe())?,
        "finalized": block(chain.finalized())?,
        "anchor": { "number": hex(extra.anchor_number), "hash": head.header.parent_beacon_block_root },
        "messagesConsumed": hex(extra.message_count),
        "messagesOnL1": hex(messages),
        "batchesOnL1": hex(batches),
        "batchesDerived": hex(rollup.derivation.borrow().batch),
    }))
}

/// Whole blocks, RLP-encoded, for followers: at most `count`, and not many bytes at once.
fn blocks(rollup: &Rollup, from: u64, count: u64) -> Result<Vec<Bytes>, ErrorObjectOwned> {
    const MOST: u64 = 128;
    const MOST_BYTES: usize = 4 << 20;
    let (mut list, mut bytes) = (Vec::new(), 0);
    for number in from..from.saturating_add(count.min(MOST)) {
        let Some(block) = rollup.chain.block(number).map_err(failed)? else { break };
        let raw: Bytes = alloy_rlp::encode(&block.recovered.block).into();
        bytes += raw.len();
        list.push(raw);
        if bytes > MOST_BYTES {
            break;
        }
    }
    Ok(list)
}

/// Headers, RLP-encoded: at most `count`, and not many at once.
fn headers(rollup: &Rollup, from: u64, count: u64) -> Result<Vec<Bytes>, ErrorObjectOwned> {
    const MOST: u64 = 1024;
    let mut list = Vec::new();
    for number in from..from.saturating_add(count.min(MOST)) {
        let Some(header) = rollup.chain.header(number).map_err(failed)? else { break };
        list.push(alloy_rlp::encode(&header).into());
    }
    Ok(list)
}

/// Whole blocks with what they did, both RLP-encoded, for those who take them without executing. They are executed here for it, so
/// not much at once.
fn effects(rollup: &Rollup, from: u64, count: u64) -> Result<Vec<(Bytes, Bytes)>, ErrorObjectOwned> {
    const MOST: u64 = 64;
    const MOST_BYTES: usize = 4 << 20;
    const MOST_GAS: u64 = 60_000_000;
    let (mut list, mut bytes, mut gas) = (Vec::new(), 0, 0);
    for number in from..from.saturating_add(count.min(MOST)) {
        let Some((block, effects)) = rollup.chain.effects(number).map_err(failed)? else { break };
        let pair = (
            Bytes::from(alloy_rlp::encode(&block.recovered.block)),
            Bytes::from(alloy_rlp::encode(&effects)),
        );
        bytes += pair.0.len() + pair.1.len();
        gas += block.header().gas_used;
        list.push(pair);
        if bytes > MOST_BYTES || gas > MOST_GAS {
            break;
        }
    }
    Ok(list)
}

/// Of the claims that cover a batch the one that gets furthest: final, else pending, else rejected; and of several the first.
fn foremost(claims: &[ClaimEntry], batch: u64) -> Option<&ClaimEntry> {
    let rank = |status| match status {
        ClaimStatus::Final => 0,
        ClaimStatus::Pending => 1,
        ClaimStatus::Rejected => 2,
    };
    let covering = claims.iter().filter(|claim| claim.last_batch >= batch);
    covering.min_by_key(|claim| (rank(claim.status), claim.last_batch, claim.id))
}

fn batch(index: &L1Index, entry: Option<BatchEntry>) -> Answer {
    let Some(entry) = entry else { return Ok(Value::Null) };
    let claims = index.claims().map_err(failed)?;
    let claim = foremost(&claims, entry.header.index);
    Ok(
        json!({ "header": entry.header, "hash": entry.hash, "l1Transaction": entry.l1_tx, "l1Block": hex(entry.l1_block), "claim": claim }),
    )
}

async fn deposit_status(rollup: &Rollup, hash: B256) -> Answer {
    let Some(receipt) = rollup.l1.receipt(hash).await.map_err(failed)? else { return Ok(Value::Null) };
    let queue = rollup.deployment.contracts.message_queue;
    let mut messages = Vec::new();
    for log in receipt.logs.iter().filter(|log| log.address() == queue) {
        let Ok(event) = IMessageQueue::MessageSent::decode_log(&log.inner) else { continue };
        let index = event.data.index;
        let message = rollup.index.message(index).map_err(failed)?;
        let l2_hash = message.map(|message| message.to_deposit().hash());
        let found = match l2_hash {
            Some(hash) => rollup.chain.transaction(hash).map_err(failed)?,
            None => None,
        };
        messages.push(match found {
            Some((block, position)) => json!({
                "index": hex(index),
                "l2Transaction": l2_hash,
                "stage": "included",
                "success": block.receipts[position].success,
                "l2Block": hex(block.number()),
            }),
            None => json!({ "index": hex(index), "l2Transaction": l2_hash, "stage": "waiting" }),
        });
    }
    Ok(json!({ "l1Block": receipt.block_number, "success": receipt.is_success(), "messages": messages }))
}

/// The withdrawals that an L2 transaction started, and its block.
fn withdrawals(rollup: &Rollup, hash: B256) -> Result<Option<(u64, Vec<Withdrawal>)>, ErrorObjectOwned> {
    let Some((block, position)) = rollup.chain.transaction(hash).map_err(failed)? else { return Ok(None) };
    let logs = &block.receipts[position].logs;
    Ok(Some((block.number(), logs.iter().filter_map(withdrawal).collect())))
}

fn withdrawal(log: &Log) -> Option<Withdrawal> {
    if log.address != predeploys::MESSAGE_PASSER {
        return None;
    }
    let event = IMessagePasser::MessagePassed::decode_log(log).ok()?.data;
    Some(Withdrawal {
        nonce: event.nonce,
        sender: event.sender,
        target: event.target,
        value: event.value,
        gasLimit: event.gasLimit,
        data: event.data,
    })
}

async fn withdrawal_status(rollup: &Rollup, hash: B256) -> Answer {
    let Some((block, found)) = withdrawals(rollup, hash)? else { return Ok(Value::Null) };
    let batch = rollup.index.batch_of(block).map_err(failed)?;
    let claims = rollup.index.claims().map_err(failed)?;
    let covering = batch.as_ref().map(|batch| batch.header.index);
    // What was rejected pays nobody.
    let claim = covering.and_then(|index| foremost(&claims, index));
    let claim = claim.filter(|claim| claim.status != ClaimStatus::Rejected);
    let window = rollup.deployment.parameters.challenge_window;
    let mut list = Vec::new();
    for withdrawal in &found {
        let call = IVault::withdrawalStateCall { withdrawalHash: withdrawal.hash() };
        let state = rollup.l1.call(rollup.deployment.contracts.vault, &call).await.map_err(failed)?;
        let stage = match (state, claim, &batch) {
            (1, ..) => "released",
            (2, ..) => "failed",
            (_, Some(claim), _) if claim.status == ClaimStatus::Final => "final",
            (_, Some(_), _) => "claimed",
            (_, None, Some(_)) => "posted",
            (_, None, None) => "sequenced",
        };
        list.push(json!({ "hash": withdrawal.hash(), "withdrawal": withdrawal, "stage": stage }));
    }
    Ok(json!({
        "l2Block": hex(block),
        "batch": covering.map(hex),
        "claim": claim,
        "finalAt": claim.map(|claim| hex(claim.l1_timestamp + window)),
        "l1Time": rollup.l1_head.borrow().as_ref().map(|head| hex(head.header.timestamp)),
        "withdrawals": list,
    }))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Proof {
    hash: B256,
    withdrawal: Withdrawal,
    claim_id: U64,
    output: OutputRoot,
    storage_proof: Vec<Bytes>,
}

/// What `Vault.release` needs, once a claim that covers the withdrawal is final.
fn withdrawal_proof(rollup: &Rollup, hash: B256) -> Answer {
    let Some((block, found)) = withdrawals(rollup, hash)? else {
        return Err(failed(format!("there is no L2 transaction {hash}")));
    };
    let Some(claim) = rollup.index.final_claim_for(block).map_err(failed)? else {
        return Err(failed(format!("no claim that covers L2 block {block} is final yet")));
    };
    let batch = rollup.index.batch(claim.last_batch).map_err(failed)?;
    let number = batch.map(|batch| batch.header.lastBlock).unwrap_or_default();
    let chain = &rollup.chain;
    let header = chain.header(number).map_err(failed)?;
    let state = chain.state_at(number).map_err(failed)?;
    let (Some(header), Some(state)) = (header, state) else {
        return Err(failed(format!("this node does not have L2 block {number} yet")));
    };
    let block_hash = chain.hash_of(number).map_err(failed)?.unwrap_or_default();
    let output = OutputRoot::of(&header, block_hash);
    if output.hash() != claim.output_root {
        return Err(failed(format!("final claim {} contradicts this node's L2 block {number}", claim.id)));
    }
    let mut proofs = Vec::new();
    for withdrawal in found {
        let slot = U256::from_be_bytes(withdrawal.storage_slot().0);
        let mut proof = state.prove(predeploys::MESSAGE_PASSER, &[slot]).map_err(failed)?;
        let storage_proof = proof.storage.pop().map(|slot| slot.proof).unwrap_or_default();
        let claim_id = U64::from(claim.id);
        proofs.push(Proof { hash: withdrawal.hash(), withdrawal, claim_id, output, storage_proof });
    }
    Ok(json!(proofs))
}

/// All ETH on L2, by reading every account. What the `MessagePasser` holds has left L2; what the lane's end holds was
/// never minted.
fn books(rollup: &Rollup) -> Answer {
    let state = rollup.chain.state();
    let (total, accounts) = state.total_supply().map_err(failed)?;
    let passer: Address = predeploys::MESSAGE_PASSER;
    let left = revm_balance(&state, passer)?;
    let total = total.saturating_sub(revm_balance(&state, predeploys::ENDPOINT)?);
    Ok(json!({
        "block": hex(state.number()),
        "accounts": hex(accounts),
        "total": total,
        "withdrawn": left,
        "circulating": total.saturating_sub(left),
    }))
}

fn revm_balance(state: &duplex_chain::StateAt, address: Address) -> Result<U256, ErrorObjectOwned> {
    Ok(state.sender(address).map_err(failed)?.balance)
}

#[cfg(test)]
mod tests {
    /// Somebody who builds on this reads there what there is.
    #[test]
    fn every_method_is_in_the_docs() {
        let source = include_str!("api.rs");
        let docs = include_str!("../../../docs/operations.md");
        let mut methods = 0;
        for line in source.lines().filter(|line| line.trim_start().starts_with("module.register")) {
            let name = line.split('"').nth(1).expect("a method has a name");
            assert!(docs.contains(&format!("`{name}`")), "{name} is not in docs/operations.md");
            methods += 1;
        }
        assert!(methods > 10, "{methods}");
    }
}
