//! Proofs of accounts and storage slots.

use alloc::vec::Vec;
use alloy_primitives::{B256, Bytes, U256};
use alloy_trie::TrieAccount;

/// What the state says of one account and some of its slots, with the trie nodes that prove it
/// against the state root (EIP-1186). Each list of nodes goes from the root down; an absent key
/// is proved by the node at which its path ends. A trie without entries has an empty proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateProof {
    /// The account; `None` if it does not exist.
    pub account: Option<TrieAccount>,
    /// Nodes of the account trie.
    pub account_proof: Vec<Bytes>,
    /// The root of the account's storage trie, that of an empty trie if there is no account.
    pub storage_root: B256,
    /// One for each slot that was asked for, in that order.
    pub storage: Vec<StorageProof>,
}

/// One slot of a [`StateProof`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageProof {
    /// `keccak256(slot)`.
    pub hashed_slot: B256,
    /// Its value; zero if it is absent.
    pub value: U256,
    /// Nodes of the storage trie.
    pub proof: Vec<Bytes>,
}
