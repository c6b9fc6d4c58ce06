//! What a database is told: how to keep, and what to store.

use alloy_primitives::{Address, B256, Bytes};
use duplex_trie::{HashedState, NodeUpdates};

/// How far back the state can be read. Blocks and receipts are always kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// Back to the first block.
    Archive,
    /// At least this many blocks behind the head; older versions are removed in batches.
    Window(u64),
}

/// How a database is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How far back the state can be read.
    pub history: History,
    /// Memory for cached pages, in bytes.
    pub cache_bytes: usize,
    /// Whether a commit waits for the disk. Without it a killed process loses nothing, but a
    /// machine that loses power may lose the database: for tests and throwaway chains.
    pub sync: bool,
    /// Blocks that gather in memory before they are folded into the tables together. More blocks
    /// cost memory and time to open, and make folding cheaper per block.
    pub fold_blocks: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { history: History::Archive, cache_bytes: 256 << 20, sync: true, fold_blocks: 16 }
    }
}

/// One block of the canonical chain and everything it did, as it is committed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockRecord {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// The encoded header.
    pub header: Bytes,
    /// The encoded body.
    pub body: Bytes,
    /// The encoded receipts.
    pub receipts: Bytes,
    /// Who sent its transactions, in their order.
    pub senders: Vec<Address>,
    /// The hashes of its transactions, in their order.
    pub tx_hashes: Vec<B256>,
    /// What it did to the state.
    pub state: HashedState,
    /// What it did to the tries.
    pub nodes: NodeUpdates,
    /// New contract code by hash.
    pub codes: Vec<(B256, Bytes)>,
}
