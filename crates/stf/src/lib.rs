//! The state-transition function: executes a block from any state source.
//!
//! One set of rules for everyone: the node builds and imports blocks with it, followers derive
//! with it, and the proof programs are this crate compiled for another machine. It is `no_std`
//! and knows neither databases nor networks: state comes through [`revm::DatabaseRef`].
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod data_fee;
mod derive;
mod env;
mod error;
mod executor;
mod header;
mod machine;
mod opening;
mod overlay;
mod precompiles;
mod requests;

pub use derive::{DerivedBlock, Listed, derive_block};
pub use env::{block_env, tx_env};
pub use error::{BlockError, TxError};
pub use executor::{Executor, Outcome, execute_block};
pub use header::{blob_base_fee, next_base_fee, open_header, seal_header, validate_header};
pub use machine::{L1Context, L2Context, Machine, Relaxed, TxResult, TxStatus};
pub use overlay::{Changes, Overlay};
pub use precompiles::BLAKE2_ROUND_GAS;
