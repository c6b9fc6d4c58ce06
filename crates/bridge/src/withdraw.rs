//! L2 to L1.

use std::time::{Duration, Instant};

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::{SolCall, SolEvent};
use duplex_contracts::bindings::{IL2Bridge, IVault, OutputRootProof, Withdrawal, WithdrawalTx};
use duplex_l1::SettlementMode;
use duplex_primitives::{OutputRoot, predeploys};
use serde::{Deserialize, Serialize};

use crate::{
    Asset, Bridge, BridgeError, Progress, Sent,
    send::{or_done, send_transaction},
};

/// Gas that the recipient's code gets on L1 at least.
const RECIPIENT_GAS: u32 = 200_000;
/// Pause between looks.
const PAUSE: Duration = Duration::from_millis(200);
/// `WithdrawalState.Done` of the contracts.
const DONE: u8 = 1;
const FAILED: u8 = 2;

/// How far a withdrawal has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WithdrawalStage {
    /// In an L2 block.
    Sequenced,
    /// Its block is in a batch on L1.
    Posted,
    /// A claim covers its block.
    Claimed,
    /// That claim is final: L1 will pay.
    Final,
    /// L1 has paid.
    Released,
    /// L1 tried to pay and the recipient refused; anyone may try again.
    Failed,
}

/// A withdrawal that arrived.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WithdrawReport {
    /// The L2 transaction that started it.
    pub l2_transaction: B256,
    /// Hash of the withdrawal, by which L1 knows it.
    pub withdrawal: B256,
    /// The L1 transaction that released it; `None` if somebody else's did, or an earlier one.
    pub release: Option<Sent>,
    /// Seconds that this took.
    pub seconds: f64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    final_at: Option<U64>,
    l1_time: Option<U64>,
    withdrawals: Vec<OneStatus>,
}

