//! The long-running parts of a rollup node: deriver, sequencer, batcher, proposer, prover, challenger, feed.
//!
//! Each is an actor with one `run(cancel)`. They share nothing but the [`Rollup`]: the chain, the
//! L1 index, how far L2 is derived from L1, and whose turn it is to change the chain.

mod batcher;
pub mod challenger;
mod derive;
mod deriver;
mod error;
mod facts;
mod feed;
mod follow;
mod proposer;
mod proven;
mod prover;
mod rollup;
mod sequencer;

pub use batcher::{Batcher, BatcherOptions, DaMode};
pub use challenger::{Challenger, program};
pub use deriver::Deriver;
pub use error::ActorError;
pub use facts::bundle;
pub use feed::Feed;
pub use proposer::{Proposer, ProposerOptions, claim_history};
pub use proven::{Proofs, ProvenRange, StatementParts, TrustProofs};
pub use prover::{Prover, ProverError, ProverOptions, Proving, ProvingState, ServiceError};
pub use rollup::{Derivation, Judged, Operator, Rollup};
pub use sequencer::{Sequencer, SequencerOptions};
