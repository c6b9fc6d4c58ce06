//! Proofs of what is in a block, for whoever knows the block's hash and nothing else.
//!
//! A block's header commits to its transactions, its receipts and the whole state. So a header and a
//! few trie nodes show that a transaction was included, that an event was emitted, or what a slot
//! held. This crate builds such proofs from any Ethereum JSON-RPC or from a file of a block, and checks
//! them. L1's and L2's contracts check the same ones (`contracts/src/libraries/BlockProof.sol`).
//!
//! Sources: the Yellow Paper, appendix D; EIP-2718 (typed transactions), EIP-1186 (`eth_getProof`).

mod block;
mod error;
mod fetch;
mod file;
mod ordered;
mod proof;
mod receipt;
mod walk;

pub use block::Block;
pub use error::{BlockError, FetchError, FileError, ProofError};
pub use fetch::{block_with, prove_storage};
pub use file::read_block;
pub use ordered::OrderedTrie;
pub use proof::{ItemProof, Proof, Proven, SlotProof, StorageProof, What};
pub use receipt::{Outcome, Receipt};
