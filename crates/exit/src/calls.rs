//! The L1 transactions that leaving takes.

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::{SolCall, SolEvent};
use duplex_actors::{Rollup, claim_history};
use duplex_contracts::bindings::{
    IMessageQueue, ISettlement, IVault, OutputRootProof, Withdrawal, WithdrawalTx,
};
use duplex_l1::{TxReceipt, TxRequest};
use duplex_primitives::{L1Message, OutputRoot, predeploys};

use crate::{
    Call, ExitError, Leaving,
    observe::{last_block, output_of},
};

/// A transaction to one of the rollup's contracts.
pub(crate) fn request(to: Address, call: &impl SolCall, label: String) -> TxRequest {
    TxRequest {
        to,
        data: call.abi_encode().into(),
        value: U256::ZERO,
        gas_limit: None,
        label,
        blobs: Vec::new(),
    }
}

/// Sends a call to L2 through the queue.
pub(crate) fn force(rollup: &Rollup, call: Call, label: String) -> TxRequest {
    let Call { target, value, gas, data } = call;
    let send = IMessageQueue::sendCall { target, value, gasLimit: gas, data };
    request(rollup.deployment.contracts.message_queue, &send, label)
}

/// Claims the batches after those of `parent`, up to `last_batch`, with the bond.
pub(crate) async fn propose(rollup: &Rollup, parent: u64, last_batch: u64) -> Result<TxRequest, ExitError> {
    let (covered, parent_output) = match parent {
        0 => (0, rollup.deployment.genesis_output),
        id => {
            let claim = rollup.index.claim(id)?.ok_or(ExitError::ChainMoved)?;
            (claim.last_batch, claim.output_root)
        }
    };
    let entry = rollup.index.batch(last_batch)?.ok_or(ExitError::ChainMoved)?;
    let (chain, first) = (rollup.chain.clone(), last_block(rollup, covered)? + 1);
    let last = entry.header.lastBlock;
    let history = tokio::task::spawn_blocking(move || claim_history(&chain, first, last));
    let history = history.await.map_err(|_| ExitError::Stopped)??.ok_or(ExitError::ChainMoved)?;
    let proof = history.proof(last - first);
    let call = ISettlement::proposeCall {
        parentId: parent,
        parentOutputRoot: parent_output,
        lastBatch: last_batch,
        lastBatchHash: entry.hash,
        blockOutputsRoot: history.root(),
        outputRoot: history.leaf(last - first),
        lastLeafProof: std::array::from_fn(|level| proof[level]),
    };
    let label = format!("claim up to batch {last_batch}");
    let request = request(rollup.deployment.contracts.settlement, &call, label);
    Ok(TxRequest { value: rollup.deployment.parameters.bond, ..request })
}

fn abi(withdrawal: &Withdrawal) -> WithdrawalTx {
    WithdrawalTx {
        nonce: withdrawal.nonce,
        sender: withdrawal.sender,
        target: withdrawal.target,
        value: withdrawal.value,
        gasLimit: withdrawal.gasLimit,
        data: withdrawal.data.clone(),
    }
}

/// Makes the call of a withdrawal again that failed before.
pub(crate) fn retry(rollup: &Rollup, leaving: &Leaving) -> TxRequest {
    let call = IVault::retryCall { w: abi(&leaving.withdrawal) };
    request(rollup.deployment.contracts.vault, &call, "release again".into())
}

/// Proves a withdrawal against a final claim, and releases it.
pub(crate) fn release(rollup: &Rollup, leaving: &Leaving, claim: u64) -> Result<TxRequest, ExitError> {
    let (block, output) = claimed_block(rollup, claim)?;
    let state = rollup.chain.state_at(block)?.ok_or(ExitError::ChainMoved)?;
    let slot = U256::from_be_bytes(leaving.withdrawal.storage_slot().0);
    let mut proof = state.prove(predeploys::MESSAGE_PASSER, &[slot])?;
    let call = IVault::releaseCall {
        w: abi(&leaving.withdrawal),
        claimId: claim,
        p: preimage(&output),
        storageProof: proof.storage.pop().map(|slot| slot.proof).unwrap_or_default(),
    };
    Ok(request(rollup.deployment.contracts.vault, &call, format!("release against claim {claim}")))
}

/// The last L2 block of a claim, and its output, which must be what was derived.
pub(crate) fn claimed_block(rollup: &Rollup, claim: u64) -> Result<(u64, OutputRoot), ExitError> {
    let (batch, claimed): (u64, B256) = match claim {
        0 => (0, rollup.deployment.genesis_output),
        id => {
            let entry = rollup.index.claim(id)?.ok_or(ExitError::ChainMoved)?;
            (entry.last_batch, entry.output_root)
        }
    };
    let block = last_block(rollup, batch)?;
    let output = output_of(rollup, block)?;
    let derived = output.hash();
    if derived != claimed {
        return Err(ExitError::FalseFinal { claim, claimed, derived, block });
    }
    Ok((block, output))
}

/// The preimage of an output root, as contracts take it.
pub(crate) const fn preimage(output: &OutputRoot) -> OutputRootProof {
    OutputRootProof {
        version: B256::ZERO,
        stateRoot: output.state_root,
        messagePasserStorageRoot: output.message_passer_root,
        latestBlockhash: output.block_hash,
    }
}

/// The message that a transaction put into the queue.
pub(crate) fn message_of(receipt: &TxReceipt, queue: Address) -> Option<L1Message> {
    let logs = receipt.logs.iter().filter(|log| log.address() == queue);
    let event = logs.filter_map(|log| IMessageQueue::MessageSent::decode_log(&log.inner).ok()).next()?.data;
    Some(event.into_message(receipt.block_number.to()))
}

/// Whether a release, or a retry, made its call.
pub(crate) fn was_paid(receipt: &TxReceipt, vault: Address) -> bool {
    receipt.logs.iter().filter(|log| log.address() == vault).any(|log| {
        let first = IVault::WithdrawalReleased::decode_log(&log.inner).map(|event| event.data.success);
        let again = IVault::WithdrawalRetried::decode_log(&log.inner).map(|event| event.data.success);
        first.or(again).unwrap_or(false)
    })
}

/// `bytes[]` of a contract's call.
pub(crate) type Proof = Vec<Bytes>;
