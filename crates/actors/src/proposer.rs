//! Claims output roots on L1, and makes claims final when their window is over.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use alloy_primitives::{B256, U256};
use alloy_sol_types::SolCall;
use duplex_chain::Chain;
use duplex_contracts::bindings::ISettlement;
use duplex_l1::{ClaimEntry, ClaimStatus, L1Index, TxRequest};
use duplex_primitives::OutputRoot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{ActorError, Operator, Rollup};

/// Pause between looks at what there is to do.
const PAUSE: Duration = Duration::from_millis(250);

/// How often the proposer claims.
#[derive(Debug, Clone, Copy)]
pub struct ProposerOptions {
    /// Time between claims. Each covers all batches since the last.
    pub interval: Duration,
}

/// Makes claims and finalises them.
#[derive(Debug)]
pub struct Proposer {
    rollup: Rollup,
    operator: Operator,
    options: ProposerOptions,
    /// Whether claims that were looked at say what this chain says.
    checked: BTreeMap<u64, bool>,
    last: Option<Instant>,
    /// Claims whose finalisation was sent.
    finalizing: BTreeSet<u64>,
}

/// `(blockOutputsRoot, outputRoot)` of a claim over L2 blocks `first..=last`; `None` if the chain
/// is not there yet.
///
/// # Errors
/// If the chain cannot be read.
pub fn claim_roots(chain: &Chain, first: u64, last: u64) -> Result<Option<(B256, B256)>, ActorError> {
    if last > chain.head().header.number {
        return Ok(None);
    }
    let mut outputs = Vec::with_capacity((last - first + 1) as usize);
    for number in first..=last {
        let header = chain.header(number)?.ok_or(ActorError::MissingBlock(number))?;
        let hash = chain.hash_of(number)?.ok_or(ActorError::MissingBlock(number))?;
        outputs.push(OutputRoot::of(&header, hash).hash());
    }
    let newest = outputs.last().copied().unwrap_or_default();
    Ok(Some((OutputRoot::history(outputs), newest)))
}

/// The last L2 block of a batch (0 for genesis).
fn last_block(index: &L1Index, batch: u64) -> Result<Option<u64>, ActorError> {
    if batch == 0 {
        return Ok(Some(0));
    }
    Ok(index.batch(batch)?.map(|entry| entry.header.lastBlock))
}

impl Proposer {
    /// A proposer for `rollup`.
    pub const fn new(rollup: Rollup, operator: Operator, options: ProposerOptions) -> Self {
        Self { rollup, operator, options, checked: BTreeMap::new(), last: None, finalizing: BTreeSet::new() }
    }

