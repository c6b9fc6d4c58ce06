//! The embedded database of a node: blocks, receipts, versioned state and trie nodes, crash-safe
//! and reorg-aware.
//!
//! Only the canonical chain is stored. Every state key is kept with the number of the block that
//! wrote it, so the state can be read at any block of the kept [`History`], and taking blocks
//! back is deleting exactly what they wrote.
//!
//! # How a commit is fast and safe
//!
//! Random keys in a B-tree cost a page write each, so a commit does not touch the state tables.
//! It appends the block and its *journal* (every state change, trie node and transaction hash,
//! one sequential value) to `blocks.redb` in one durable transaction, and keeps the same changes
//! in memory as a *layer*. A worker thread folds several layers at a time, in key order, into the
//! versioned tables of `state.redb`. What a crash finds not yet folded is read back from the
//! journal when the database is opened; the journal is the truth and the tables are its index.
//!
//! | file | tables |
//! |---|---|
//! | `blocks.redb` | headers, bodies, receipts, senders, block hashes, codes, journal |
//! | `state.redb` | accounts, slots and nodes by key and block; transaction lookups |
//! | `LOCK` | held while a process has the database open |
//!
//! Trie nodes are the bulk of what a block writes. The nodes table points into the journal
//! instead of repeating them; only those that outlive their journal are copied when it is pruned.
//!
//! A [`Reader`] is one published state of all this. Taking one is cloning a pointer; it never
//! waits for the writer and never changes.

mod account;
mod backend;
mod check;
mod codec;
mod database;
mod error;
mod files;
mod fold;
mod journal;
mod layer;
mod options;
mod prune;
mod reader;
mod records;
mod stream;
mod tables;
mod unwind;
mod view;
mod worker;
mod writer;

pub use account::Accounts;
pub use check::Summary;
pub use database::Database;
pub use error::{Error, OpenError, Result};
pub use options::{BlockRecord, History, Options};
pub use reader::Reader;
pub use records::Records;
