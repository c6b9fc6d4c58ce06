//! What one block did, in memory.

use alloy_primitives::{
    Bytes, U256,
    map::{B256Map, HashMap},
};
use duplex_trie::{NodeKey, StateAccount};

/// A node of a layer, and where its bytes are in the block's journal.
#[derive(Debug, Clone)]
pub(crate) struct LayerNode {
    pub(crate) rlp: Option<Bytes>,
    pub(crate) offset: u32,
}

/// Everything that one block wrote to the state tables.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    pub(crate) number: u64,
    pub(crate) accounts: B256Map<Option<StateAccount>>,
    pub(crate) slots: B256Map<B256Map<U256>>,
    pub(crate) nodes: HashMap<NodeKey, LayerNode>,
    pub(crate) transactions: B256Map<u32>,
    /// Length of the journal it was read from, which is what it costs to keep.
    pub(crate) bytes: usize,
}
