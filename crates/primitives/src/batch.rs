//! Batches as the `Inbox` takes them.

use alloc::vec::Vec;
use alloy_primitives::{B256, keccak256};
use alloy_sol_types::{SolValue, sol};
use serde::{Deserialize, Serialize};

/// Batch data is committed in chunks of this many bytes, so that a proof system can load it
/// piece by piece.
pub const DATA_CHUNK: usize = 4096;

sol! {
    /// What the `Inbox` checks and hashes of a batch.
    #[derive(Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct BatchHeader {
        /// Position in the inbox; 0 is genesis.
        uint64 index;
        /// Hash of the batch before.
        bytes32 parentHash;
        /// [`data_root`] of the data.
        bytes32 dataRoot;
        /// First L2 block of the batch.
        uint64 firstBlock;
        /// Last L2 block of the batch.
        uint64 lastBlock;
        /// Timestamp of the last L2 block.
        uint64 timestamp;
        /// Number of the L1 block that the last L2 block builds on.
        uint64 anchorNumber;
        /// Hash of that block.
        bytes32 anchorHash;
        /// L1 messages consumed up to and including the last L2 block.
        uint64 messageCount;
        /// The queue's accumulator at that count.
        bytes32 messageAcc;
    }
}

impl BatchHeader {
    /// `keccak256(abi.encode(header))`.
    pub fn hash(&self) -> B256 {
        keccak256(self.abi_encode())
    }
}

/// The commitment to batch data: a Merkle root over chunks of [`DATA_CHUNK`] bytes, with leaves
/// `keccak(0 ‖ uint64(data length) ‖ chunk)`. The length is in every leaf, so that no data can
/// be read as a prefix or an extension of other data.
pub fn data_root(data: &[u8]) -> B256 {
    let mut buf = Vec::with_capacity(9 + DATA_CHUNK);
    let leaves = data
        .chunks(DATA_CHUNK)
        .map(|chunk| {
            buf.clear();
            buf.push(0);
            buf.extend_from_slice(&(data.len() as u64).to_be_bytes());
            buf.extend_from_slice(chunk);
            keccak256(&buf)
        })
        .collect();
    merkle_root(leaves)
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
