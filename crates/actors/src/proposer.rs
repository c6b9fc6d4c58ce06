//! Claims output roots on L1, and makes claims final when their window is over.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use alloy_primitives::{B256, U256};
use alloy_sol_types::SolCall;
use duplex_chain::Chain;
use duplex_contracts::bindings::ISettlement;
use duplex_l1::{BatchEntry, ClaimEntry, ClaimStatus, L1Index, TxManagerError, TxReceipt, TxRequest};
use duplex_primitives::{OutputRoot, tree::Tree};
use tokio::{sync::oneshot, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{ActorError, Operator, Rollup};

/// Pause between looks at what there is to do.
const PAUSE: Duration = Duration::from_millis(250);
/// Pause between looks at bonds that came back.
const COLLECT_EVERY: Duration = Duration::from_secs(30);
/// How many bonds are worth a transaction.
const COLLECT_BONDS: u64 = 4;

/// How often the proposer claims.
#[derive(Debug, Clone, Copy)]
pub struct ProposerOptions {
    /// Time between claims. Each covers all batches since the last.
    pub interval: Duration,
}

/// The last claim that was made.
#[derive(Debug, Clone, Copy)]
struct Made {
    at: Instant,
    /// Its last batch.
    batch: u64,
    /// Whether there was more than it has room for.
    more: bool,
}

impl Made {
    /// Whether the next is to wait: as long as is wanted, or, where there was more, until this one can be built on.
    fn holds_up(&self, interval: Duration, covered: u64) -> bool {
        self.at.elapsed() < interval && !(self.more && covered >= self.batch)
    }
}

/// Makes claims and finalises them.
#[derive(Debug)]
pub struct Proposer {
    rollup: Rollup,
    operator: Operator,
    options: ProposerOptions,
    last: Option<Made>,
    /// When bonds were last looked for.
    collected: Instant,
    /// Claims whose finalisation was sent.
    finalizing: BTreeMap<u64, oneshot::Receiver<Result<TxReceipt, TxManagerError>>>,
}

/// The history of a claim over L2 blocks `first..=last`, as this chain has them; `None` if the chain is
/// not there yet, or if a claim has no room for them ([`OutputRoot::MOST_BLOCKS`]).
///
/// # Errors
/// If the chain cannot be read.
pub fn claim_history(chain: &Chain, first: u64, last: u64) -> Result<Option<Tree>, ActorError> {
    let blocks = (last + 1).saturating_sub(first);
    if last > chain.head().header.number || blocks > OutputRoot::MOST_BLOCKS {
        return Ok(None);
    }
    let mut outputs = Vec::with_capacity(blocks as usize);
    let mut parent = None;
    for number in first..=last {
        let header = chain.header(number)?.ok_or(ActorError::MissingBlock(number))?;
        let hash = header.hash_slow();
        // The chain may be taken back meanwhile: blocks of two branches make no claim.
        if parent.is_some_and(|parent| parent != header.parent_hash) {
            return Ok(None);
        }
        parent = Some(hash);
        outputs.push(OutputRoot::of(&header, hash).hash());
    }
    Ok(Some(OutputRoot::history(outputs)))
}

/// The last L2 block of a batch (0 for genesis).
pub(crate) fn last_block(index: &L1Index, batch: u64) -> Result<Option<u64>, ActorError> {
    if batch == 0 {
        return Ok(Some(0));
    }
    Ok(index.batch(batch)?.map(|entry| entry.header.lastBlock))
}

impl Proposer {
    /// A proposer for `rollup`.
    pub fn new(rollup: Rollup, operator: Operator, options: ProposerOptions) -> Self {
        Self { rollup, operator, options, last: None, collected: Instant::now(), finalizing: BTreeMap::new() }
    }

    /// Claims until cancelled.
    ///
    /// # Errors
    /// If the chain or the index cannot be read.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), ActorError> {
        loop {
            // A step may wait for L1 to mine; stopping does not.
            let done = tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                done = self.step() => done,
            };
            let pause = match done {
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
        // Only what was derived from L1 is known to be true; on anything else nothing is staked.
        let claims = self.rollup.index.claims()?;
        let Some(derivation) = self.rollup.derived()? else { return Ok(()) };
        let Some(l1_head) = derivation.l1_head else { return Ok(()) };
        // Honest claims all of whose ancestors are honest and stand, by id: only on these can
        // anything become final.
        let mut live: Vec<ClaimEntry> = Vec::new();
        let mut ids = BTreeSet::from([0]);
        for claim in claims {
            let stands = match claim.status {
                ClaimStatus::Final => true,
                ClaimStatus::Pending => ids.contains(&claim.parent_id),
                ClaimStatus::Rejected => false,
            };
            if claim.last_batch <= derivation.batch && stands && self.agrees(&claim)? {
                ids.insert(claim.id);
                live.push(claim);
            }
        }
        self.finalize(&live, l1_head.header.timestamp).await?;
        self.collect_bonds().await?;
        self.propose(&live, derivation.batch).await
    }

    /// True if a claim says what this chain says. A claim on batches this node does not have is
    /// looked at again later.
    fn agrees(&self, claim: &ClaimEntry) -> Result<bool, ActorError> {
        if claim.id == 0 || claim.status == ClaimStatus::Final {
            return Ok(true);
        }
        Ok(self.rollup.is_true(claim)? == Some(true))
    }

    /// Sends a claim over L2 blocks from `first` and waits until it is mined.
    async fn claim(
        &self,
        parent_id: u64,
        batch: &BatchEntry,
        first: u64,
        history: &Tree,
    ) -> Result<TxReceipt, ActorError> {
        let last = batch.header.lastBlock - first;
        let proof: Vec<B256> = history.proof(last);
        let call = ISettlement::proposeCall {
            parentId: parent_id,
            parentOutputRoot: self.rollup.output_of(parent_id)?,
            lastBatch: batch.header.index,
            lastBatchHash: batch.hash,
            blockOutputsRoot: history.root(),
            outputRoot: history.leaf(last),
            lastLeafProof: std::array::from_fn(|level| proof[level]),
        };
        let request = TxRequest {
            to: self.rollup.deployment.contracts.settlement,
            data: call.abi_encode().into(),
            value: self.rollup.deployment.parameters.bond,
            gas_limit: None,
            blobs: Vec::new(),
            label: format!("claim up to batch {}", batch.header.index),
        };
        Ok(self.operator.txs.send(request).await?)
    }

    /// Takes back the bonds of claims that became final, several at a time.
    async fn collect_bonds(&mut self) -> Result<(), ActorError> {
        if self.collected.elapsed() < COLLECT_EVERY {
            return Ok(());
        }
        self.collected = Instant::now();
        let settlement = self.rollup.deployment.contracts.settlement;
        let me = self.operator.txs.address();
        let credit = self.rollup.l1.call(settlement, &ISettlement::creditCall { account: me }).await?;
        let bond = self.rollup.deployment.parameters.bond;
        if credit.is_zero() || credit < bond * U256::from(COLLECT_BONDS) {
            return Ok(());
        }
        let request = TxRequest {
            to: settlement,
            data: ISettlement::withdrawCreditCall { to: me }.abi_encode().into(),
            value: U256::ZERO,
            gas_limit: None,
            blobs: Vec::new(),
            label: "take back bonds".into(),
        };
        self.operator.txs.submit(request).await?;
        Ok(())
    }

    async fn finalize(&mut self, honest: &[ClaimEntry], now: u64) -> Result<(), ActorError> {
        let window = self.rollup.deployment.parameters.challenge_window;
        let mut finals: BTreeSet<u64> =
            honest.iter().filter(|claim| claim.status == ClaimStatus::Final).map(|claim| claim.id).collect();
        finals.insert(0);
        // What failed is tried again.
        self.finalizing.retain(|id, receiver| {
            !finals.contains(id)
                && !matches!(receiver.try_recv(), Ok(Err(_)) | Err(oneshot::error::TryRecvError::Closed))
        });
        for claim in honest {
            let ripe = claim.status == ClaimStatus::Pending
                && now >= claim.l1_timestamp + window
                && finals.contains(&claim.parent_id)
                && !self.finalizing.contains_key(&claim.id);
            if !ripe {
                continue;
            }
            let request = TxRequest {
                to: self.rollup.deployment.contracts.settlement,
                data: ISettlement::finalizeCall { id: claim.id }.abi_encode().into(),
                value: U256::ZERO,
                gas_limit: None,
                blobs: Vec::new(),
                label: format!("finalise claim {}", claim.id),
            };
            // An estimate that fails says that it is not time yet, or that somebody was faster.
            // The next one may be ripe all the same.
            match self.operator.txs.submit(request).await {
                Ok(receiver) => {
                    self.finalizing.insert(claim.id, receiver);
                    return Ok(());
                }
                Err(duplex_l1::TxManagerError::Rpc(error)) if !error.is_temporary() => {
                    tracing::debug!(claim = claim.id, %error, "not yet final");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The claim to build on, and the last batch that it covers.
    async fn tip(&self, honest: &[ClaimEntry]) -> Result<(u64, u64), ActorError> {
        let (last, covered) = self.rollup.last_final().await?;
        let waiting = honest.iter().filter(|c| c.status == ClaimStatus::Pending && c.last_batch > covered);
        let tip = waiting.max_by_key(|claim| claim.last_batch);
        Ok(tip.map_or((last, covered), |claim| (claim.id, claim.last_batch)))
    }

    /// Claims all batches up to `derived` that no honest claim covers yet.
    async fn propose(&mut self, honest: &[ClaimEntry], derived: u64) -> Result<(), ActorError> {
        let claimed = honest.iter().map(|claim| claim.last_batch).max().unwrap_or_default();
        if claimed >= derived || self.last.is_some_and(|last| last.holds_up(self.options.interval, claimed)) {
            return Ok(());
        }
        let index = &self.rollup.index;
        let (parent_id, covered) = self.tip(honest).await?;
        let Some(before) = last_block(index, covered)? else { return Ok(()) };
        // As many batches as one claim may cover.
        let mut batch = derived;
        while batch > covered + 1
            && last_block(index, batch)?
                .is_none_or(|last| last - before > self.rollup.deployment.parameters.max_claim_blocks)
        {
            batch -= 1;
        }
        let Some(entry) = index.batch(batch)? else { return Ok(()) };
        let last = entry.header.lastBlock;
        let Some(history) = claim_history(&self.rollup.chain, before + 1, last)? else { return Ok(()) };
        let receipt = self.claim(parent_id, &entry, before + 1, &history).await?;
        let output = history.leaf(last - before - 1);
        tracing::info!(batch, block = last, %output, tx = %receipt.transaction_hash, "claimed");
        self.last = Some(Made { at: Instant::now(), batch, more: batch < derived });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_claim_has_no_room_for_is_claimed_at_once() {
        let hour = Duration::from_secs(3600);
        let cut = Made { at: Instant::now(), batch: 7, more: true };
        assert!(cut.holds_up(hour, 6), "the index has not seen it");
        assert!(!cut.holds_up(hour, 7));
        let whole = Made { more: false, ..cut };
        assert!(whole.holds_up(hour, 7));
        assert!(!whole.holds_up(Duration::ZERO, 7));
    }
}
