//! What one block of a batch gives, and what a run of batches does, from preimages alone.
//!
//! This is the program that defines L2 (`docs/fault-proofs.md` §1). What it says of one block is what
//! disputes are about ([`run`]), what it says of batches is what validity proofs are about
//! ([`range_output`]); both are made of the same parts. Compiled for bare RV64IM (`guest/`) it decides disputes; natively it decides whether a claim is worth one, and finds all
//! the preimages that the machine will ask for (`host`). Both are this code: nothing in it knows
//! where it runs.
//!
//! It writes none of the chain's rules again: what a batch says is `duplex-derivation`, executing it
//! `duplex-stf`, the state `duplex-trie`. What is here finds their inputs behind the five words of a
//! [`Statement`], each bound to it by hashes that L1 knows.
//!
//! Everything is found by following hashes, so whoever knows the chain knows every preimage. Of messages
//! and headers that only lead elsewhere nothing but numbers and hashes is kept: for one block, memory
//! stays bounded whatever its batch holds. For a run of batches it grows with the state that they touch.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod anchors;
mod bundle;
mod chain;
mod data;
mod error;
mod fields;
#[cfg(feature = "std")]
pub mod host;
mod oracle;
mod queue;
mod range;
mod run;
mod state;
mod statement;

pub use bundle::{BoundBlob, Bundle, BundleError};
pub use duplex_primitives::ProgramConfig;
pub use error::ProgramError;
pub use oracle::{Kind, Oracle, What};
pub use range::{RangeStatement, range_output};
pub use run::{block_output, run};
pub use statement::Statement;
