//! Sparse Merkle-Patricia tries, proofs and witnesses.
//!
//! A [`StateTrie`] holds the part of Ethereum's state that has been touched and stands for the
//! rest by hashes. What is missing is fetched from a [`NodeSource`]: the node's database (by
//! path) or a witness (by hash). The crate is `no_std`, because the same code computes state
//! roots natively and inside proofs.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod commit;
mod decode;
mod edit;
mod error;
mod fetch;
mod node;
mod proof;
mod shrink;
mod state;
mod trie;
mod update;
mod witness;

pub use error::TrieError;
pub use proof::{StateProof, StorageProof};
pub use state::{StateTrie, state_root_of};
pub use trie::Trie;
pub use update::{AccountUpdate, HashedState, NodeKey, NodeSource, NodeUpdates, StateAccount};
pub use witness::{Recorder, Witness};
