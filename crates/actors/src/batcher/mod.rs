//! Puts L2 blocks into batches and posts them to L1.
//!
//! A batch is on disk before it is sent, and the `Inbox` takes each position once, so that no
//! crash loses or doubles one: after a restart, what is sealed and not on L1 is sent again. What
//! somebody else appended is left to the deriver: batches go on from what it made of that.

mod seal;

use std::{path::Path, time::Duration};

use alloy_primitives::{B256, Bytes, U256};
use alloy_sol_types::SolCall;
use duplex_contracts::bindings::{Batch, IInbox};
use duplex_l1::{DaPrices, TxManagerError, TxReceipt, TxRequest};
use duplex_primitives::{BatchHeader, blob};
use duplex_storage::Records;
use serde::{Deserialize, Serialize};
use tokio::{sync::oneshot, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{ActorError, Operator, Rollup, derive::agrees, deriver::blocking};

/// Pause between looks at what there is to do.
const PAUSE: Duration = Duration::from_millis(100);
/// Batches sent and not yet mined. More only helps an L1 that is slower than the L2.
const IN_FLIGHT: u64 = 24;
/// Of those with blobs: nodes keep few blob transactions of one account, and L1 takes few blobs.
const IN_FLIGHT_BLOBS: u64 = 4;
/// Time for the watcher to see what was mined.
const BEHIND: Duration = Duration::from_secs(10);
/// Pause after L1 would not take a batch.
const REFUSED_PAUSE: Duration = Duration::from_secs(3);
/// Pause between looks at L1's prices.
const PRICES_EVERY: Duration = Duration::from_secs(6);
/// Gas of `append` besides what its data costs.
const APPEND_GAS: u64 = 250_000;
/// Gas per byte of data: calldata at the floor price (EIP-7623), and hashing it.
const GAS_PER_BYTE: u64 = 44;

/// Where the data of batches goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DaMode {
    /// Whichever is cheaper at the time.
    #[default]
    Auto,
    /// EIP-4844 blobs.
    Blob,
    /// The calldata of the L1 transaction.
    Calldata,
}

/// When a batch is sealed, and where it goes.
#[derive(Debug, Clone, Copy)]
pub struct BatcherOptions {
    /// Age of its first block at which a batch is sealed although it is not full.
    pub max_age: Duration,
    /// Share of the longest possible data, in percent, at which a batch counts as full.
    pub full_percent: u64,
    /// Where the data goes.
    pub da: DaMode,
    /// Posts only while anyone may, because a message waits too long: for those who are not the
    /// sequencer.
    pub only_when_open: bool,
}

/// A sealed batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Sealed {
    header: BatchHeader,
    data: Bytes,
    /// Versioned hashes of its blobs; none if the data goes as calldata.
    #[serde(default)]
    blobs: Vec<B256>,
    /// Hash of its last L2 block: if the chain has another one there, the batch is void.
    last_block_hash: B256,
}

/// Seals batches and posts them.
#[derive(Debug)]
pub struct Batcher {
    rollup: Rollup,
    operator: Operator,
    options: BatcherOptions,
    records: Records,
    /// The newest sealed batch (genesis at first).
    last: BatchHeader,
    /// Whether the sealed batches on disk were looked at.
    resumed: bool,
    /// The newest batch that was sent in this run.
    sent: u64,
    pending: Vec<(u64, oneshot::Receiver<Result<TxReceipt, TxManagerError>>)>,
    /// When the first block after `last` was seen.
    oldest: Option<Instant>,
    not_before: Instant,
    /// Since when L1 shows less than was mined.
    behind_since: Option<Instant>,
    prices: Option<(Instant, DaPrices)>,
}

fn key(index: u64) -> String {
    format!("sealed/{index:020}")
}

