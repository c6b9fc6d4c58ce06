//! Follows L1 and keeps the [`L1Index`] true, through reorganisations.

mod audit;

use std::time::Duration;

use alloy_primitives::{Address, B256};
use alloy_rpc_types_eth::Log;
use alloy_sol_types::SolEvent;
use duplex_contracts::bindings::{IInbox, IMessageQueue, ISettlement};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use audit::Doubt;

use crate::{
    BatchEntry, ClaimEntry, ClaimStatus, L1Header, L1Index, Rpc, RpcError,
    index::{Changes, batch_key, block_key, claim_key, message_key},
};

/// L1 blocks read in one step while catching up.
const STEP: u64 = 500;
/// L1's newest blocks are read one by one, by hash: of several nodes behind a URL one may lag, and leave out what it does not know.
const RECENT: u64 = 8;
/// Block hashes kept to find where a reorganisation began. Deeper ones start again from genesis.
const REMEMBERED: u64 = 4096;

/// Why L1 cannot be followed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WatcherError {
    /// L1 refused or could not be reached.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The index could not be written.
    #[error("L1 index: {0}")]
    Storage(#[from] duplex_storage::Error),
    /// A contract's event does not decode: it is not the contract that this program knows.
    #[error("event of {contract} in L1 transaction {tx} does not decode: {why}")]
    Event {
        /// The contract.
        contract: Address,
        /// The transaction.
        tx: B256,
        /// What is wrong.
        why: String,
    },
}

/// What is watched, and how.
#[derive(Debug, Clone, Copy)]
pub struct WatcherOptions {
    /// The `MessageQueue`.
    pub message_queue: Address,
    /// The `Inbox`.
    pub inbox: Address,
    /// The `Settlement`.
    pub settlement: Address,
    /// L1 block before which there is nothing to see.
    pub start: u64,
    /// Pause between looks at L1.
    pub poll: Duration,
}

/// Follows L1.
#[derive(Debug)]
pub struct Watcher {
    rpc: Rpc,
    index: L1Index,
    options: WatcherOptions,
    head: watch::Sender<Option<L1Header>>,
    doubt: Doubt,
}

/// What an L1 block added to the index, so that it can be taken back.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Undo {
    messages: u64,
    batches: u64,
    claims: Vec<u64>,
    statuses: Vec<(u64, ClaimStatus)>,
}

fn undo_key(number: u64) -> String {
    format!("undo/{number:020}")
}

impl Watcher {
    /// A watcher that writes to `index`.
    pub fn new(rpc: Rpc, index: L1Index, options: WatcherOptions) -> Self {
        Self { rpc, index, options, head: watch::channel(None).0, doubt: Doubt::new() }
    }

    /// The newest L1 block of which everything is in the index.
    pub fn head(&self) -> watch::Receiver<Option<L1Header>> {
        self.head.subscribe()
    }

