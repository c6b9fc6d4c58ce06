//! What goes into a state trie, and what comes out of it.

use alloc::{collections::BTreeMap, vec::Vec};
use alloy_primitives::{B256, Bytes, U256};
use alloy_trie::Nibbles;
use core::fmt;

/// An account without its storage root: what execution knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateAccount {
    /// Number of transactions sent, or of contracts created.
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// `keccak256` of the code; [`alloy_trie::KECCAK_EMPTY`] where there is none.
    pub code_hash: B256,
}

/// What a block did to one account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountUpdate {
    /// The account after the block; `None` if it does not exist any more.
    pub account: Option<StateAccount>,
    /// The storage that existed before the block is gone (`storage` is applied afterwards).
    pub wipe_storage: bool,
    /// Changed slots: `(keccak256(slot), value)`, sorted by hash; zero deletes.
    pub storage: Vec<(B256, U256)>,
}

/// What a block did to the state, by `keccak256(address)`.
pub type HashedState = BTreeMap<B256, AccountUpdate>;

/// Where a trie node lives: which trie, and the path from its root.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeKey {
    /// `None` for the account trie, `keccak256(address)` for that account's storage trie.
    pub owner: Option<B256>,
    /// Nibbles from the root; empty for the root itself.
    pub path: Nibbles,
}

impl fmt::Display for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.owner {
            None => f.write_str("the account trie at 0x")?,
            Some(owner) => write!(f, "the storage trie of {owner} at 0x")?,
        }
        self.path.iter().try_for_each(|nibble| write!(f, "{nibble:x}"))
    }
}

/// The nodes that a block wrote (`Some(rlp)`) or made unreachable (`None`). Only nodes that are
/// referenced by hash (RLP of 32 bytes or more, and roots) appear.
pub type NodeUpdates = Vec<(NodeKey, Option<Bytes>)>;

/// Where trie nodes come from that are not in memory yet.
pub trait NodeSource {
    /// What can go wrong while fetching.
    type Error: core::fmt::Debug;

    /// The RLP of the node at `key`, whose hash is `hash`. `Ok(None)` if the source lacks it.
    /// The caller checks nothing: a source that cannot be trusted must verify the hash itself.
    fn node(&self, key: &NodeKey, hash: &B256) -> Result<Option<Bytes>, Self::Error>;
}

impl<S: NodeSource + ?Sized> NodeSource for &S {
    type Error = S::Error;

    fn node(&self, key: &NodeKey, hash: &B256) -> Result<Option<Bytes>, Self::Error> {
        (**self).node(key, hash)
    }
}
