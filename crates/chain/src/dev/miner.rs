//! Produces the blocks of the development L1.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use alloy_consensus::constants::KECCAK_EMPTY;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use duplex_primitives::{BlockAttributes, Genesis};
use duplex_stf::Overlay;
use parking_lot::Mutex;
use revm::{Database, bytecode::Bytecode, state::AccountInfo};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::BlobStore;
use crate::{BlockData, BuildRequest, Chain, ChainError, ChainEvent, ChainOptions, StateAt};

/// Blocks behind the head that a development L1 calls safe and final.
const SAFE_DEPTH: u64 = 4;
const FINAL_DEPTH: u64 = 8;

/// When blocks are produced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mining {
    /// One block every so often, empty or not.
    pub interval: Option<Duration>,
    /// One block for every transaction that arrives.
    pub on_demand: bool,
}

/// A change of state by decree, in a block of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patch {
    /// Sets a balance in wei.
    Balance(Address, U256),
    /// Sets a nonce.
    Nonce(Address, u64),
    /// Sets runtime code.
    Code(Address, Bytes),
    /// Sets a storage slot.
    Storage(Address, U256, B256),
}

#[derive(Debug)]
struct Controls {
    mining: Mining,
    /// Seconds that the chain's clock is ahead of the wall's.
    offset: u64,
    next_timestamp: Option<u64>,
    beneficiary: Address,
    snapshots: Vec<(u64, u64)>,
    next_snapshot: u64,
}

/// A development L1: a chain with a miner and a clock of its own.
#[derive(Debug)]
pub struct DevChain {
    chain: Chain,
    blobs: BlobStore,
    controls: Mutex<Controls>,
    changed: Notify,
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

impl DevChain {
    /// Opens the chain in `dir`, or creates it.
    ///
    /// # Errors
    /// As [`Chain::open`].
    pub fn open(
        dir: &Path,
        genesis: &Genesis,
        options: ChainOptions,
        mining: Mining,
    ) -> Result<Self, ChainError> {
        let chain = Chain::open(dir, genesis, options)?;
        let blobs = BlobStore::open(dir)?;
        // After a restart the clock goes on where the chain is, if that is ahead of the wall.
        let offset = chain.head().header.timestamp.saturating_sub(now());
        let controls = Controls {
            mining,
            offset,
            next_timestamp: None,
            beneficiary: Address::ZERO,
            snapshots: Vec::new(),
            next_snapshot: 1,
        };
        let this = Self { chain, blobs, controls: Mutex::new(controls), changed: Notify::new() };
        this.settle();
        Ok(this)
    }

    /// The chain itself.
    pub const fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Its blobs.
    pub const fn blobs(&self) -> &BlobStore {
        &self.blobs
    }

    /// The time of the next block, in Unix seconds.
    pub fn time(&self) -> u64 {
        let controls = self.controls.lock();
        let time = controls.next_timestamp.unwrap_or(now() + controls.offset);
        time.max(self.chain.head().header.timestamp.saturating_add(1))
    }

    /// Moves the clock forward; gives the total offset in seconds.
    pub fn increase_time(&self, seconds: u64) -> u64 {
        let mut controls = self.controls.lock();
        controls.offset = controls.offset.saturating_add(seconds);
        controls.offset
    }

    /// Sets the time of the next block; later ones go on from there.
    ///
    /// # Errors
    /// With the head's time, if that is not earlier.
    pub fn set_next_timestamp(&self, timestamp: u64) -> Result<(), u64> {
        let head = self.chain.head().header.timestamp;
        if timestamp <= head {
            return Err(head);
        }
        let mut controls = self.controls.lock();
        controls.next_timestamp = Some(timestamp);
        controls.offset = timestamp.saturating_sub(now());
        Ok(())
    }

    /// How blocks are produced now.
    pub fn mining(&self) -> Mining {
        self.controls.lock().mining
    }

    /// Changes how blocks are produced.
    pub fn set_mining(&self, mining: Mining) {
        self.controls.lock().mining = mining;
        self.changed.notify_one();
    }

    /// Sets who gets the priority fees.
    pub fn set_beneficiary(&self, beneficiary: Address) {
        self.controls.lock().beneficiary = beneficiary;
    }

    fn request(&self) -> BuildRequest {
        let timestamp = self.time();
        let mut controls = self.controls.lock();
        controls.next_timestamp = None;
        // A clock that had to be pushed past the parent stays there: time goes on from the head.
        controls.offset = controls.offset.max(timestamp.saturating_sub(now()));
        let parent = self.chain.head().hash;
        let attributes = BlockAttributes {
            timestamp,
            beneficiary: controls.beneficiary,
            // A chain without validators has no beacon: both values are the parent's shadow.
            prev_randao: keccak256(parent),
            beacon_root: keccak256([parent.as_slice(), b"beacon"].concat()),
            ..Default::default()
        };
        BuildRequest { attributes, forced: Vec::new(), from_pool: true, allow_empty: true }
    }

