//! Why an actor stops.

use alloy_primitives::B256;
use thiserror::Error;

/// Why an actor stops. What passes by itself is retried and is not here.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ActorError {
    /// The L2 chain failed.
    #[error("L2 chain: {0}")]
    Chain(#[from] duplex_chain::ChainError),
    /// L1 could not be read.
    #[error(transparent)]
    Rpc(#[from] duplex_l1::RpcError),
    /// An L1 transaction could not be sent.
    #[error(transparent)]
    Tx(#[from] duplex_l1::TxManagerError),
    /// A local file failed.
    #[error(transparent)]
    Storage(#[from] duplex_storage::Error),
    /// A block cannot be put into a batch, which its own rules exclude.
    #[error("block {block} cannot be put into a batch: {error}")]
    Content {
        /// The block.
        block: u64,
        /// What is wrong.
        error: duplex_primitives::ContentError,
    },
    /// Another batch than ours is on L1.
    #[error(
        "batch {index} on L1 is {found}, ours is {ours}: another sequencer with this key is running, or this data \
         directory is not up to date; stop the other one, or start over with --fresh on a devnet"
    )]
    ForeignBatch {
        /// Position in the inbox.
        index: u64,
        /// Hash of what is there.
        found: B256,
        /// Hash of what should be.
        ours: B256,
    },
    /// L1 has more of the rollup than this node, or something else.
    #[error(
        "L1 has batches up to L2 block {on_l1}, this node ends at {head} or has other blocks there: its data directory is \
         old or was lost; restore the newest copy, or start over with --fresh on a devnet"
    )]
    BehindL1 {
        /// Last L2 block in a batch on L1.
        on_l1: u64,
        /// The node's newest block.
        head: u64,
    },
    /// The L2 chain lacks a block that it must have.
    #[error("block {0} is missing from the L2 chain")]
    MissingBlock(u64),
}

impl ActorError {
    /// True if trying again later may help without anything being changed.
    pub(crate) const fn is_temporary(&self) -> bool {
        // A block can be missing for a moment while the chain is taken back.
        matches!(self, Self::Rpc(_) | Self::Tx(_) | Self::MissingBlock(_))
    }
}
