//! The Solidity side in Rust: artifacts, bindings, and the L2 genesis made of them.
//!
//! The artifacts are what `cargo xtask contracts` builds from `contracts/src`; they are committed,
//! so that building the Rust needs no Solidity compiler.

mod artifacts;
mod attestation;
pub mod bindings;
mod claim;
mod convert;
mod genesis;
mod token;

pub use artifacts::{Artifact, artifact};
pub use attestation::{attestation_digest, attestation_domain};
pub use claim::ClaimContent;
pub use genesis::{L2GenesisParams, LanePeer, MINTABLE, RelayersPeer, l2_alloc};
pub use token::{l2_token_address, token_balance_slot};
