//! Batches as the `Inbox` takes them.

use alloc::vec::Vec;
use alloy_primitives::{B256, keccak256};
use alloy_sol_types::{SolValue, sol};
use serde::{Deserialize, Serialize};

use crate::merkle_root;

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