    fn settle(&self) {
        let head = self.chain.head().header.number;
        self.chain.set_safety(head.saturating_sub(SAFE_DEPTH), head.saturating_sub(FINAL_DEPTH));
    }

    fn mine_patched(&self, patch: Option<crate::build::Patch<'_>>) -> Result<Arc<BlockData>, ChainError> {
        let built = self.chain.build_patched(&self.request(), patch)?;
        let block = built.map(|built| built.block);
        let block = match block {
            Some(block) => block,
            // Empty blocks are allowed, so a block there always is; the head is the honest answer.
            None => self
                .chain
                .block(self.chain.head().header.number)?
                .ok_or(ChainError::Corrupt { number: self.chain.head().header.number, what: "header" })?,
        };
        if let Err(error) = self.blobs.mined(&block) {
            tracing::error!(%error, block = block.number(), "blobs of the block are lost");
        }
        self.settle();
        Ok(block)
    }

    /// Produces one block now.
    ///
    /// # Errors
    /// If the database fails.
    pub fn mine(&self) -> Result<Arc<BlockData>, ChainError> {
        self.mine_patched(None)
    }

    /// Produces a block that changes the state by decree.
    ///
    /// # Errors
    /// If the database fails.
    pub fn patch(&self, patch: &Patch) -> Result<Arc<BlockData>, ChainError> {
        self.mine_patched(Some(&mut |state: &mut Overlay<StateAt>| {
            let (Patch::Balance(address, _)
            | Patch::Nonce(address, _)
            | Patch::Code(address, _)
            | Patch::Storage(address, ..)) = patch;
            let mut info = state.basic(*address)?.unwrap_or_default();
            match patch {
                Patch::Balance(_, balance) => info.balance = *balance,
                Patch::Nonce(_, nonce) => info.nonce = *nonce,
                Patch::Code(_, code) => {
                    let hash = if code.is_empty() { KECCAK_EMPTY } else { keccak256(code) };
                    info = AccountInfo {
                        code_hash: hash,
                        code: Some(Bytecode::new_legacy(code.clone())),
                        ..info
                    };
                }
                Patch::Storage(..) => {}
            }
            state.set_account(*address, info);
            if let Patch::Storage(_, slot, value) = patch {
                state.set_slot(*address, *slot, U256::from_be_bytes(value.0));
            }
            Ok(())
        }))
    }

    /// Replaces the newest `depth` blocks by as many others, one second apart. Transactions in
    /// them go back to the pool; `keep` says whether they are mined again at once.
    ///
    /// # Errors
    /// If the chain is not that long or the database fails.
    pub fn reorg(&self, depth: u64, keep: bool) -> Result<(), ChainError> {
        let head = self.chain.head().header.number;
        let removed = self.chain.unwind(head.saturating_sub(depth))?;
        if !keep {
            self.chain.pool().clear();
        }
        // Another beneficiary makes other blocks even where nothing else differs.
        let old = std::mem::replace(
            &mut self.controls.lock().beneficiary,
            Address::from_word(keccak256(removed.first().map_or(B256::ZERO, |block| block.hash()))),
        );
        let result = removed.iter().try_for_each(|_| self.mine().map(drop));
        self.controls.lock().beneficiary = old;
        result
    }

    /// Remembers the head; gives the snapshot's id.
    pub fn snapshot(&self) -> u64 {
        let mut controls = self.controls.lock();
        let id = controls.next_snapshot;
        controls.next_snapshot += 1;
        let head = self.chain.head().header.number;
        controls.snapshots.push((id, head));
        id
    }

    /// Goes back to a snapshot, which is used up together with all later ones. False if there is
    /// no such snapshot.
    ///
    /// # Errors
    /// If the database fails.
    pub fn revert(&self, id: u64) -> Result<bool, ChainError> {
        let block = {
            let mut controls = self.controls.lock();
            let Some(at) = controls.snapshots.iter().position(|(known, _)| *known == id) else {
                return Ok(false);
            };
            let block = controls.snapshots[at].1;
            controls.snapshots.truncate(at);
            block
        };
        self.chain.unwind(block)?;
        self.chain.pool().clear();
        self.settle();
        Ok(true)
    }

    /// Produces blocks until cancelled.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn run(self: Arc<Self>, cancel: CancellationToken) -> Result<(), ChainError> {
        let mut arrivals = self.chain.subscribe_pending();
        let mut events = self.chain.subscribe();
        let mut last = tokio::time::Instant::now();
        loop {
            let mining = self.mining();
            let due = mining.interval.map(|interval| last + interval);
            let tick = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = self.changed.notified() => continue,
                () = tick => last = tokio::time::Instant::now(),
                _ = arrivals.recv(), if mining.on_demand => {}
                // Whatever else mines a block restarts the interval.
                event = events.recv() => {
                    if matches!(event, Ok(ChainEvent::Block(_))) {
                        last = tokio::time::Instant::now();
                    }
                    continue;
                }
            }
            let this = self.clone();
            let mined = tokio::task::spawn_blocking(move || this.mine()).await;
            match mined {
                Ok(result) => drop(result?),
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            }
        }
    }
}
