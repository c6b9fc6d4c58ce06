//! Output roots and the Merkle tree over them.

use alloc::vec::Vec;
use alloy_primitives::{B256, keccak256};
use serde::{Deserialize, Serialize};

use crate::Header;

/// The preimage of an output root: all that L1 needs to know of an L2 block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputRoot {
    /// State root after the block.
    pub state_root: B256,
    /// Storage root of the `MessagePasser` after the block.
    pub message_passer_root: B256,
    /// Hash of the block.
    pub block_hash: B256,
}

impl OutputRoot {
    /// The output of an L2 block. L2 headers carry the `MessagePasser`'s storage root as their
    /// withdrawals root, so the header says it all.
    pub fn of(header: &Header, block_hash: B256) -> Self {
        Self {
            state_root: header.state_root,
            message_passer_root: header.withdrawals_root.unwrap_or_default(),
            block_hash,
        }
    }

    /// `keccak256(version 0 (32 bytes) ‖ stateRoot ‖ messagePasserStorageRoot ‖ blockHash)`.
    pub fn hash(&self) -> B256 {
        let mut buf = [0u8; 128];
        buf[32..64].copy_from_slice(self.state_root.as_slice());
        buf[64..96].copy_from_slice(self.message_passer_root.as_slice());
        buf[96..].copy_from_slice(self.block_hash.as_slice());
        keccak256(buf)
    }
}

/// Binary Merkle root: `node = keccak(1 ‖ left ‖ right)`; an odd node is carried up unchanged.
/// Leaves must be domain-separated hashes. The root of nothing is zero.
pub fn merkle_root(mut level: Vec<B256>) -> B256 {
    if level.is_empty() {
        return B256::ZERO;
    }
    while level.len() > 1 {
        level = parents(&level);
    }
    level[0]
}

fn parents(level: &[B256]) -> Vec<B256> {
    let mut buf = [0u8; 65];
    buf[0] = 1;
    let parent = |pair: &[B256]| match pair {
        [left, right] => {
            buf[1..33].copy_from_slice(left.as_slice());
            buf[33..].copy_from_slice(right.as_slice());
            keccak256(buf)
        }
        _ => pair[0],
    };
    level.chunks(2).map(parent).collect()
}

/// The siblings of leaf `index` on its way to [`merkle_root`], from the bottom up: one for each level at
/// which the node has a sibling.
///
/// # Panics
/// If there is no such leaf.
pub fn merkle_proof(mut level: Vec<B256>, mut index: usize) -> Vec<B256> {
    assert!(index < level.len(), "leaf {index} of {}", level.len());
    let mut proof = Vec::new();
    while level.len() > 1 {
        if let Some(sibling) = level.get(index ^ 1) {
            proof.push(*sibling);
        }
        index /= 2;
        level = parents(&level);
    }
    proof
}

impl OutputRoot {
    /// The `blockOutputsRoot` of a claim: the Merkle root over `keccak(0 ‖ outputRoot)` of every
    /// block, in order.
    pub fn history(outputs: impl IntoIterator<Item = B256>) -> B256 {
        merkle_root(leaves(outputs))
    }

    /// The proof that the output of the block at `index`, counted from the first block of the claim, is
    /// under [`history`](Self::history): what `OutputTree.verify` on L1 takes.
    ///
    /// # Panics
    /// If there are not that many.
    pub fn history_proof(outputs: impl IntoIterator<Item = B256>, index: usize) -> Vec<B256> {
        merkle_proof(leaves(outputs), index)
    }
}

fn leaves(outputs: impl IntoIterator<Item = B256>) -> Vec<B256> {
    let leaf = |output: B256| {
        let mut buf = [0u8; 33];
        buf[1..].copy_from_slice(output.as_slice());
        keccak256(buf)
    };
    outputs.into_iter().map(leaf).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The root that a proof leads to, as `OutputTree` computes it.
    fn climb(output: B256, mut index: usize, mut count: usize, proof: &[B256]) -> B256 {
        let mut node = leaves([output])[0];
        let mut proof = proof.iter();
        while count > 1 {
            if index ^ 1 < count {
                let sibling = *proof.next().expect("a sibling is missing");
                let pair = if index % 2 == 0 { [node, sibling] } else { [sibling, node] };
                node = parents(&pair)[0];
            }
            index /= 2;
            count = count.div_ceil(2);
        }
        assert!(proof.next().is_none(), "a sibling too many");
        node
    }

    #[test]
    fn every_output_of_every_size_has_its_proof() {
        for count in 1..=33usize {
            let outputs: Vec<B256> = (0..count).map(|i| B256::with_last_byte(i as u8 + 1)).collect();
            let root = OutputRoot::history(outputs.iter().copied());
            for (index, output) in outputs.iter().enumerate() {
                let proof = OutputRoot::history_proof(outputs.iter().copied(), index);
                assert_eq!(climb(*output, index, count, &proof), root, "{index} of {count}");
                assert_ne!(climb(B256::ZERO, index, count, &proof), root, "{index} of {count}");
            }
        }
    }
}
