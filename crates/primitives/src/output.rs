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
    let mut buf = [0u8; 65];
    buf[0] = 1;
    while level.len() > 1 {
        let next = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => {
                    buf[1..33].copy_from_slice(left.as_slice());
                    buf[33..].copy_from_slice(right.as_slice());
                    keccak256(buf)
                }
                _ => pair[0],
            })
            .collect();
        level = next;
    }
    level[0]
}

impl OutputRoot {
    /// The `blockOutputsRoot` of a claim: the Merkle root over `keccak(0 ‖ outputRoot)` of every
    /// block, in order.
    pub fn history(outputs: impl IntoIterator<Item = B256>) -> B256 {
        let leaves = outputs
            .into_iter()
            .map(|output| {
                let mut buf = [0u8; 33];
                buf[1..].copy_from_slice(output.as_slice());
                keccak256(buf)
            })
            .collect();
        merkle_root(leaves)
    }
}
