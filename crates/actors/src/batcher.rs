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
/// Time for the watcher to see what was mined.
const BEHIND: Duration = Duration::from_secs(10);
/// Pause after L1 would not take a batch.
const REFUSED_PAUSE: Duration = Duration::from_secs(3);
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
    /// Since when L1 shows less than was mined.
    behind_since: Option<Instant>,
}

fn key(index: u64) -> String {
    format!("sealed/{index:020}")
}

/// Marks a batch that was sealed again in another form; L1 may have taken the first one.
fn given_up(hash: B256) -> String {
    format!("given-up/{hash}")
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
            behind_since: None,
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
        self.collect(on_l1)?;
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
            if self.records.get(&given_up(found))?.is_none() {
                return Err(ActorError::ForeignBatch { index: on_l1, found, ours });
            }
            // An earlier form of ours made it after all: what was sealed instead is void.
            self.resumed = false;
            self.records.remove(&key(on_l1))?;
        }
        if self.rollup.agrees_with(&last)? == Some(false) && on_l1 > 0 {
            let ours = self.sealed(on_l1)?.map_or(B256::ZERO, |sealed| sealed.header.hash());
            return Err(ActorError::ForeignBatch { index: on_l1, found: last.hash(), ours });
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
        let (mut raw, mut best, mut next_try, mut overflow) = (0, None, full, false);
        for number in first..=head {
            let block = chain.block(number)?.ok_or(ActorError::MissingBlock(number))?;
            raw += block.transaction_bytes() + 8;
            if raw > MAX_CONTENT / 2 {
                overflow = true;
                break;
            }
            let Some(part) = block_content(&block, &mut before) else { return Ok(None) };
            content.blocks.push(part);
            let most = content.blocks.len() as u64 == parameters.max_batch_blocks;
            // Compressing is the costly part: only when it may be enough, or when it is time.
            let due = number == head && age >= self.options.max_age;
            if raw < next_try && !most && !due {
                continue;
            }
            let data = self.encode(&content, number)?;
            if data.len() > limit {
                overflow = true;
                break;
            }
            next_try = raw + (limit - data.len()).max(limit / 16);
            let is_full = data.len() >= full || most;
            best = Some((number, data));
            if is_full || due {
                return self.finish(best, first);
            }
        }
        if !overflow {
            return Ok(None);
        }
        if best.is_none() {
            // Compression was first tried past the limit: take blocks one by one.
            best = self.largest_prefix(first, head, limit)?;
        }
        self.finish(best, first)
    }

    fn encode(&self, content: &BatchContent, block: u64) -> Result<Vec<u8>, ActorError> {
        let chain_id = self.rollup.chain.config().chain_id;
        content.encode(chain_id).map_err(|error| ActorError::Content { block, error })
    }

    /// What the block before `first` says: its hash, its time, its place on L1.
    fn before(&self, first: u64) -> Result<Before, ActorError> {
        let parent = self.rollup.chain.header(first - 1)?.ok_or(ActorError::MissingBlock(first - 1))?;
        let extra = L2Extra::decode(&parent.extra_data).unwrap_or_default();
        Ok(Before { hash: parent.hash_slow(), timestamp: parent.timestamp, extra })
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
            let Some(part) = block_content(&block, &mut before) else { return Ok(None) };
            content.blocks.push(part);
            let data = self.encode(&content, number)?;
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

    /// The sealed batch. `None` if the chain was taken back meanwhile.
    fn finish(&self, best: Option<(u64, Vec<u8>)>, first: u64) -> Result<Option<Sealed>, ActorError> {
        let Some((last, data)) = best else { return Ok(None) };
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
        Ok(Some(Sealed { header: batch, data: data.into(), last_block_hash: header.hash_slow() }))
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
        for index in on_l1 + 1..=self.last.index {
            let Some(sealed) = self.sealed(index)? else { continue };
            let (mark, key) = (given_up(sealed.header.hash()), key(index));
            self.records.put_all([(mark.as_str(), Some(&[1u8][..])), (key.as_str(), None)])?;
        }
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
        while self.sent < self.last.index && self.sent - on_l1.min(self.sent) < IN_FLIGHT {
            let index = self.sent + 1;
            let Some(sealed) = self.sealed(index)? else { break };
            let (to, from) = (self.rollup.deployment.contracts.inbox, self.operator.txs.address());
            let data: Bytes = append_call(&sealed.header, sealed.data.clone()).into();
            if index == on_l1 + 1
                && idle
                && let Err(error) = self.rollup.l1.estimate_gas(from, Some(to), U256::ZERO, &data).await
            {
                if error.is_temporary() {
                    return Err(error.into());
                }
                tracing::warn!(batch = index, %error, "L1 would refuse the batch: sealing again");
                self.give_up(on_l1)?;
                self.not_before = Instant::now() + REFUSED_PAUSE;
                return Ok(());
            }
            let request = TxRequest {
                to,
                gas_limit: Some(APPEND_GAS + GAS_PER_BYTE * sealed.data.len() as u64),
                data,
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

/// What a block says of the one before it.
struct Before {
    hash: B256,
    timestamp: u64,
    extra: L2Extra,
}

/// A block's part of a batch. `None` if it does not build on the block before: the chain was taken
/// back while it was read.
fn block_content(block: &BlockData, before: &mut Before) -> Option<BlockContent> {
    let header = block.header();
    let extra = L2Extra::decode(&header.extra_data)?;
    let now = Before { hash: block.hash(), timestamp: header.timestamp, extra };
    let parent = std::mem::replace(before, now);
    if header.parent_hash != parent.hash {
        return None;
    }
    Some(BlockContent {
        timestamp_delta: header.timestamp.checked_sub(parent.timestamp)?,
        anchor_delta: extra.anchor_number.checked_sub(parent.extra.anchor_number)?,
        messages: extra.message_count.checked_sub(parent.extra.message_count)?,
        transactions: block.transactions().iter().filter(|tx| !tx.is_deposit()).cloned().collect(),
    })
}
