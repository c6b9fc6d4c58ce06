//! Makes L2 what L1 says: derives the blocks of every batch, or checks that they are here already.
//!
//! On a node that sequences, batches on L1 are its own and all blocks are here; on a follower they
//! are made here. Where the two differ, L1 is right: the blocks are taken back and derived.

use std::{collections::VecDeque, path::Path, time::Duration};

use alloy_primitives::B256;
use duplex_derivation::{BlockInput, Derived};
use duplex_l1::{BatchEntry, DataError, RpcError};
use duplex_storage::Records;
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{ActorError, Derivation, Rollup, TrustProofs, derive::agrees, proven::Proven};

/// Batches whose data is fetched while earlier ones are executed.
const AHEAD: u64 = 8;
/// Pause after L1, or a source of blobs, did not answer.
const PAUSE: Duration = Duration::from_secs(1);
/// Pause between lines that say how far it is.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// A batch whose blocks are here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Done {
    index: u64,
    /// Hash of the batch.
    hash: B256,
    /// Number and hash of its last block.
    block: (u64, B256),
}

/// Data of a batch that is being fetched.
#[derive(Debug)]
struct Fetch {
    index: u64,
    hash: B256,
    data: JoinHandle<Result<Vec<u8>, DataError>>,
}

impl Drop for Fetch {
    fn drop(&mut self) {
        self.data.abort();
    }
}

/// Derives L2 from L1.
#[derive(Debug)]
pub struct Deriver {
    rollup: Rollup,
    progress: watch::Sender<Derivation>,
    records: Records,
    last: Option<Done>,
    /// Batches that are proved are not executed.
    proven: Option<Proven>,
    fetching: VecDeque<Fetch>,
    said: Instant,
}

fn key(index: u64) -> String {
    format!("derived/{index:020}")
}

