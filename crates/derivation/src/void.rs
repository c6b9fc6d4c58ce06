//! Why content is void.

use duplex_primitives::ContentError;
use thiserror::Error;

/// Why the content of a batch is void, so that the default content stands for it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Undecodable {
    /// The data is not an encoded batch.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// It has more or fewer blocks than the header says.
    #[error("the content has {found} blocks, the header {expected}")]
    Blocks {
        /// Blocks in the content.
        found: u64,
        /// Blocks by the header.
        expected: u64,
    },
    /// A sum over the blocks does not end where the header says.
    #[error("the content ends at {what} {found:?}, the header says {expected}")]
    End {
        /// Which sum.
        what: &'static str,
        /// Where it ends; `None` past 64 bits.
        found: Option<u64>,
        /// Where it should.
        expected: u64,
    },
    /// A block consumes more gas of messages than blocks may.
    #[error("block {block} takes messages with {gas} gas, the limit is {limit}")]
    MessageGas {
        /// The block.
        block: u64,
        /// Gas limits of its messages, summed.
        gas: u64,
        /// The limit.
        limit: u64,
    },
    /// A block lists more transactions than could ever fit.
    #[error("block {block} lists {found} transactions, at most {limit} can fit")]
    Transactions {
        /// The block.
        block: u64,
        /// How many it lists.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// A block is older than the L1 block it builds on.
    #[error("block {block} has time {timestamp}, its anchor {anchor}")]
    BehindAnchor {
        /// The block.
        block: u64,
        /// Its time.
        timestamp: u64,
        /// Time of its anchor.
        anchor: u64,
    },
}
