//! The long-running parts of a rollup node: sequencer, batcher, proposer, safety tracker.
//!
//! Each is an actor with one `run(cancel)`. They share nothing but the chain, the L1 index and
//! the manager of L1 transactions.

mod batcher;
mod error;
mod proposer;
mod safety;
mod sequencer;

pub use batcher::{Batcher, BatcherOptions};
pub use error::ActorError;
pub use proposer::{Proposer, ProposerOptions, claim_roots};
pub use safety::SafetyTracker;
pub use sequencer::{Sequencer, SequencerOptions};

use std::sync::Arc;

use duplex_chain::Chain;
use duplex_l1::{Deployment, L1Header, L1Index, Rpc, TxManager};
use tokio::sync::watch;

/// What all actors work with.
#[derive(Debug, Clone)]
pub struct Rollup {
    /// The L2 chain.
    pub chain: Chain,
    /// What the rollup is.
    pub deployment: Arc<Deployment>,
    /// L1.
    pub l1: Rpc,
    /// What has happened on L1.
    pub index: L1Index,
    /// The newest L1 block of which everything is in the index.
    pub l1_head: watch::Receiver<Option<L1Header>>,
}

/// What those actors need that send transactions to L1.
#[derive(Debug, Clone)]
pub struct Operator {
    /// Sends them.
    pub txs: TxManager,
}
