//! Filters that clients poll.

use core::time::Duration;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Instant,
};

use alloy_eips::BlockNumberOrTag;
use alloy_primitives::B256;
use alloy_rpc_types_eth::{Filter, FilterChanges, Log};
use duplex_chain::{BlockData, Chain, ChainEvent};
use parking_lot::Mutex;
use tokio::sync::broadcast::{
    Receiver,
    error::{RecvError, TryRecvError},
};

use crate::{ChainApi, RpcError, RpcResult, RpcTransaction, ids::HexIds, logs::matching};

/// Removed blocks that are remembered, for filters that have not seen them go.
const REMEMBERED: usize = 1024;

/// What a poll gives.
pub(crate) type Changes = FilterChanges<RpcTransaction, Log>;

/// A block that a filter has seen.
#[derive(Debug, Clone, Copy)]
struct Seen {
    number: u64,
    hash: B256,
    /// How many removals the journal had then.
    removals: u64,
}

#[derive(Debug)]
enum Kind {
    Logs(Box<Filter>, Seen),
    Blocks(Seen),
    Pending { arrivals: Receiver<B256>, full: bool },
}

#[derive(Debug)]
struct Entry {
    kind: Kind,
    used: Instant,
}

/// Blocks that were removed from the chain, newest last.
#[derive(Debug, Default)]
struct Journal {
    /// Removals that are forgotten already.
    forgotten: u64,
    blocks: VecDeque<Arc<BlockData>>,
    started: bool,
}

impl Journal {
    fn count(&self) -> u64 {
        self.forgotten + self.blocks.len() as u64
    }

    fn push(&mut self, block: Arc<BlockData>) {
        self.blocks.push_back(block);
        if self.blocks.len() > REMEMBERED {
            self.blocks.pop_front();
            self.forgotten += 1;
        }
    }
}

/// All filters of one chain.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    entries: Mutex<HashMap<String, Entry>>,
    journal: Arc<Mutex<Journal>>,
}

fn not_found(id: &str) -> RpcError {
    let shown: String = id.chars().take(80).collect();
    RpcError::Rejected(format!("filter not found: {shown}; it may have expired"))
}

impl Filters {
    /// Starts recording removed blocks. Must be called within a runtime.
    fn start(&self, chain: &Chain) {
        let mut journal = self.journal.lock();
        if std::mem::replace(&mut journal.started, true) {
            return;
        }
        let mut events = chain.subscribe();
        let weak = Arc::downgrade(&self.journal);
        tokio::spawn(async move {
            loop {
                let event = events.recv().await;
                let Some(journal) = weak.upgrade() else { return };
                match event {
                    Ok(ChainEvent::Removed(blocks)) => {
                        let mut journal = journal.lock();
                        blocks.into_iter().for_each(|block| journal.push(block));
                    }
                    Ok(ChainEvent::Block(_)) => {}
                    // What was missed is unknown: filters start over at the head.
                    Err(RecvError::Lagged(_)) => {
                        let mut journal = journal.lock();
                        journal.forgotten += journal.blocks.len() as u64 + 1;
                        journal.blocks.clear();
                    }
                    Err(RecvError::Closed) => return,
                }
            }
        });
    }

    fn seen(&self, chain: &Chain) -> Seen {
        let removals = self.journal.lock().count();
        let head = chain.head();
        Seen { number: head.header.number, hash: head.hash, removals }
    }

    fn insert(&self, api: &ChainApi, kind: Kind) -> RpcResult<String> {
        let limit = api.config().max_filters;
        let mut entries = self.entries.lock();
        sweep(&mut entries, api.config().filter_idle);
        if entries.len() >= limit {
            return Err(RpcError::Limit(format!(
                "{limit} filters exist, which is the limit; uninstall some or wait until idle ones expire"
            )));
        }
        let id = HexIds.next();
        entries.insert(id.clone(), Entry { kind, used: Instant::now() });
        Ok(id)
    }

    /// A filter for logs from now on.
    pub(crate) fn new_logs(&self, api: &ChainApi, filter: Filter) -> RpcResult<String> {
        self.start(api.chain());
        let seen = self.seen(api.chain());
        self.insert(api, Kind::Logs(Box::new(filter), seen))
    }

    /// A filter for the hashes of blocks from now on.
    pub(crate) fn new_blocks(&self, api: &ChainApi) -> RpcResult<String> {
        self.start(api.chain());
        let seen = self.seen(api.chain());
        self.insert(api, Kind::Blocks(seen))
    }

    /// A filter for transactions that become executable from now on.
    pub(crate) fn new_pending(&self, api: &ChainApi, full: bool) -> RpcResult<String> {
        self.insert(api, Kind::Pending { arrivals: api.chain().subscribe_pending(), full })
    }

    /// True if there was such a filter.
    pub(crate) fn remove(&self, id: &str) -> bool {
        self.entries.lock().remove(id).is_some()
    }

