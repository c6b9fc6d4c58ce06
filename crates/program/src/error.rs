//! Why a statement says nothing.

use alloy_primitives::B256;
use duplex_stf::BlockError;
use duplex_trie::TrieError;
use thiserror::Error;

use crate::state::StateError;

/// Why there is no output to compare with.
///
/// All but [`Oracle`](Self::Oracle) mean that the statement does not hold. On a chain that L1's
/// contracts accepted, none of them can be: each names the reason. They are here because a statement
/// can name things that never were a block of this chain, and must then be refuted, not prove
/// anything.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProgramError<E: core::error::Error> {
    /// A preimage could not be had. This says nothing about the statement; the machine stops where
    /// it is until it has one.
    #[error(transparent)]
    Oracle(E),
    /// A preimage does not have the form of what it is used as. L1's contracts hash nothing else
    /// into batches and messages, and honest blocks lead to headers and nodes only.
    #[error("the preimage of {hash} is not a {what}")]
    Form {
        /// What it is used as.
        what: &'static str,
        /// Its hash.
        hash: B256,
    },
    /// The statement's block is not one of its batch. `Settlement` pairs a block with the batch that
    /// has it.
    #[error("block {block} is not one of blocks {first} to {last} of its batch")]
    NotInBatch {
        /// The block.
        block: u64,
        /// First block of the batch.
        first: u64,
        /// Last block of the batch.
        last: u64,
    },
    /// The first batch of a range is not before its last. `Settlement` names batches in order.
    #[error("batch {first} is not before batch {last}")]
    NotBefore {
        /// Hash of the first batch.
        first: B256,
        /// Hash of the last.
        last: B256,
    },
    /// The parent is not the block before. The output before it in the claim is that block's.
    #[error("block {block} follows block {parent}")]
    NotParent {
        /// The block.
        block: u64,
        /// Number of the block that it should follow.
        parent: u64,
    },
    /// The chain before the parent contradicts its own numbers, or what the output root says of it.
    /// No block that derivation made does.
    #[error("block {0} is not what its descendants say")]
    Ancestor(B256),
    /// The batch consumes fewer messages than the block before it had. The Inbox lets counts only
    /// grow.
    #[error("a batch that ends with message {end} follows a block with {count}")]
    Messages {
        /// Messages after the batch.
        end: u64,
        /// Messages before it.
        count: u64,
    },
    /// The batch builds on an L1 block that is not between the anchors of the block before and of
    /// its own end. The sum of its steps is checked, and the Inbox lets anchors only go forward.
    #[error("L1 block {0} is not among the anchors of the batch")]
    Anchor(u64),
    /// The block could not be executed: a deposit does not fit, or the state is not that of a block.
    /// Derivation's rules leave room for all deposits, and nothing that a user sends can fail a
    /// block.
    #[error(transparent)]
    Block(BlockError<StateError<E>>),
    /// The state contradicts itself. That of a block that was executed does not.
    #[error("state trie: {0}")]
    Trie(TrieError<E>),
}

impl<E: core::error::Error> ProgramError<E> {
    pub(crate) const fn form(what: &'static str, hash: &B256) -> Self {
        Self::Form { what, hash: *hash }
    }
}

impl<E: core::error::Error> From<BlockError<StateError<E>>> for ProgramError<E> {
    fn from(error: BlockError<StateError<E>>) -> Self {
        match error {
            BlockError::Source(StateError::Trie(TrieError::Source(source))) => Self::Oracle(source),
            BlockError::Source(StateError::Oracle(source)) => Self::Oracle(source),
            BlockError::Transaction { error: duplex_stf::TxError::Source(source), .. } => {
                Self::from(BlockError::Source(source))
            }
            error => Self::Block(error),
        }
    }
}

impl<E: core::error::Error> From<TrieError<E>> for ProgramError<E> {
    fn from(error: TrieError<E>) -> Self {
        match error {
            TrieError::Source(source) => Self::Oracle(source),
            error => Self::Trie(error),
        }
    }
}
