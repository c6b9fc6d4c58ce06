//! Output roots, and the histories of them that claims commit to.

use alloc::vec::Vec;
use alloy_primitives::{B256, keccak256};
use serde::{Deserialize, Serialize};

use crate::{
    Header,
    tree::{HISTORY_DEPTH, Tree},
};

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

    /// `version 0 (32 bytes) ‖ stateRoot ‖ messagePasserStorageRoot ‖ blockHash`.
    pub fn encode(&self) -> [u8; 128] {
        let mut buf = [0u8; 128];
        buf[32..64].copy_from_slice(self.state_root.as_slice());
        buf[64..96].copy_from_slice(self.message_passer_root.as_slice());
        buf[96..].copy_from_slice(self.block_hash.as_slice());
        buf
    }

    /// The output root: keccak256 of [`encode`](Self::encode).
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }
}

impl OutputRoot {
    /// Most blocks of a claim: its history has no more leaves.
    pub const MOST_BLOCKS: u64 = 1 << HISTORY_DEPTH;

    /// The history of a claim, whose root is its `blockOutputsRoot`: the output root of every block, in
    /// order, then zeros.
    ///
    /// # Panics
    /// If there are more than [`MOST_BLOCKS`](Self::MOST_BLOCKS).
    pub fn history(outputs: Vec<B256>) -> Tree {
        Tree::new(HISTORY_DEPTH, outputs)
    }
}
