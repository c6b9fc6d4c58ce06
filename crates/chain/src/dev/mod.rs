//! What a development L1 has and a real one does not: a clock that can be moved, blocks on
//! demand, balances by decree, snapshots, and its own blob store.

mod blobs;
mod miner;

pub use blobs::{BlobError, BlobStore, StoredBlob};
pub use miner::{DevChain, Mining, Patch};
