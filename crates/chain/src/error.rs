//! What can go wrong with a chain.

use alloy_primitives::B256;
use duplex_stf::BlockError;
use duplex_trie::TrieError;
use revm::database_interface::DBErrorMarker;
use thiserror::Error;

/// State could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StateError {
    /// The database failed, or does not keep the state of that block any more.
    #[error(transparent)]
    Storage(#[from] duplex_storage::Error),
    /// An account names code that is not in the database.
    #[error("code {0} is missing from the database; remove the data directory and rebuild it")]
    MissingCode(B256),
}

impl DBErrorMarker for StateError {}

/// A transaction is refused, in Ethereum's own words.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// Its signature is not valid.
    #[error("invalid sender")]
    InvalidSender,
    /// The pool refuses it.
    #[error(transparent)]
    Pool(#[from] duplex_pool::PoolError),
}

/// A block could not be built, imported or removed. The chain is as it was before.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ChainError {
    /// The database could not be opened.
    #[error(transparent)]
    Open(#[from] duplex_storage::OpenError),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] duplex_storage::Error),
    /// State could not be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// The state trie could not be read or contradicts itself.
    #[error("state trie: {0}")]
    Trie(#[from] TrieError<StateError>),
    /// The block breaks the chain's rules.
    #[error("invalid block: {0}")]
    Block(#[from] BlockError<StateError>),
    /// The block has a transaction whose signature is not valid.
    #[error("block {0} has a transaction with an invalid signature")]
    Signature(B256),
    /// What a block is said to have done is not in order.
    #[error("what block {0} is said to have done is not in order, or not all of it is in the state")]
    Effects(B256),
    /// The block does not build on the head.
    #[error("block builds on {parent}, the head is {head}")]
    NotOnHead {
        /// The parent it names.
        parent: B256,
        /// The head.
        head: B256,
    },
    /// What the database holds does not decode.
    #[error(
        "block {number} in the database does not decode ({what}); remove the data directory and rebuild it"
    )]
    Corrupt {
        /// The block.
        number: u64,
        /// Which part.
        what: &'static str,
    },
    /// The transactions that had to be in the block cannot all be.
    #[error("forced transaction {hash}: {why}")]
    Forced {
        /// Hash of the transaction.
        hash: B256,
        /// What is wrong with it.
        why: String,
    },
}

impl ChainError {
    /// True if a block is at fault, and not this node.
    pub const fn is_invalid(&self) -> bool {
        matches!(self, Self::Block(_) | Self::Signature(_) | Self::NotOnHead { .. })
    }
}
