//! What L1 says of L2's blocks.
//!
//! A pure function of a batch's header, its data, the queue's messages and L1's headers. The
//! sequencer checks its own batches with it, followers derive with it, and the proof programs are
//! this crate compiled for another machine. Executing what it gives is `duplex-stf`'s part.
//!
//! Every input has exactly one result: content that breaks a rule is *void*, and the default
//! content stands for it (`docs/protocol.md`, Derivation).
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod batch;
mod blob_fee;
mod block;
mod plan;
mod void;

pub use batch::{Batch, Derived};
pub use block::{Anchor, BlockInput, forced_transactions};
pub use plan::{BlockPlan, MissingAnchor, Plan};
pub use void::Undecodable;

/// What derivation needs to know of a rollup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Chain id of the L2: batches do not repeat it.
    pub chain_id: u64,
    /// Highest gas limit of an L2 block. A block lists at most as many transactions as could fit.
    pub gas_limit: u64,
    /// The Inbox's `messageGasPerBlock`: how much gas of messages a block takes.
    pub message_gas_per_block: u64,
}

impl Rules {
    /// Most transactions that a block may list: with more, some could never be valid, and checking
    /// their signatures would have no bound.
    pub const fn max_listed(&self) -> usize {
        (self.gas_limit / TX_GAS) as usize
    }
}

/// The cheapest transaction.
const TX_GAS: u64 = 21_000;