impl Batcher {
    /// Takes up where the records in `dir` left off.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn open(
        rollup: Rollup,
        operator: Operator,
        dir: &Path,
        options: BatcherOptions,
    ) -> Result<Self, duplex_storage::OpenError> {
        let records = Records::open(&dir.join("batches.redb"))?;
        let last = rollup.deployment.genesis_batch();
        Ok(Self {
            rollup,
            operator,
            options,
            records,
            last,
            resumed: false,
            sent: 0,
            pending: Vec::new(),
            oldest: None,
            not_before: Instant::now(),
            behind_since: None,
            prices: None,
        })
    }

    /// Seals and posts until cancelled.
    ///
    /// # Errors
    /// If the chain or the records fail.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), ActorError> {
        loop {
            // A step may wait for L1 to answer; stopping does not. Cutting it off is like a crash.
            let done = tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                done = self.step() => done,
            };
            match done {
                Ok(()) => {}
                Err(error) if error.is_temporary() => {
                    tracing::warn!(%error, "batcher waits");
                    self.restart_sending(Duration::from_secs(2));
                }
                Err(error) => return Err(error),
            }
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    fn restart_sending(&mut self, pause: Duration) {
        self.pending.clear();
        self.sent = 0;
        self.not_before = Instant::now() + pause;
    }

    async fn step(&mut self) -> Result<(), ActorError> {
        let derivation = self.rollup.derivation.borrow().clone();
        let (_, on_l1) = self.rollup.index.counts()?;
        // What is on L1 must be here before anything is put after it.
        if derivation.l1_head.is_none() || !self.rollup.is_abreast()? {
            return Ok(());
        }
        self.reconcile(on_l1)?;
        let may = !self.options.only_when_open || self.rollup.is_open().await?;
        while may && let Some(sealed) = self.seal().await? {
            self.check(&sealed).await?;
            let bytes = serde_json::to_vec(&sealed).unwrap_or_default();
            self.records.put(&key(sealed.header.index), &bytes)?;
            tracing::info!(
                batch = sealed.header.index,
                blocks = sealed.header.lastBlock - sealed.header.firstBlock + 1,
                bytes = sealed.data.len(),
                blobs = sealed.blobs.len(),
                "batch sealed"
            );
            self.last = sealed.header;
            self.oldest = None;
        }
        self.collect(on_l1)?;
        if may && Instant::now() >= self.not_before {
            self.send(on_l1).await?;
        }
        Ok(())
    }

    fn sealed(&self, index: u64) -> Result<Option<Sealed>, ActorError> {
        Ok(self.records.get(&key(index))?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Finds the newest sealed batch that still stands, and drops what is on L1 or void.
    fn reconcile(&mut self, on_l1: u64) -> Result<(), ActorError> {
        let Some(mut last) = self.rollup.batch_header(on_l1)? else { return Ok(()) };
        if let Some(ours) = self.sealed(on_l1)?
            && ours.header.hash() != last.hash()
        {
            // Somebody else's batch, or an earlier form of ours, took this place.
            tracing::warn!(
                batch = on_l1,
                "L1 has another batch than the one sealed here; unless a message waited for {} s, another \
                 sequencer with this key is running",
                self.rollup.deployment.parameters.sequencer_timeout,
            );
            self.resumed = false;
            self.records.remove(&key(on_l1))?;
        }
        if self.resumed && self.last.index >= on_l1 && self.stands(&self.last)? {
            return self.forget(on_l1);
        }
        // Start of a run, or L1 or L2 went back: walk the sealed batches from what L1 has.
        let mut index = on_l1 + 1;
        while let Some(sealed) = self.sealed(index)? {
            if sealed.header.parentHash != last.hash() || !self.stands(&sealed.header)? {
                break;
            }
            last = sealed.header;
            index += 1;
        }
        self.drop_from(index)?;
        self.last = last;
        self.resumed = true;
        self.oldest = None;
        self.restart_sending(Duration::ZERO);
        self.forget(on_l1)
    }

    /// True if a batch is genesis or its last block is still the chain's.
    fn stands(&self, header: &BatchHeader) -> Result<bool, ActorError> {
        if header.index == 0 {
            return Ok(true);
        }
        let Some(sealed) = self.sealed(header.index)? else {
            // It is not ours, or was dropped because it is on L1: it stands as long as L1 says so.
            return Ok(self.rollup.index.batch(header.index)?.is_some_and(|entry| entry.header == *header));
        };
        Ok(self.rollup.chain.hash_of(header.lastBlock)? == Some(sealed.last_block_hash))
    }

    /// Drops sealed batches that are deep enough on L1 to never be needed again.
    fn forget(&self, on_l1: u64) -> Result<(), ActorError> {
        const KEPT: u64 = 256;
        let Some(oldest) = on_l1.checked_sub(KEPT) else { return Ok(()) };
        if self.records.get(&key(oldest))?.is_some() {
            self.records.remove(&key(oldest))?;
        }
        Ok(())
    }

    fn drop_from(&self, mut index: u64) -> Result<(), ActorError> {
        while self.records.get(&key(index))?.is_some() {
            self.records.remove(&key(index))?;
            index += 1;
        }
        Ok(())
    }

    /// The next batch, if it is full or old enough.
    async fn seal(&mut self) -> Result<Option<Sealed>, ActorError> {
        if self.last.lastBlock >= self.rollup.chain.head().header.number {
            self.oldest = None;
            return Ok(None);
        }
        let age = self.oldest.get_or_insert_with(Instant::now).elapsed();
        let due = age >= self.options.max_age;
        let prices = self.prices().await?;
        let BatcherOptions { da, full_percent, .. } = self.options;
        let plan = seal::Plan::new(&self.rollup, da, prices, full_percent);
        // Compressing, and committing to blobs, takes long.
        let (rollup, last) = (self.rollup.clone(), self.last.clone());
        blocking(move || seal::seal(&rollup, &last, &plan, due)).await
    }

    async fn prices(&mut self) -> Result<DaPrices, ActorError> {
        if let Some((at, prices)) = self.prices
            && at.elapsed() < PRICES_EVERY
        {
            return Ok(prices);
        }
        let prices = DaPrices::current(&self.rollup.l1).await?;
        self.prices = Some((Instant::now(), prices));
        Ok(prices)
    }

    /// Derives a sealed batch as everybody else will and compares: posting one that means something
    /// else would cost everybody their blocks.
    async fn check(&self, sealed: &Sealed) -> Result<(), ActorError> {
        let header = &sealed.header;
        let derived = self.rollup.inputs(&self.last, header, &sealed.data).await?;
        let wrong = |why: String| {
            // The chain may have been taken back since.
            match self.rollup.chain.hash_of(header.lastBlock) {
                Ok(hash) if hash != Some(sealed.last_block_hash) => {
                    ActorError::Behind("blocks were taken back while they were put into a batch")
                }
                _ => ActorError::SealedWrongly { batch: header.index, why },
            }
        };
        if let Some(why) = derived.undecodable {
            return Err(wrong(why.to_string()));
        }
        for (input, number) in derived.blocks.iter().zip(header.firstBlock..) {
            let block = self.rollup.chain.block(number)?;
            if !block.is_some_and(|block| agrees(&block, input)) {
                return Err(wrong(format!("block {number} is another")));
            }
        }
        Ok(())
    }

    /// Looks at what became of the batches sent.
    fn collect(&mut self, on_l1: u64) -> Result<(), ActorError> {
        let mut failed: Option<(u64, TxManagerError)> = None;
        self.pending.retain_mut(|(index, receiver)| match receiver.try_recv() {
            Err(oneshot::error::TryRecvError::Empty) => true,
            Ok(Ok(receipt)) => {
                tracing::info!(batch = *index, tx = %receipt.transaction_hash, gas = %receipt.gas_used, "batch posted");
                false
            }
            Ok(Err(error)) => {
                failed.get_or_insert((*index, error));
                false
            }
            Err(oneshot::error::TryRecvError::Closed) => false,
        });
        let Some((index, error)) = failed else { return Ok(()) };
        tracing::warn!(batch = index, %error, "batch was not accepted");
        self.restart_sending(Duration::from_secs(2));
        if matches!(error, TxManagerError::Reverted { .. }) {
            // The same batch would be refused again: a message may be overdue that only later
            // blocks consume, or the anchor too old. What is sealed next has those blocks in it.
            self.give_up(on_l1)?;
        }
        Ok(())
    }

    /// Drops all sealed batches that are not on L1; their blocks will be sealed anew.
    fn give_up(&mut self, on_l1: u64) -> Result<(), ActorError> {
        self.drop_from(on_l1 + 1)?;
        self.resumed = false;
        Ok(())
    }

    async fn send(&mut self, on_l1: u64) -> Result<(), ActorError> {
        let idle = self.pending.is_empty() && self.operator.txs.in_flight().await == 0;
        if self.sent <= on_l1 {
            // What an earlier run sent may be mined any moment: sending it twice only costs gas.
            if self.sent == 0 && !idle {
                return Ok(());
            }
            self.sent = on_l1;
        } else if idle {
            // Everything sent is mined, yet L1 shows less: the watcher is a moment behind, or L1
            // went back.
            let waited = self.behind_since.get_or_insert_with(Instant::now).elapsed();
            if waited > BEHIND {
                self.restart_sending(Duration::ZERO);
            }
            return Ok(());
        }
        self.behind_since = None;
        while self.sent < self.last.index {
            let index = self.sent + 1;
            let Some(sealed) = self.sealed(index)? else { break };
            let most = if sealed.blobs.is_empty() { IN_FLIGHT } else { IN_FLIGHT_BLOBS };
            if self.sent - on_l1.min(self.sent) >= most {
                break;
            }
            let request = self.request(&sealed)?;
            if index == on_l1 + 1
                && idle
                && !self.is_anchored_now(&sealed)
                && !self.would_pass(&request, &sealed).await?
            {
                self.give_up(on_l1)?;
                self.not_before = Instant::now() + REFUSED_PAUSE;
                return Ok(());
            }
            let receiver = self.operator.txs.submit(request).await?;
            self.pending.push((index, receiver));
            self.sent = index;
        }
        Ok(())
    }

    /// If a batch's anchor is the newest L1 block. The batch can be in the next one, but L1 answers
    /// what would happen in the newest, where no batch may name that block itself.
    fn is_anchored_now(&self, sealed: &Sealed) -> bool {
        let head = self.rollup.l1_head.borrow();
        head.as_ref().is_some_and(|head| head.hash == sealed.header.anchorHash)
    }

    /// Asks L1 whether it would take a batch.
    async fn would_pass(&self, request: &TxRequest, sealed: &Sealed) -> Result<bool, ActorError> {
        let from = self.operator.txs.address();
        let asked = self.rollup.l1.estimate_gas_with_blobs(
            from,
            Some(request.to),
            U256::ZERO,
            &request.data,
            &sealed.blobs,
        );
        match asked.await {
            Ok(_) => Ok(true),
            Err(error) if error.is_temporary() => Err(error.into()),
            Err(error) => {
                tracing::warn!(batch = sealed.header.index, %error, "L1 would refuse the batch: sealing again");
                Ok(false)
            }
        }
    }

    fn request(&self, sealed: &Sealed) -> Result<TxRequest, ActorError> {
        let header = Batch::from(sealed.header.clone());
        let (data, blobs, gas) = if sealed.blobs.is_empty() {
            let gas = GAS_PER_BYTE * sealed.data.len() as u64;
            (IInbox::appendCall { header, data: sealed.data.clone() }.abi_encode(), Vec::new(), gas)
        } else {
            let failed = |error| ActorError::Blob { block: sealed.header.lastBlock, error };
            let blobs = blob::encode(&sealed.data).map_err(failed)?;
            (IInbox::appendBlobsCall { header }.abi_encode(), blobs, 0)
        };
        Ok(TxRequest {
            to: self.rollup.deployment.contracts.inbox,
            gas_limit: Some(APPEND_GAS + gas),
            data: data.into(),
            value: U256::ZERO,
            label: format!("batch {}", sealed.header.index),
            blobs,
        })
    }
}
