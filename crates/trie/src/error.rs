//! What can go wrong while using a trie.

use crate::NodeKey;
use alloc::boxed::Box;
use alloy_primitives::B256;

/// Why a trie could not answer or could not be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrieError<E> {
    /// The source lacks a node that the trie refers to: the state was pruned, or the witness is
    /// incomplete.
    #[error("node {hash} of {key} is missing from the source; use a source that holds this state")]
    Missing {
        /// Where the node belongs.
        key: Box<NodeKey>,
        /// Its hash.
        hash: B256,
    },
    /// The source gave bytes that are no node that could live at this path. The data is corrupt.
    #[error("node {hash} of {key} is corrupt: {reason}")]
    Decode {
        /// Where the node belongs.
        key: Box<NodeKey>,
        /// The hash that it should have.
        hash: B256,
        /// What is wrong with the bytes.
        reason: alloy_rlp::Error,
    },
    /// A leaf holds something other than an account (account trie) or a number (storage trie).
    #[error("the value at {key} is corrupt: {reason}")]
    Value {
        /// The leaf's trie and full path.
        key: Box<NodeKey>,
        /// What is wrong with the bytes.
        reason: alloy_rlp::Error,
    },
    /// A proof was asked of a trie with changes that are not committed, so that hashes are unknown.
    #[error("the trie has uncommitted changes; commit before asking for a proof")]
    Uncommitted,
    /// The source failed.
    #[error("the node source failed: {0:?}")]
    Source(E),
}

pub(crate) type Result<T, E> = core::result::Result<T, TrieError<E>>;
