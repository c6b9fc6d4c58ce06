//! Messages, batches, output roots, blocks and chain configuration of Duplex.
//!
//! Everything that the node, the contracts and the proof programs must agree on to the byte. The
//! Solidity twins are `MessageQueue`, `Inbox`, `Settlement`, `Vault` and `MessagePasser`; the
//! bytes are described in `docs/protocol.md`.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod batch;
pub mod blob;
mod block;
mod config;
mod content;
mod genesis;
mod message;
mod output;
pub mod predeploys;
mod program;
mod receipt;
mod transaction;
pub mod tree;

pub use batch::{BatchHeader, DATA_CHUNK, data_root, merkle_root};
pub use block::{Block, BlockAttributes, BlockBody, Header, L2Extra, RecoveredBlock, transactions_root};
pub use config::{BaseFeeRule, ChainConfig, L1FeeScalars, Rules};
pub use content::{BatchContent, BlockContent, ContentError, MAX_BLOCKS, MAX_CONTENT};
pub use genesis::{Genesis, GenesisAccount};
pub use message::{L1Message, Withdrawal, alias_l1_address, messages_accumulator};
pub use output::OutputRoot;
pub use program::ProgramConfig;
pub use receipt::{Receipt, receipts_root};
pub use transaction::{Transaction, TxType, anchor_deposit};