impl Deriver {
    /// Takes up where the records in `dir` left off. `progress` is what `rollup.derivation` receives.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn open(
        rollup: Rollup,
        progress: watch::Sender<Derivation>,
        dir: &Path,
    ) -> Result<Self, duplex_storage::OpenError> {
        Ok(Self {
            rollup,
            progress,
            records: Records::open(&dir.join("derivation.redb"))?,
            last: None,
            proven: None,
            fetching: VecDeque::new(),
            said: Instant::now(),
        })
    }

    /// Takes batches by their proofs where there are any, instead of executing them.
    ///
    /// # Errors
    /// If the node to ask for them has no URL.
    pub fn trusting(mut self, trust: TrustProofs, dir: &Path) -> Result<Self, RpcError> {
        self.proven = Some(Proven::new(self.rollup.clone(), trust, dir)?);
        Ok(self)
    }

    /// Derives until cancelled.
    ///
    /// # Errors
    /// If the chain or the records fail.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), ActorError> {
        let mut failing = false;
        loop {
            // A step may wait for L1; stopping does not. Cutting it off is like a crash: blocks are
            // committed one by one, and what is here already is recognised.
            let done = tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                done = self.step() => done,
            };
            let pause = match done {
                Ok(()) => {
                    failing = false;
                    None
                }
                Err(error) if error.is_temporary() => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(%error, "derivation waits");
                    }
                    Some(PAUSE)
                }
                Err(error) => return Err(error),
            };
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                changed = self.rollup.l1_head.changed(), if pause.is_none() => if changed.is_err() {
                    // The watcher has gone; whoever stopped it stops this too.
                    tokio::time::sleep(PAUSE).await;
                },
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
            }
        }
    }

    /// Makes L2 what L1 says up to the newest L1 block seen.
    async fn step(&mut self) -> Result<(), ActorError> {
        let Some(head) = self.rollup.l1_head.borrow_and_update().clone() else { return Ok(()) };
        let at = self.common()?;
        self.leave_lost_anchors(at.map_or(0, |done| done.block.0)).await?;
        loop {
            let (at, hash) = self.common()?.map_or((0, B256::ZERO), |done| (done.index, done.hash));
            let (_, on_l1) = self.rollup.index.counts()?;
            self.say(at, hash, on_l1);
            if at >= on_l1 {
                break;
            }
            if !self.take_proven(at + 1).await? {
                self.next(at + 1, on_l1).await?;
            }
            self.set_safety()?;
        }
        self.set_safety()?;
        self.progress.send_modify(|progress| progress.l1_head = Some(head));
        Ok(())
    }

    fn say(&mut self, at: u64, hash: B256, on_l1: u64) {
        self.progress.send_if_modified(|progress| {
            let changed = (progress.batch, progress.batch_hash, progress.on_l1) != (at, hash, on_l1);
            (progress.batch, progress.batch_hash, progress.on_l1) = (at, hash, on_l1);
            changed
        });
        if at + AHEAD < on_l1 && self.said.elapsed() > SAY_EVERY {
            self.said = Instant::now();
            let block = self.rollup.chain.head().header.number;
            tracing::info!(batch = at, of = on_l1, block, "deriving from L1");
        }
    }

    fn record(&self, index: u64) -> Result<Option<Done>, ActorError> {
        Ok(self.records.get(&key(index))?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// The newest batch that was derived, is still on L1, and whose last block is still here.
    fn common(&mut self) -> Result<Option<Done>, ActorError> {
        let (_, on_l1) = self.rollup.index.counts()?;
        let mut at = match self.last {
            Some(last) => last.index,
            None => self.newest_record(on_l1)?,
        };
        at = at.min(on_l1);
        while at > 0 {
            if let (Some(done), Some(entry)) = (self.record(at)?, self.rollup.index.batch(at)?)
                && done.hash == entry.hash
                && self.rollup.chain.hash_of(done.block.0)? == Some(done.block.1)
            {
                self.last = Some(done);
                return Ok(Some(done));
            }
            at -= 1;
        }
        self.last = None;
        Ok(None)
    }

    /// The newest record; records have no gaps.
    fn newest_record(&self, on_l1: u64) -> Result<u64, ActorError> {
        let (mut low, mut high) = (0, on_l1);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if self.record(middle)?.is_some() { low = middle } else { high = middle - 1 }
        }
        Ok(low)
    }

    /// Takes L2 back to the last block whose anchor L1 still has. Blocks up to `floor` are in
    /// batches on L1, which checked their anchors.
    async fn leave_lost_anchors(&mut self, floor: u64) -> Result<(), ActorError> {
        let Some(number) = self.rollup.newest_anchored(floor).await? else { return Ok(()) };
        if number >= self.rollup.chain.head().header.number {
            return Ok(());
        }
        let _turn = self.rollup.turn.clone().lock_owned().await;
        // The sequencer may have built on it meanwhile.
        let Some(number) = self.rollup.newest_anchored(floor).await? else { return Ok(()) };
        self.take_back(number, "L1 reorganised: L2 goes back and on from there").await
    }

    async fn take_back(&self, to: u64, why: &str) -> Result<(), ActorError> {
        let from = self.rollup.chain.head().header.number;
        if to >= from {
            return Ok(());
        }
        tracing::warn!(from, to, "{why}");
        let chain = self.rollup.chain.clone();
        blocking(move || chain.unwind(to)).await?;
        Ok(())
    }

    /// Takes batches from `index` on by a proof. False if there is none: they are executed then. Whoever should have proofs is
    /// not believed, and not waited for either.
    async fn take_proven(&mut self, index: u64) -> Result<bool, ActorError> {
        let Some(proven) = &mut self.proven else { return Ok(false) };
        let entries = match proven.take(index).await {
            Ok(Some(entries)) => entries,
            Ok(None) => return Ok(false),
            Err(error) if error.is_temporary() => {
                tracing::warn!(batch = index, %error, "no proof was taken: the batch is executed");
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let taken = entries.len() as u64;
        for entry in entries {
            let last = entry.header.lastBlock;
            let hash = self.rollup.chain.hash_of(last)?.ok_or(ActorError::MissingBlock(last))?;
            self.done(Done { index: entry.header.index, hash: entry.hash, block: (last, hash) })?;
        }
        self.progress.send_modify(|progress| progress.by_proof += taken);
        Ok(true)
    }

    fn done(&mut self, done: Done) -> Result<(), ActorError> {
        self.records.put(&key(done.index), &serde_json::to_vec(&done).unwrap_or_default())?;
        self.last = Some(done);
        Ok(())
    }

    /// Derives batch `index`, all before which are here.
    async fn next(&mut self, index: u64, on_l1: u64) -> Result<(), ActorError> {
        let missing = || ActorError::Behind("a batch is not in the index any more");
        let entry = self.rollup.index.batch(index)?.ok_or_else(missing)?;
        let before = self.rollup.batch_header(index - 1)?.ok_or_else(missing)?;
        if entry.header.parentHash != before.hash() || entry.hash != entry.header.hash() {
            return Err(ActorError::Behind("batches on L1 do not follow each other"));
        }
        let data = self.data(&entry, on_l1).await?;
        let derived = self.rollup.inputs(&before, &entry.header, &data).await?;
        let block = self.adopt(&entry, derived).await?;
        self.done(Done { index, hash: entry.hash, block })
    }

    /// The data of a batch; that of the next ones is fetched meanwhile.
    async fn data(&mut self, entry: &BatchEntry, on_l1: u64) -> Result<Vec<u8>, ActorError> {
        let index = entry.header.index;
        while self
            .fetching
            .front()
            .is_some_and(|fetch| fetch.index < index || (fetch.index == index && fetch.hash != entry.hash))
        {
            self.fetching.pop_front();
        }
        if self.fetching.front().is_some_and(|fetch| fetch.index != index) {
            self.fetching.clear();
        }
        let from = self.fetching.back().map_or(index, |fetch| fetch.index + 1);
        for next in from..=on_l1.min(index + AHEAD) {
            let Some(entry) = self.rollup.index.batch(next)? else { break };
            let (reader, hash) = (self.rollup.reader.clone(), entry.hash);
            let data = tokio::spawn(async move { reader.data(&entry).await });
            self.fetching.push_back(Fetch { index: next, hash, data });
        }
        let Some(mut fetch) = self.fetching.pop_front() else {
            return Err(ActorError::Behind("a batch is not in the index any more"));
        };
        match (&mut fetch.data).await {
            Ok(data) => Ok(data?),
            Err(_) => Err(ActorError::Behind("fetching a batch was cut off")),
        }
    }

    /// Has the derived blocks in the chain; gives number and hash of the last.
    async fn adopt(&mut self, entry: &BatchEntry, derived: Derived) -> Result<(u64, B256), ActorError> {
        let _turn = self.rollup.turn.clone().lock_owned().await;
        let index = entry.header.index;
        if let Some(why) = &derived.undecodable {
            tracing::warn!(batch = index, appender = %entry.appender, %why, "the content of a batch is void");
            self.progress.send_modify(|progress| progress.undecodable += 1);
        }
        let chain = self.rollup.chain.clone();
        let first = entry.header.firstBlock;
        let mut inputs = derived.blocks.into_iter().zip(first..);
        let mut next = None;
        for (input, number) in inputs.by_ref() {
            match chain.block(number)? {
                Some(block) if agrees(&block, &input) => {}
                found => {
                    if found.is_some() {
                        self.take_back(number - 1, "L1 has other blocks: they replace those here").await?;
                    }
                    next = Some(input);
                    break;
                }
            }
        }
        let rest: Vec<BlockInput> = next.into_iter().chain(inputs.map(|(input, _)| input)).collect();
        if !rest.is_empty() {
            let chain = chain.clone();
            let skipped = blocking(move || {
                rest.into_iter().try_fold(0, |skipped, input| {
                    let done = chain.derive(&input.attributes, &input.forced, input.transactions)?;
                    Ok::<_, ActorError>(skipped + done.skipped as u64)
                })
            })
            .await?;
            if skipped > 0 {
                tracing::warn!(batch = index, appender = %entry.appender, skipped, "a batch lists invalid transactions");
                self.progress.send_modify(|progress| progress.skipped += skipped);
            }
        }
        let last = entry.header.lastBlock;
        Ok((last, chain.hash_of(last)?.ok_or(ActorError::MissingBlock(last))?))
    }

    /// Tells the chain which of its blocks are safe and which are final.
    fn set_safety(&self) -> Result<(), ActorError> {
        let Rollup { chain, index, .. } = &self.rollup;
        let safe = self.last.map_or(0, |done| done.block.0);
        let last_final = match index.last_final()? {
            Some(claim) => index.batch(claim.last_batch)?,
            None => None,
        };
        let finalized = last_final.map_or(0, |batch| batch.header.lastBlock.min(safe));
        chain.set_safety(safe, finalized);
        Ok(())
    }
}

/// Runs work that blocks on a thread for such work.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