#[derive(Debug, Deserialize)]
struct OneStatus {
    hash: B256,
    withdrawal: Withdrawal,
    stage: WithdrawalStage,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Proving {
    step: Option<String>,
    seconds_left: f64,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Proof {
    hash: B256,
    withdrawal: Withdrawal,
    claim_id: U64,
    output: OutputRoot,
    storage_proof: Vec<Bytes>,
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

impl Bridge {
    /// Starts a withdrawal on L2; [`finish_withdrawal`](Self::finish_withdrawal) does the rest.
    ///
    /// # Errors
    /// If the sender has too little or L2 refuses.
    pub async fn start_withdrawal(
        &self,
        key: &PrivateKeySigner,
        asset: &Asset,
        to: Address,
        amount: U256,
    ) -> Result<Sent, BridgeError> {
        self.check_balance(asset, key.address(), amount, "L2").await?;
        let call = IL2Bridge::withdrawToCall {
            l2Token: asset.l2().unwrap_or(predeploys::ETH_TOKEN),
            to,
            amount,
            minGasLimit: RECIPIENT_GAS,
            extraData: Bytes::new(),
        };
        let value = if asset.l2().is_none() { amount } else { U256::ZERO };
        send_transaction(&self.l2, key, Some(predeploys::L2_BRIDGE), value, call.abi_encode().into()).await
    }

    /// Waits until a withdrawal's claim is final, proves it on L1 and releases it. `key` pays for
    /// the L1 transaction; it need not be the owner's. Can be called again at any time, and while others do the same.
    ///
    /// # Errors
    /// If the transaction started no withdrawal, a layer refuses, or the recipient does.
    pub async fn finish_withdrawal(
        &self,
        key: &PrivateKeySigner,
        l2_transaction: B256,
        progress: &dyn Progress,
    ) -> Result<WithdrawReport, BridgeError> {
        let start = Instant::now();
        let mut told = None;
        let found = loop {
            let status: Option<Status> =
                self.l2.request("duplex_withdrawalStatus", (l2_transaction,)).await?;
            let not = BridgeError::NotAWithdrawal(l2_transaction);
            let Some(status) = status else { return Err(not) };
            let Some(first) = status.withdrawals.into_iter().next() else { return Err(not) };
            if matches!(
                first.stage,
                WithdrawalStage::Final | WithdrawalStage::Released | WithdrawalStage::Failed
            ) {
                break first;
            }
            let proof = match first.stage {
                WithdrawalStage::Posted if self.deployment.settlement_mode() == SettlementMode::Validity => {
                    self.proving().await?
                }
                _ => None,
            };
            if told.as_ref() != Some(&(first.stage, proof.clone().map(|(what, _)| what))) {
                told = Some((first.stage, proof.clone().map(|(what, _)| what)));
                if let Some((what, expected)) = proof {
                    progress.wait(&what, &expected);
                    continue;
                }
                let left = status
                    .final_at
                    .zip(status.l1_time)
                    .map(|(at, now)| at.to::<u64>().saturating_sub(now.to()));
                tell(first.stage, left, self.deployment.parameters.challenge_window, progress);
            }
            tokio::time::sleep(PAUSE).await;
        };
        let release = match found.stage {
            WithdrawalStage::Released => None,
            WithdrawalStage::Failed => {
                let call = IVault::retryCall { w: abi(&found.withdrawal) };
                self.release(key, found.hash, call.abi_encode().into(), false).await?
            }
            _ => {
                progress.wait("L1 to check the proof and pay", "one L1 block");
                let call = self.release_call(l2_transaction, found.hash).await?;
                self.release(key, found.hash, call, true).await?
            }
        };
        progress.done("released on L1");
        Ok(WithdrawReport {
            l2_transaction,
            withdrawal: found.hash,
            release,
            seconds: start.elapsed().as_secs_f64(),
        })
    }

    /// What a withdrawal waits for where claims are only taken with a proof, and for how long.
    async fn proving(&self) -> Result<Option<(String, String)>, BridgeError> {
        let now: Option<Proving> = self.l2.request("duplex_proving", ()).await?;
        let step = now.as_ref().and_then(|now| now.step.clone());
        let what = step
            .map_or_else(|| "a proof of its batch".into(), |step| format!("a proof of its batch ({step})"));
        let expected = match now {
            Some(Proving { error: Some(error), .. }) => error,
            Some(now) if now.seconds_left > 0.0 => format!("about {:.0} s left", now.seconds_left),
            _ => "a prover, some ten minutes on a small machine".into(),
        };
        Ok(Some((what, expected)))
    }

    async fn release_call(&self, l2_transaction: B256, withdrawal: B256) -> Result<Bytes, BridgeError> {
        let proofs: Vec<Proof> = self.l2.request("duplex_withdrawalProof", (l2_transaction,)).await?;
        let proof =
            proofs.into_iter().find(|proof| proof.hash == withdrawal).ok_or(BridgeError::Malformed {
                method: "duplex_withdrawalProof",
                why: format!("no proof of {withdrawal}"),
            })?;
        let call = IVault::releaseCall {
            w: abi(&proof.withdrawal),
            claimId: proof.claim_id.to(),
            p: OutputRootProof {
                version: B256::ZERO,
                stateRoot: proof.output.state_root,
                messagePasserStorageRoot: proof.output.message_passer_root,
                latestBlockhash: proof.output.block_hash,
            },
            storageProof: proof.storage_proof,
        };
        Ok(call.abi_encode().into())
    }

    async fn release(
        &self,
        key: &PrivateKeySigner,
        withdrawal: B256,
        call: Bytes,
        first: bool,
    ) -> Result<Option<Sent>, BridgeError> {
        let vault = self.deployment.contracts.vault;
        let sent = send_transaction(&self.l1, key, Some(vault), U256::ZERO, call).await;
        let paid = async {
            let state = IVault::withdrawalStateCall { withdrawalHash: withdrawal };
            match self.l1.call(vault, &state).await? {
                // Somebody released it at the same time, and its call failed. A retry meets that state anyway.
                FAILED if first => Err(BridgeError::ReleaseFailed(withdrawal)),
                state => Ok(state == DONE),
            }
        };
        let Some(sent) = or_done(sent, paid).await? else { return Ok(None) };
        let released = sent.receipt.logs.iter().filter(|log| log.address() == vault).any(|log| {
            let first = IVault::WithdrawalReleased::decode_log(&log.inner).map(|event| event.data.success);
            let again = IVault::WithdrawalRetried::decode_log(&log.inner).map(|event| event.data.success);
            first.or(again).unwrap_or(false)
        });
        if released { Ok(Some(sent)) } else { Err(BridgeError::ReleaseFailed(withdrawal)) }
    }
}

fn tell(stage: WithdrawalStage, left: Option<u64>, window: u64, progress: &dyn Progress) {
    let window = format!("{window} s");
    match stage {
        WithdrawalStage::Sequenced => {
            progress.wait("its batch to reach L1", "the batch's age limit and one L1 block")
        }
        WithdrawalStage::Posted => progress.wait("a claim that covers it", "the proposer's interval"),
        _ => {
            let expected = left.map_or(window, |left| format!("about {left} s left of the challenge window"));
            progress.wait("the claim to become final", &expected);
        }
    }
}
