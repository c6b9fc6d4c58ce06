//! An EVM chain: block building, import, reorganisation, state access and subscriptions.
//!
//! Used twice: with L1 rules as the embedded development L1, with L2 rules as the rollup. A
//! [`Chain`] owns its database, its state trie and its transaction pool. One writer at a time
//! builds, imports or unwinds; readers take a [`StateAt`] and never wait for it.

mod block;
mod build;
mod chain;
mod derive;
mod effects;
mod error;
mod events;
mod genesis;
mod state;
mod write;

pub mod dev;

pub use block::BlockData;
pub use build::{BuildRequest, Built};
pub use chain::{Chain, ChainOptions, Head};
pub use derive::Derived;
pub use effects::{AccountAfter, AccountEffect, Effects, SlotEffect};
pub use error::{ChainError, StateError, SubmitError};
pub use events::ChainEvent;
pub use genesis::{dev_system_contracts, genesis_header};
pub use state::StateAt;
