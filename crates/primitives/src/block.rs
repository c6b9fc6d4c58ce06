//! Blocks of both chains.

use alloc::vec::Vec;
pub use alloy_consensus::Header;
use alloy_consensus::proofs::ordered_trie_root_with_encoder;
use alloy_eips::{eip2718::Encodable2718, eip4895::Withdrawal};
use alloy_primitives::{Address, B256, Bytes};

use crate::Transaction;

/// A block with full transactions.
pub type Block = alloy_consensus::Block<Transaction>;
/// The part of a block that its header commits to.
pub type BlockBody = alloy_consensus::BlockBody<Transaction>;

/// What the builder of a block decides; all other fields follow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockAttributes {
    /// Unix seconds. Later than the parent's on L1, not earlier on L2.
    pub timestamp: u64,
    /// Who gets the priority fees. L2 always pays its fee vault.
    pub beneficiary: Address,
    /// What `PREVRANDAO` gives.
    pub prev_randao: B256,
    /// L1: the parent beacon block root. L2: the hash of the anchor.
    pub beacon_root: B256,
    /// L1: validators' withdrawals.
    pub withdrawals: Vec<Withdrawal>,
    /// L2: the anchor's number, and the messages consumed after this block.
    pub l2: L2Extra,
}

/// A block together with what is costly to compute from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveredBlock {
    /// The block.
    pub block: Block,
    /// Hash of its header.
    pub hash: B256,
    /// The sender of every transaction, in order.
    pub senders: Vec<Address>,
}

impl RecoveredBlock {
    /// Hashes the header and recovers every sender. `None` if a signature is not valid.
    #[cfg(any(feature = "std", feature = "k256"))]
    pub fn recover(block: Block) -> Option<Self> {
        let senders = block.body.transactions.iter().map(Transaction::sender).collect::<Option<Vec<_>>>()?;
        Some(Self { hash: block.header.hash_slow(), block, senders })
    }
}

/// The Merkle-Patricia root over transactions by index.
pub fn transactions_root(transactions: &[Transaction]) -> B256 {
    ordered_trie_root_with_encoder(transactions, |tx, out| tx.encode_2718(out))
}

/// What an L2 header's `extraData` says (16 bytes, two big-endian numbers), so that deriving a
/// block needs nothing of its parent but the header and the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct L2Extra {
    /// Number of the L1 block this block builds on. Its hash is in `parentBeaconBlockRoot`.
    pub anchor_number: u64,
    /// L1 messages consumed up to and including this block.
    pub message_count: u64,
}

impl L2Extra {
    /// The 16 bytes.
    pub fn encode(&self) -> Bytes {
        let mut out = [0u8; 16];
        out[..8].copy_from_slice(&self.anchor_number.to_be_bytes());
        out[8..].copy_from_slice(&self.message_count.to_be_bytes());
        Bytes::copy_from_slice(&out)
    }

    /// Reads what [`encode`](Self::encode) wrote; `None` if there are not exactly 16 bytes.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (anchor, count) = bytes.split_at_checked(8)?;
        Some(Self {
            anchor_number: u64::from_be_bytes(anchor.try_into().ok()?),
            message_count: u64::from_be_bytes(count.try_into().ok()?),
        })
    }
}
