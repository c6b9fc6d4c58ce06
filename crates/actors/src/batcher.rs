//! Puts L2 blocks into batches and posts them to L1.
//!
//! A batch is on disk before it is sent, and the `Inbox` takes each position once, so that no
//! crash loses or doubles one: after a restart, what is sealed and not on L1 is sent again.

use std::{path::Path, time::Duration};

use alloy_primitives::{B256, Bytes, U256};
use alloy_sol_types::SolCall;
use duplex_chain::BlockData;
use duplex_contracts::bindings::{Batch, IInbox};
use duplex_l1::{TxManagerError, TxReceipt, TxRequest};
use duplex_primitives::{BatchContent, BatchHeader, BlockContent, L2Extra, MAX_CONTENT, data_root};
use duplex_storage::Records;
use serde::{Deserialize, Serialize};
use tokio::{sync::oneshot, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{ActorError, Operator, Rollup};

/// Pause between looks at what there is to do.
const PAUSE: Duration = Duration::from_millis(100);
/// Batches sent and not yet mined. More only helps an L1 that is slower than the L2.
const IN_FLIGHT: u64 = 24;
/// Gas of `append` besides what its data costs.
const APPEND_GAS: u64 = 250_000;
/// Gas per byte of data: calldata at the floor price (EIP-7623), and hashing it.
const GAS_PER_BYTE: u64 = 44;

/// When a batch is sealed.
#[derive(Debug, Clone, Copy)]
pub struct BatcherOptions {
    /// Age of its first block at which a batch is sealed although it is not full.
    pub max_age: Duration,
    /// Share of the longest possible data, in percent, at which a batch counts as full.
    pub full_percent: u64,
}

/// A sealed batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Sealed {
    header: BatchHeader,
    data: Bytes,
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
        let now = Instant::now();
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
            not_before: now,
        })
    }

    /// Seals and posts until cancelled.
    ///
    /// # Errors
    /// If the chain or the records fail, or somebody else's batch is on L1.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), ActorError> {
        // What is on L1 decides where to go on, so that must be known first.
        while self.rollup.l1_head.borrow().is_none() {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                changed = self.rollup.l1_head.changed() => if changed.is_err() { return Ok(()) },
            }
        }
        loop {
            match self.step().await {
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
        let (_, on_l1) = self.rollup.index.counts()?;
        self.reconcile(on_l1)?;
        while let Some(sealed) = self.seal()? {
            let bytes = serde_json::to_vec(&sealed).unwrap_or_default();
            self.records.put(&key(sealed.header.index), &bytes)?;
            tracing::info!(
                batch = sealed.header.index,
                blocks = sealed.header.lastBlock - sealed.header.firstBlock + 1,
                bytes = sealed.data.len(),
                "batch sealed"
            );
            self.last = sealed.header;
            self.oldest = None;
        }
        self.collect();
        if Instant::now() >= self.not_before {
            self.send(on_l1).await?;
        }
        Ok(())
    }

    fn sealed(&self, index: u64) -> Result<Option<Sealed>, ActorError> {
        Ok(self.records.get(&key(index))?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Finds the newest sealed batch that still stands, and drops what is on L1 or void.
    fn reconcile(&mut self, on_l1: u64) -> Result<(), ActorError> {
        let mut last = match on_l1 {
            0 => self.rollup.deployment.genesis_batch(),
            _ => match self.rollup.index.batch(on_l1)? {
                Some(entry) => entry.header,
                None => return Ok(()),
            },
        };
        if on_l1 > 0
            && let Some(ours) = self.sealed(on_l1)?
            && ours.header.hash() != last.hash()
        {
            let (found, ours) = (last.hash(), ours.header.hash());
            return Err(ActorError::ForeignBatch { index: on_l1, found, ours });
        }
        if self.resumed && self.last.index >= on_l1 && self.stands(&self.last)? {
            self.forget(on_l1)?;
            return Ok(());
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
        while self.records.get(&key(index))?.is_some() {
            self.records.remove(&key(index))?;
            index += 1;
        }
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
            // Dropped because it is on L1: then it stands as long as L1 says so.
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

    /// Seals the next batch, if it is full or old enough.
    fn seal(&mut self) -> Result<Option<Sealed>, ActorError> {
        let chain = &self.rollup.chain;
        let head = chain.head().header.number;
        let first = self.last.lastBlock + 1;
        if first > head {
            self.oldest = None;
            return Ok(None);
        }
        let age = self.oldest.get_or_insert_with(Instant::now).elapsed();
        let parameters = self.rollup.deployment.parameters;
        let limit = parameters.max_batch_data as usize;
        let full = limit * self.options.full_percent as usize / 100;
        let mut content = BatchContent::default();
        let mut before = self.before(first)?;
        let (mut raw, mut best, mut next_try) = (0, None, full);
        for number in first..=head {
            let block = chain.block(number)?.ok_or(ActorError::MissingBlock(number))?;
            raw += block.transaction_bytes() + 8;
            if raw > MAX_CONTENT / 2 {
                break;
            }
            content.blocks.push(block_content(&block, &mut before));
            let last = number == head || content.blocks.len() as u64 == parameters.max_batch_blocks;
            // Compressing is the costly part: only when it may be enough, or when it is time.
            if raw < next_try && (!last || (number == head && age < self.options.max_age)) {
                continue;
            }
            let data = content
                .encode(chain.config().chain_id)
                .map_err(|error| ActorError::Content { block: number, error })?;
            if data.len() > limit {
                break;
            }
            next_try = raw + (limit - data.len()).max(limit / 16);
            let is_full = data.len() >= full || content.blocks.len() as u64 == parameters.max_batch_blocks;
            best = Some((number, data));
            if is_full {
                return self.finish(best, first).map(Some);
            }
        }
        // The next block would not fit: what came before it is a full batch.
        let covers_all = best.as_ref().is_some_and(|(number, _)| *number == head);
        if best.is_none() && age < self.options.max_age && raw < next_try {
            return Ok(None);
        }
        if !covers_all && best.is_none() {
            // Compression was first tried past the limit: take blocks one by one.
            best = self.largest_prefix(first, head, limit)?;
        }
        if covers_all && age < self.options.max_age {
            return Ok(None);
        }
        if best.is_none() { Ok(None) } else { self.finish(best, first).map(Some) }
    }

    fn before(&self, first: u64) -> Result<(u64, L2Extra), ActorError> {
        let parent = self.rollup.chain.header(first - 1)?.ok_or(ActorError::MissingBlock(first - 1))?;
        Ok((parent.timestamp, L2Extra::decode(&parent.extra_data).unwrap_or_default()))
    }

    fn largest_prefix(
        &self,
        first: u64,
        head: u64,
        limit: usize,
    ) -> Result<Option<(u64, Vec<u8>)>, ActorError> {
        let chain = &self.rollup.chain;
        let mut before = self.before(first)?;
        let mut content = BatchContent::default();
        let mut best = None;
        for number in first..=head {
            let block = chain.block(number)?.ok_or(ActorError::MissingBlock(number))?;
            content.blocks.push(block_content(&block, &mut before));
            let data = content
                .encode(chain.config().chain_id)
                .map_err(|error| ActorError::Content { block: number, error })?;
            if data.len() > limit {
                break;
            }
            best = Some((number, data));
        }
        if best.is_none() {
            let error = duplex_primitives::ContentError::TooLong;
            return Err(ActorError::Content { block: first, error });
        }
        Ok(best)
    }

    fn finish(&self, best: Option<(u64, Vec<u8>)>, first: u64) -> Result<Sealed, ActorError> {
        let (last, data) = best.ok_or(ActorError::MissingBlock(first))?;
        let chain = &self.rollup.chain;
        let header = chain.header(last)?.ok_or(ActorError::MissingBlock(last))?;
        let extra = L2Extra::decode(&header.extra_data).unwrap_or_default();
        let accumulator = match extra.message_count.checked_sub(1) {
            None => B256::ZERO,
            Some(index) => {
                let message = self.rollup.index.message(index)?;
                message.map(|message| message.accumulator).ok_or(ActorError::MissingBlock(last))?
            }
        };
        let batch = BatchHeader {
            index: self.last.index + 1,
            parentHash: self.last.hash(),
            dataRoot: data_root(&data),
            firstBlock: first,
            lastBlock: last,
            timestamp: header.timestamp,
            anchorNumber: extra.anchor_number,
            anchorHash: header.parent_beacon_block_root.unwrap_or_default(),
            messageCount: extra.message_count,
            messageAcc: accumulator,
        };
        Ok(Sealed { header: batch, data: data.into(), last_block_hash: header.hash_slow() })
    }

    /// Looks at what became of the batches sent.
    fn collect(&mut self) {
        let mut failed = None;
        self.pending.retain_mut(|(index, receiver)| match receiver.try_recv() {
            Err(oneshot::error::TryRecvError::Empty) => true,
            Ok(Ok(receipt)) => {
                tracing::info!(batch = *index, tx = %receipt.transaction_hash, gas = %receipt.gas_used, "batch posted");
                false
            }
            Ok(Err(error)) => {
                failed.get_or_insert((*index, error.to_string()));
                false
            }
            Err(oneshot::error::TryRecvError::Closed) => false,
        });
        if let Some((index, error)) = failed {
            tracing::warn!(batch = index, error, "batch was not accepted, will be sent again");
            self.restart_sending(Duration::from_secs(2));
        }
    }

    async fn send(&mut self, on_l1: u64) -> Result<(), ActorError> {
        if self.sent <= on_l1 {
            // What an earlier run sent may be mined any moment: sending it twice only costs gas.
            if self.sent == 0 && self.operator.txs.in_flight().await > 0 && self.pending.is_empty() {
                return Ok(());
            }
            self.sent = on_l1;
        }
        while self.sent < self.last.index && self.sent - on_l1.min(self.sent) < IN_FLIGHT {
            let index = self.sent + 1;
            let Some(sealed) = self.sealed(index)? else { break };
            let request = TxRequest {
                to: self.rollup.deployment.contracts.inbox,
                gas_limit: Some(APPEND_GAS + GAS_PER_BYTE * sealed.data.len() as u64),
                data: append_call(&sealed.header, sealed.data).into(),
                value: U256::ZERO,
                label: format!("batch {index}"),
            };
            let receiver = self.operator.txs.submit(request).await?;
            self.pending.push((index, receiver));
            self.sent = index;
        }
        Ok(())
    }
}

fn append_call(header: &BatchHeader, data: Bytes) -> Vec<u8> {
    let header = Batch {
        index: header.index,
        parentHash: header.parentHash,
        dataRoot: header.dataRoot,
        firstBlock: header.firstBlock,
        lastBlock: header.lastBlock,
        timestamp: header.timestamp,
        anchorNumber: header.anchorNumber,
        anchorHash: header.anchorHash,
        messageCount: header.messageCount,
        messageAcc: header.messageAcc,
    };
    IInbox::appendCall { header, data }.abi_encode()
}

fn block_content(block: &BlockData, before: &mut (u64, L2Extra)) -> BlockContent {
    let header = block.header();
    let extra = L2Extra::decode(&header.extra_data).unwrap_or_default();
    let (timestamp, parent) = std::mem::replace(before, (header.timestamp, extra));
    BlockContent {
        timestamp_delta: header.timestamp - timestamp,
        anchor_delta: extra.anchor_number - parent.anchor_number,
        messages: extra.message_count - parent.message_count,
        transactions: block.transactions().iter().filter(|tx| !tx.is_deposit()).cloned().collect(),
    }
}