    /// Follows L1 until cancelled. An L1 that cannot be reached is waited for.
    ///
    /// # Errors
    /// If the index cannot be written or the contracts are not what they should be.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), WatcherError> {
        let mut failing = false;
        loop {
            // Cutting a step off is like a crash: what it writes is written at once or not at all.
            let done = tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                done = self.advance() => done,
            };
            match done {
                Ok(behind) => {
                    if std::mem::take(&mut failing) {
                        tracing::info!("L1 answers again");
                    }
                    if behind && !cancel.is_cancelled() {
                        continue;
                    }
                }
                Err(WatcherError::Rpc(error)) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(%error, "L1 cannot be read, waiting for it");
                    }
                }
                Err(error) => return Err(error),
            }
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(self.options.poll) => {}
            }
        }
    }

    /// Reads what is new; true if there is more.
    ///
    /// # Errors
    /// As [`run`](Self::run), and if L1 cannot be reached.
    pub async fn advance(&self) -> Result<bool, WatcherError> {
        let latest = self.rpc.latest_header().await?;
        let (mut next, mut parent) = (self.options.start, None);
        if let Some((number, hash)) = self.index.head()? {
            if (number, hash) == (latest.header.number, latest.hash) {
                return self.reached(latest).await;
            }
            match self.rpc.header(number).await? {
                Some(header) if header.hash == hash => {}
                Some(_) => return self.unwind(number, number).await,
                // Of several nodes behind a URL this one lags: it has nothing else, only less.
                None if latest.header.number >= number => return Ok(false),
                None => return self.shorter(number, &latest).await,
            }
            (next, parent) = (number + 1, Some(hash));
        }
        if next > latest.header.number {
            return Ok(false);
        }
        let settled = latest.header.number.saturating_sub(RECENT);
        let to = if next <= settled { settled.min(next + STEP - 1) } else { next };
        let last =
            if to == latest.header.number { Some(latest.clone()) } else { self.rpc.header(to).await? };
        let Some(last) = last else { return Ok(false) };
        let logs = match next <= settled {
            true => match self.logs_up_to(next, &last).await? {
                Some(logs) => logs,
                None => return Ok(false),
            },
            // L1 may have gone another way since it was looked at.
            false if parent.is_some_and(|parent| parent != last.header.parent_hash) => return Ok(false),
            false => self.logs_of(&last).await?,
        };
        if !self.apply(next, &last, &logs).await? || to < latest.header.number {
            return Ok(true);
        }
        self.reached(last).await
    }

    /// Everything up to L1's newest block is in the index.
    async fn reached(&self, head: L1Header) -> Result<bool, WatcherError> {
        if self.doubt.is_due(head.header.number) && !self.audit(&head).await? {
            return Ok(true);
        }
        self.announce(head);
        Ok(false)
    }

    /// L1 is said to end at `latest`, before block `number`, up to which it was read. Either that is not its end, or it went another
    /// way, which shows in the newest block that both have. Where none is left that was read, L1 is waited for.
    async fn shorter(&self, number: u64, latest: &L1Header) -> Result<bool, WatcherError> {
        let floor = self.options.start.max(number.saturating_sub(REMEMBERED));
        for at in (floor..=latest.header.number).rev() {
            let Some(ours) = self.index.block_hash(at)? else { continue };
            return match self.rpc.header(at).await? {
                Some(header) if header.hash != ours => self.unwind(number, at).await,
                _ => Ok(false),
            };
        }
        Ok(false)
    }

    fn watched(&self) -> [Address; 3] {
        [self.options.message_queue, self.options.inbox, self.options.settlement]
    }

    /// Logs of block `from` to `last`, which is one of L1's older ones; `None` if L1 went another way meanwhile.
    async fn logs_up_to(&self, from: u64, last: &L1Header) -> Result<Option<Vec<Log>>, WatcherError> {
        let to = last.header.number;
        let logs = self.rpc.logs(&self.watched(), from, to).await?;
        // A node that lags leaves out what it does not know.
        self.doubt.at_once();
        // Logs of another branch than the header's would be taken for its own.
        let mut newest = logs.iter().filter(|log| log.block_number == Some(to));
        let same = newest.all(|log| log.block_hash == Some(last.hash));
        let still = self.rpc.header(to).await?.is_some_and(|header| header.hash == last.hash);
        Ok((same && still).then_some(logs))
    }

    /// Logs of one block.
    async fn logs_of(&self, block: &L1Header) -> Result<Vec<Log>, WatcherError> {
        let bloom = block.header.logs_bloom;
        let may_have =
            |address: &Address| bloom.contains_input(alloy_primitives::BloomInput::Raw(address.as_slice()));
        // A bloom says yes wrongly at times, never no.
        if !self.watched().iter().any(may_have) {
            return Ok(Vec::new());
        }
        let logs = self.rpc.logs_of_block(&self.watched(), block.hash).await?;
        if logs.is_empty() {
            self.doubt.about(block.header.number);
        }
        Ok(logs)
    }

    fn announce(&self, header: L1Header) {
        self.head.send_if_modified(|head| {
            let changed = head.as_ref().is_none_or(|old| old.hash != header.hash);
            if changed {
                *head = Some(header);
            }
            changed
        });
    }

    /// Writes what blocks `from` to `last` have brought. False if it does not follow from what is there: then all is read again.
    async fn apply(&self, from: u64, last: &L1Header, logs: &[Log]) -> Result<bool, WatcherError> {
        let mut changes = Changes::default();
        let (mut messages, mut batches) = self.index.counts()?;
        let mut undo: std::collections::BTreeMap<u64, Undo> = Default::default();
        let mut claims: std::collections::BTreeMap<u64, ClaimEntry> = Default::default();
        for log in logs {
            let number = log.block_number.unwrap_or_default();
            let hash = log.block_hash.unwrap_or_default();
            let tx = log.transaction_hash.unwrap_or_default();
            let undo = undo.entry(number).or_default();
            changes.put(block_key(number), &hash);
            let bad = |why: alloy_sol_types::Error| WatcherError::Event {
                contract: log.address(),
                tx,
                why: why.to_string(),
            };
            match log.topic0() {
                Some(&IMessageQueue::MessageSent::SIGNATURE_HASH) => {
                    let event = IMessageQueue::MessageSent::decode_log(&log.inner).map_err(bad)?.data;
                    let message = event.into_message(number);
                    changes.put(message_key(message.index), &message);
                    if message.index != messages {
                        return self.reread("message", message.index, messages);
                    }
                    messages += 1;
                    undo.messages += 1;
                }
                Some(&IInbox::BatchAppended::SIGNATURE_HASH) => {
                    let event = IInbox::BatchAppended::decode_log(&log.inner).map_err(bad)?.data;
                    let entry = BatchEntry {
                        header: event.header.into(),
                        hash: event.batchHash,
                        l1_tx: tx,
                        l1_block: number,
                        appender: event.appender,
                    };
                    changes.put(batch_key(event.index), &entry);
                    if event.index != batches + 1 {
                        return self.reread("batch", event.index, batches + 1);
                    }
                    batches += 1;
                    undo.batches += 1;
                }
                Some(&ISettlement::ClaimProposed::SIGNATURE_HASH) => {
                    let event = ISettlement::ClaimProposed::decode_log(&log.inner).map_err(bad)?.data;
                    let timestamp = match log.block_timestamp {
                        Some(timestamp) => timestamp,
                        // Its window counts from here.
                        None => self.timestamp(number).await?,
                    };
                    let entry = ClaimEntry {
                        id: event.id,
                        parent_id: event.parentId,
                        last_batch: event.lastBatch,
                        block_outputs_root: event.blockOutputsRoot,
                        output_root: event.outputRoot,
                        proposer: event.proposer,
                        bond: event.bond,
                        l1_block: number,
                        l1_timestamp: timestamp,
                        l1_tx: tx,
                        status: ClaimStatus::Pending,
                    };
                    claims.insert(event.id, entry);
                    undo.claims.push(event.id);
                    let before = event.id.saturating_sub(1);
                    if before > 0 && !claims.contains_key(&before) && self.index.claim(before)?.is_none() {
                        return self.reread("claim", event.id, before);
                    }
                }
                Some(&ISettlement::ClaimFinalized::SIGNATURE_HASH) => {
                    let event = ISettlement::ClaimFinalized::decode_log(&log.inner).map_err(bad)?.data;
                    if !self.set_status(&mut claims, event.id, ClaimStatus::Final, undo)? {
                        return self.reread("final claim", event.id, event.id);
                    }
                }
                Some(&ISettlement::ClaimRejected::SIGNATURE_HASH) => {
                    let event = ISettlement::ClaimRejected::decode_log(&log.inner).map_err(bad)?.data;
                    if !self.set_status(&mut claims, event.id, ClaimStatus::Rejected, undo)? {
                        return self.reread("rejected claim", event.id, event.id);
                    }
                }
                _ => {}
            }
        }
        for (id, claim) in &claims {
            changes.put(claim_key(*id), claim);
        }
        for (number, undo) in &undo {
            changes.put(undo_key(*number), undo);
        }
        let number = last.header.number;
        changes.put(block_key(number), &last.hash);
        changes.put("head".into(), &(number, last.hash));
        changes.put("count/messages".into(), &messages);
        changes.put("count/batches".into(), &batches);
        for old in (from.saturating_sub(REMEMBERED)..=number.saturating_sub(REMEMBERED)).filter(|n| *n > 0) {
            changes.remove(block_key(old));
            changes.remove(undo_key(old));
        }
        self.index.write(&changes)?;
        Ok(true)
    }

    /// L1's node left something out (one that lags answers with no logs): everything is read again, so the index is not complete.
    fn reread(&self, what: &str, found: u64, expected: u64) -> Result<bool, WatcherError> {
        tracing::warn!(what, found, expected, "L1's logs had a gap, reading them again");
        self.index.write(&self.index.erase()?)?;
        Ok(false)
    }

    /// When a block was made whose logs are at hand.
    async fn timestamp(&self, number: u64) -> Result<u64, WatcherError> {
        let header = self.rpc.header(number).await?;
        Ok(header.map(|header| header.header.timestamp).ok_or_else(|| RpcError::Unreachable {
            url: self.rpc.url().into(),
            method: "eth_getBlockByNumber".into(),
            why: format!("it gave logs of block {number}, and does not have it"),
        })?)
    }

    /// Whether the claim is known of which that is said.
    fn set_status(
        &self,
        claims: &mut std::collections::BTreeMap<u64, ClaimEntry>,
        id: u64,
        status: ClaimStatus,
        undo: &mut Undo,
    ) -> Result<bool, WatcherError> {
        let known = match claims.get(&id) {
            Some(claim) => Some(claim.clone()),
            None => self.index.claim(id)?,
        };
        // Genesis is final from the start.
        let Some(claim) = known else { return Ok(id == 0) };
        undo.statuses.push((id, claim.status));
        claims.insert(id, ClaimEntry { status, ..claim });
        Ok(true)
    }

    /// Goes back from block `number`, up to which L1 was read, to one that is still L1's: before `other`, which is not.
    async fn unwind(&self, number: u64, other: u64) -> Result<bool, WatcherError> {
        let mut at = other;
        let survivor = loop {
            at = match at.checked_sub(1) {
                Some(at) if at >= self.options.start && number - at < REMEMBERED => at,
                _ => break None,
            };
            let Some(ours) = self.index.block_hash(at)? else { continue };
            match self.rpc.header(at).await? {
                Some(header) if header.hash == ours => break Some((at, ours)),
                Some(_) => {}
                // Nothing can be told by who does not have so old a block.
                None => return Ok(false),
            }
        };
        tracing::warn!(from = number, to = ?survivor.map(|(at, _)| at), "L1 reorganised");
        let floor = survivor.map_or(self.options.start, |(at, _)| at + 1);
        let mut changes = Changes::default();
        let (mut messages, mut batches) = self.index.counts()?;
        for block in (floor..=number).rev() {
            if let Some(undo) = self.index.value::<Undo>(&undo_key(block))? {
                for _ in 0..undo.messages {
                    messages -= 1;
                    changes.remove(message_key(messages));
                }
                for _ in 0..undo.batches {
                    changes.remove(batch_key(batches));
                    batches -= 1;
                }
                for (id, status) in undo.statuses.iter().rev() {
                    if let Some(claim) = self.index.claim(*id)? {
                        changes.put(claim_key(*id), &ClaimEntry { status: *status, ..claim });
                    }
                }
                for id in undo.claims {
                    changes.remove(claim_key(id));
                }
            }
            changes.remove(undo_key(block));
            changes.remove(block_key(block));
        }
        changes.put("count/messages".into(), &messages);
        changes.put("count/batches".into(), &batches);
        match survivor {
            Some(survivor) => changes.put("head".into(), &survivor),
            // Deeper than is remembered: everything is read again.
            None => changes = self.index.erase()?,
        }
        self.index.write(&changes)?;
        Ok(true)
    }
}
