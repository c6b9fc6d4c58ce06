//! Why an actor stops.

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
    /// The data of a batch could not be read.
    #[error(transparent)]
    Data(#[from] duplex_l1::DataError),
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
    /// A batch cannot be put into blobs, which its size excludes.
    #[error("the batch up to block {block} cannot be put into blobs: {error}")]
    Blob {
        /// Its last block.
        block: u64,
        /// What is wrong.
        error: duplex_primitives::blob::BlobError,
    },
    /// Blobs could not be committed to or kept.
    #[error("blobs: {0}")]
    Archive(#[from] duplex_l1::BlobsError),
    /// A sealed batch means other blocks than those that are here. Posting it would replace what
    /// users were told, so the node stops instead.
    #[error("batch {batch} does not derive to this node's blocks ({why}); this is a fault of this program")]
    SealedWrongly {
        /// Position of the batch.
        batch: u64,
        /// What differs.
        why: String,
    },
    /// The L2 chain lacks a block that it must have.
    #[error("block {0} is missing from the L2 chain")]
    MissingBlock(u64),
    /// L1, or what is known of it, is not where it was a moment ago.
    #[error("L1 is being read again: {0}")]
    Behind(&'static str),
    /// The machine could not replay a statement. Nothing that a chain can contain leads to this.
    #[error("replaying a statement: {0}")]
    Replay(String),
    /// A node that was asked for its blocks does not give them.
    #[error("feed: {0}")]
    Feed(String),
    /// What proves batches, or what they did, is not what it should be.
    #[error("proofs: {0}")]
    Proof(String),
}

impl ActorError {
    /// True if trying again later may help without anything being changed.
    pub(crate) const fn is_temporary(&self) -> bool {
        // A block can be missing for a moment while the chain is taken back.
        matches!(
            self,
            Self::Rpc(_)
                | Self::Tx(_)
                | Self::Data(_)
                | Self::MissingBlock(_)
                | Self::Behind(_)
                | Self::Replay(_)
                | Self::Feed(_)
                | Self::Proof(_)
        )
    }
}
