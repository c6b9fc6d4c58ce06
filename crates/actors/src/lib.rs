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
use duplex_primitives::{BatchHeader, L2Extra};
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

impl Rollup {
    /// Whether a batch on L1 ends where this chain does at its last block. `None` if this chain is
    /// not there yet.
    ///
    /// # Errors
    /// If the chain cannot be read.
    pub fn agrees_with(&self, batch: &BatchHeader) -> Result<Option<bool>, ActorError> {
        let Some(header) = self.chain.header(batch.lastBlock)? else { return Ok(None) };
        let extra = L2Extra::decode(&header.extra_data).unwrap_or_default();
        let ours = (header.timestamp, extra.anchor_number, extra.message_count);
        let same_anchor = header.parent_beacon_block_root == Some(batch.anchorHash);
        Ok(Some(ours == (batch.timestamp, batch.anchorNumber, batch.messageCount) && same_anchor))
    }
}

/// What those actors need that send transactions to L1.
#[derive(Debug, Clone)]
pub struct Operator {
    /// Sends them.
    pub txs: TxManager,
}
