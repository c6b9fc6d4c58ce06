//! Tries of lists: transactions and receipts of a block, each under the RLP of its index.

use alloy_primitives::{B256, Bytes};
use alloy_trie::{
    HashBuilder, Nibbles,
    proof::{ProofNodes, ProofRetainer},
    root::adjust_index_for_rlp,
};

/// The trie of a list, with all that proofs of its items need.
#[derive(Debug, Clone)]
pub struct OrderedTrie {
    root: B256,
    nodes: ProofNodes,
}

impl OrderedTrie {
    /// Builds it. Each item is what the trie holds: EIP-2718 bytes of a transaction or receipt.
    pub fn new(items: &[Bytes]) -> Self {
        let targets = (0..items.len()).map(key).collect();
        let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(targets));
        // In the order of keys, which is not that of indices: the RLP of 0 is 0x80.
        for i in 0..items.len() {
            let index = adjust_index_for_rlp(i, items.len());
            builder.add_leaf(key(index), &items[index]);
        }
        Self { root: builder.root(), nodes: builder.take_proof_nodes() }
    }

    /// The root that a header has.
    pub const fn root(&self) -> B256 {
        self.root
    }

    /// The nodes from the root to the item of this index.
    pub fn proof(&self, index: usize) -> Vec<Bytes> {
        let path = key(index);
        let nodes = self.nodes.matching_nodes_sorted(&path);
        nodes.into_iter().map(|(_, node)| node).collect()
    }
}

/// Where the item of an index is.
fn key(index: usize) -> Nibbles {
    Nibbles::unpack(alloy_rlp::encode_fixed_size(&index))
}
