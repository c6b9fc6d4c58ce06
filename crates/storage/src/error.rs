//! What can go wrong, sorted by what the caller can do about it.

use alloy_primitives::B256;
use std::path::PathBuf;

/// The result of reading or writing an open database.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has it open.
    #[error(
        "{} is in use by another process: stop that process, or choose another directory", path.display()
    )]
    Locked {
        /// The file that is locked.
        path: PathBuf,
    },
    /// The directory holds another chain.
    #[error(
        "{} holds the chain {found}, not {expected}: choose another directory, or remove this one to start over",
        path.display()
    )]
    WrongChain {
        /// The identity that was asked for.
        expected: B256,
        /// The identity that the file was created with.
        found: B256,
        /// The file.
        path: PathBuf,
    },
    /// The file was written in another format.
    #[error(
        "{} has format {found}, this program reads {expected}: use the program that wrote it, or remove it and rebuild from L1",
        path.display()
    )]
    WrongVersion {
        /// The format of this program.
        expected: u32,
        /// The format of the file.
        found: u32,
        /// The file.
        path: PathBuf,
    },
    /// The directory or the lock file cannot be created or opened.
    #[error("cannot open {}: {source}", path.display())]
    Io {
        /// What was opened.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The files could be opened, but not read.
    #[error(transparent)]
    Storage(#[from] Error),
}

/// Why an open database could not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The block does not follow the head. Nothing was written.
    #[error("block {found} does not follow the head: expected block {expected}")]
    NotNext {
        /// The only number that can be committed.
        expected: u64,
        /// The number that was offered.
        found: u64,
    },
    /// The state at a block that was pruned, or that does not exist.
    #[error("the state at block {asked} is not kept: history reaches from block {floor} to {head}")]
    BeyondHistory {
        /// The oldest block whose state can be read.
        floor: u64,
        /// The newest.
        head: u64,
        /// The block that was asked for.
        asked: u64,
    },
    /// There is no block yet.
    #[error("the database holds no block yet")]
    Empty,
    /// A block whose changes exceed what one journal can describe (4 GiB). Nothing was written.
    #[error("block {number} changes too much to be stored")]
    TooLarge {
        /// The block.
        number: u64,
    },
    /// The files contradict themselves: the disk, or something else, changed them.
    #[error("table {table} is corrupt: {what}; remove the database and rebuild it from L1")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// An earlier write failed, so what is in memory can no longer be trusted. Reads still work.
    #[error("the database stopped accepting writes ({cause}): restart to recover the last durable block")]
    Stopped {
        /// The failure that stopped it.
        cause: String,
    },
    /// The storage engine failed, mostly because the file system did.
    #[error("storage engine: {0}")]
    Engine(#[source] Box<redb::Error>),
}

impl Error {
    pub(crate) fn corrupt(table: &'static str, what: impl Into<String>) -> Self {
        Self::Corrupt { table, what: what.into() }
    }
}

macro_rules! from_engine {
    ($($error:ident)*) => {$(
        impl From<redb::$error> for Error {
            fn from(error: redb::$error) -> Self {
                Self::Engine(Box::new(error.into()))
            }
        }
    )*};
}

from_engine!(StorageError TableError TransactionError CommitError DatabaseError);