    /// The criteria of a log filter.
    pub(crate) fn criteria(&self, api: &ChainApi, id: &str) -> RpcResult<Filter> {
        let mut entries = self.entries.lock();
        sweep(&mut entries, api.config().filter_idle);
        let entry = entries.get_mut(id).ok_or_else(|| not_found(id))?;
        entry.used = Instant::now();
        match &entry.kind {
            Kind::Logs(filter, _) => Ok((**filter).clone()),
            _ => Err(RpcError::Rejected(format!("filter {id} is not one for logs"))),
        }
    }

    /// What is new since the last poll.
    pub(crate) fn changes(&self, api: &ChainApi, id: &str) -> RpcResult<Changes> {
        // The filter is taken out while it works, so that others need not wait.
        let mut entry = {
            let mut entries = self.entries.lock();
            sweep(&mut entries, api.config().filter_idle);
            entries.remove(id).ok_or_else(|| not_found(id))?
        };
        let changes = self.poll(api, &mut entry.kind);
        entry.used = Instant::now();
        self.entries.lock().insert(id.to_owned(), entry);
        changes
    }

    fn poll(&self, api: &ChainApi, kind: &mut Kind) -> RpcResult<Changes> {
        match kind {
            Kind::Pending { arrivals, full } => Ok(arrived(api, arrivals, *full)),
            Kind::Blocks(seen) => {
                let mut hashes = Vec::new();
                let after = self.follow(api, *seen, |block, removed| {
                    if !removed {
                        hashes.push(block.hash());
                    }
                    Ok(())
                })?;
                *seen = after;
                Ok(Changes::Hashes(hashes))
            }
            Kind::Logs(filter, seen) => {
                let bound = |tag: Option<&BlockNumberOrTag>| tag.and_then(BlockNumberOrTag::as_number);
                let (from, to) = filter.block_option.as_range();
                let wanted = bound(from).unwrap_or(0)..=bound(to).unwrap_or(u64::MAX);
                let only = filter.block_option.as_block_hash().copied();
                let limit = api.config().max_logs;
                let mut logs = Vec::new();
                let after = self.follow(api, *seen, |block, removed| {
                    if wanted.contains(&block.number()) && only.is_none_or(|hash| hash == block.hash()) {
                        matching(filter, block, removed, &mut logs);
                    }
                    if logs.len() > limit {
                        return Err(RpcError::Limit(format!(
                            "more than {limit} new logs; use eth_getLogs with a smaller range"
                        )));
                    }
                    Ok(())
                })?;
                *seen = after;
                Ok(Changes::Logs(logs))
            }
        }
    }

    /// Visits what happened after `seen`: removed blocks newest first, then new ones oldest first.
    fn follow(
        &self,
        api: &ChainApi,
        mut seen: Seen,
        mut visit: impl FnMut(&BlockData, bool) -> RpcResult<()>,
    ) -> RpcResult<Seen> {
        let removed: Option<Vec<Arc<BlockData>>> = {
            let journal = self.journal.lock();
            let skip = seen.removals.checked_sub(journal.forgotten);
            let blocks = skip.map(|skip| journal.blocks.iter().skip(skip as usize).cloned().collect());
            seen.removals = journal.count();
            blocks
        };
        let chain = api.chain();
        let Some(removed) = removed else { return Ok(self.seen(chain)) };
        for block in removed {
            // Blocks that came and went between two polls were never seen.
            if block.hash() == seen.hash {
                visit(&block, true)?;
                seen = Seen {
                    number: block.number().saturating_sub(1),
                    hash: block.header().parent_hash,
                    ..seen
                };
            }
        }
        if chain.hash_of(seen.number)? != Some(seen.hash) {
            // A removal that is not recorded yet: the next poll tells it.
            return Ok(seen);
        }
        let head = chain.head().header.number;
        // Who has not polled for long reads only what a query may read.
        let oldest = head.saturating_sub(api.config().max_log_blocks);
        for number in seen.number.max(oldest) + 1..=head {
            let Some(block) = chain.block(number)? else { break };
            if number > oldest + 1 && block.header().parent_hash != seen.hash {
                break;
            }
            visit(&block, false)?;
            seen = Seen { number, hash: block.hash(), ..seen };
        }
        Ok(seen)
    }
}

fn arrived(api: &ChainApi, arrivals: &mut Receiver<B256>, full: bool) -> Changes {
    let mut hashes = Vec::new();
    loop {
        match arrivals.try_recv() {
            Ok(hash) => hashes.push(hash),
            // Some were missed; the newest are what a client wants.
            Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
    if !full {
        return Changes::Hashes(hashes);
    }
    let pool = api.chain().pool();
    let form = |hash| {
        let pooled = pool.get(hash)?;
        Some(RpcTransaction::pending(pooled.tx(), hash, pooled.sender()))
    };
    Changes::Transactions(hashes.into_iter().filter_map(form).collect())
}

fn sweep(entries: &mut HashMap<String, Entry>, idle: Duration) {
    entries.retain(|_, entry| entry.used.elapsed() < idle);
}