    /// Claims until cancelled.
    ///
    /// # Errors
    /// If the chain or the index cannot be read.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), ActorError> {
        loop {
            let pause = match self.step().await {
                Ok(()) => PAUSE,
                Err(error) if error.is_temporary() => {
                    tracing::warn!(%error, "proposer waits");
                    Duration::from_secs(2)
                }
                Err(error) => return Err(error),
            };
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn step(&mut self) -> Result<(), ActorError> {
        let Some(l1_head) = self.rollup.l1_head.borrow().clone() else { return Ok(()) };
        let claims = self.rollup.index.claims()?;
        let mut honest: Vec<ClaimEntry> = Vec::new();
        for claim in claims {
            if self.agrees(&claim)? {
                honest.push(claim);
            }
        }
        self.finalize(&honest, l1_head.header.timestamp).await?;
        self.propose(&honest).await
    }

    /// True if a claim says what this chain says. A claim on batches this node does not have is
    /// looked at again later.
    fn agrees(&mut self, claim: &ClaimEntry) -> Result<bool, ActorError> {
        if claim.id == 0 || claim.status == ClaimStatus::Final {
            return Ok(true);
        }
        if let Some(known) = self.checked.get(&claim.id) {
            return Ok(*known);
        }
        let index = &self.rollup.index;
        let covered = match claim.parent_id {
            0 => 0,
            parent => match index.claim(parent)? {
                Some(parent) => parent.last_batch,
                None => return Ok(false),
            },
        };
        let (Some(before), Some(last)) = (last_block(index, covered)?, last_block(index, claim.last_batch)?)
        else {
            return Ok(false);
        };
        let Some(roots) = claim_roots(&self.rollup.chain, before + 1, last)? else { return Ok(false) };
        let agrees = roots == (claim.block_outputs_root, claim.output_root);
        if !agrees {
            tracing::error!(claim = claim.id, proposer = %claim.proposer, "a claim on L1 is false");
        }
        self.checked.insert(claim.id, agrees);
        Ok(agrees)
    }

    async fn finalize(&mut self, honest: &[ClaimEntry], now: u64) -> Result<(), ActorError> {
        let window = self.rollup.deployment.parameters.challenge_window;
        let mut finals: BTreeSet<u64> =
            honest.iter().filter(|claim| claim.status == ClaimStatus::Final).map(|claim| claim.id).collect();
        finals.insert(0);
        self.finalizing.retain(|id| !finals.contains(id));
        for claim in honest {
            let ripe = claim.status == ClaimStatus::Pending
                && now >= claim.l1_timestamp + window
                && finals.contains(&claim.parent_id)
                && !self.finalizing.contains(&claim.id);
            if !ripe {
                continue;
            }
            let request = TxRequest {
                to: self.rollup.deployment.contracts.settlement,
                data: ISettlement::finalizeCall { id: claim.id }.abi_encode().into(),
                value: U256::ZERO,
                gas_limit: None,
                label: format!("finalise claim {}", claim.id),
            };
            // An estimate that fails says that it is not time yet, or that somebody was faster.
            match self.operator.txs.submit(request).await {
                Ok(_) => drop(self.finalizing.insert(claim.id)),
                Err(duplex_l1::TxManagerError::Rpc(error)) if !error.is_temporary() => {
                    tracing::debug!(claim = claim.id, %error, "not yet final");
                }
                Err(error) => return Err(error.into()),
            }
            return Ok(());
        }
        Ok(())
    }

    async fn propose(&mut self, honest: &[ClaimEntry]) -> Result<(), ActorError> {
        if self.last.is_some_and(|last| last.elapsed() < self.options.interval) {
            return Ok(());
        }
        let index = &self.rollup.index;
        let usable = honest.iter().filter(|claim| claim.status != ClaimStatus::Contested);
        let tip = usable.max_by_key(|claim| claim.last_batch);
        let (parent_id, covered) = tip.map_or((0, 0), |claim| (claim.id, claim.last_batch));
        let (_, on_l1) = index.counts()?;
        if on_l1 <= covered {
            return Ok(());
        }
        let Some(before) = last_block(index, covered)? else { return Ok(()) };
        // As many batches as one claim may cover.
        let mut batch = on_l1;
        while batch > covered + 1
            && last_block(index, batch)?
                .is_none_or(|last| last - before > self.rollup.deployment.parameters.max_claim_blocks)
        {
            batch -= 1;
        }
        let Some(entry) = index.batch(batch)? else { return Ok(()) };
        let Some((block_outputs, output)) =
            claim_roots(&self.rollup.chain, before + 1, entry.header.lastBlock)?
        else {
            return Ok(());
        };
        let call = ISettlement::proposeCall {
            parentId: parent_id,
            lastBatch: batch,
            lastBatchHash: entry.hash,
            blockOutputsRoot: block_outputs,
            outputRoot: output,
        };
        let request = TxRequest {
            to: self.rollup.deployment.contracts.settlement,
            data: call.abi_encode().into(),
            value: self.rollup.deployment.parameters.bond,
            gas_limit: None,
            label: format!("claim up to batch {batch}"),
        };
        let receipt = self.operator.txs.send(request).await?;
        tracing::info!(batch, block = entry.header.lastBlock, %output, tx = %receipt.transaction_hash, "claimed");
        self.last = Some(Instant::now());
        Ok(())
    }
}
