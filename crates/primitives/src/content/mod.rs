//! The data of a batch: a run of L2 blocks, one column per field, compressed with brotli.
//!
//! `0x00 ‖ brotli(columns)`. Fields of the same kind stand together over the whole batch, because
//! they resemble each other: block columns first (timestamps, anchors, message counts, sizes),
//! then one column per transaction field. The bytes are described in `docs/protocol.md`.

mod columns;
mod compress;

use alloc::vec::Vec;
use thiserror::Error;

use crate::Transaction;

/// Uncompressed batches are never longer than this, whatever the compressed size claims.
pub const MAX_CONTENT: usize = 8 << 20;

/// A batch never has more blocks than this, so that a few bytes cannot stand for millions.
pub const MAX_BLOCKS: usize = 1 << 16;

/// Version byte of this encoding.
const VERSION: u8 = 0;

/// Why batch data is not a batch.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ContentError {
    /// The first byte is not a version that this code knows.
    #[error("batch data starts with version {0:?}, known is 0")]
    Version(Option<u8>),
    /// The brotli stream is damaged, cut off or followed by other bytes.
    #[error("batch data is not one whole brotli stream")]
    Compression,
    /// The content is longer than [`MAX_CONTENT`], or has more blocks than [`MAX_BLOCKS`].
    #[error("batch content is longer than {MAX_CONTENT} bytes or {MAX_BLOCKS} blocks")]
    TooLong,
    /// A column ends early, or holds a value out of range.
    #[error("batch content is damaged in column {0}")]
    Column(&'static str),
    /// Bytes are left after the last column.
    #[error("batch content is followed by {0} surplus bytes")]
    Surplus(usize),
    /// A transaction cannot be put into a batch of this chain.
    #[error("transaction {hash} cannot be in a batch: {why}")]
    Unsupported {
        /// Hash of the transaction.
        hash: alloy_primitives::B256,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// What the sequencer decided for one L2 block; all else follows from it by derivation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlockContent {
    /// Seconds after the previous block.
    pub timestamp_delta: u64,
    /// L1 blocks that the anchor moves forward.
    pub anchor_delta: u64,
    /// L1 messages this block consumes.
    pub messages: u64,
    /// The transactions that users sent, without deposits.
    pub transactions: Vec<Transaction>,
}

/// The data of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BatchContent {
    /// One entry per L2 block.
    pub blocks: Vec<BlockContent>,
}

impl BatchContent {
    /// Reads batch data. Every input has exactly one result.
    ///
    /// # Errors
    /// What [`ContentError`] lists; the caller then treats the batch as empty of transactions.
    pub fn decode(data: &[u8], chain_id: u64) -> Result<Self, ContentError> {
        match data.split_first() {
            Some((&VERSION, rest)) => columns::decode(&compress::decompress(rest, MAX_CONTENT)?, chain_id),
            first => Err(ContentError::Version(first.map(|(v, _)| *v))),
        }
    }

    /// Writes batch data.
    ///
    /// # Errors
    /// [`ContentError::Unsupported`] for deposits, blob transactions and transactions of another
    /// chain, [`ContentError::TooLong`] past [`MAX_CONTENT`] or [`MAX_BLOCKS`].
    #[cfg(feature = "std")]
    pub fn encode(&self, chain_id: u64) -> Result<Vec<u8>, ContentError> {
        let columns = self.columns(chain_id)?;
        let mut out = Vec::with_capacity(columns.len());
        out.push(VERSION);
        compress::compress(&columns, &mut out);
        Ok(out)
    }

    /// The columns before compression.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn columns(&self, chain_id: u64) -> Result<Vec<u8>, ContentError> {
        if self.blocks.len() > MAX_BLOCKS {
            return Err(ContentError::TooLong);
        }
        let columns = columns::encode(self, chain_id)?;
        if columns.len() > MAX_CONTENT { Err(ContentError::TooLong) } else { Ok(columns) }
    }
}
