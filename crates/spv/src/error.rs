//! What can be wrong with blocks and proofs.

use alloy_primitives::B256;
use duplex_l1::RpcError;

/// A block whose parts are not of each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// The transactions are others than those of the header.
    #[error("the transactions have the root {actual}, the header of block {block} says {expected}")]
    Transactions {
        /// Hash of the header.
        block: B256,
        /// What it says.
        expected: B256,
        /// What the transactions give.
        actual: B256,
    },
    /// The receipts are others than those of the header.
    #[error("the receipts have the root {actual}, the header of block {block} says {expected}")]
    Receipts {
        /// Hash of the header.
        block: B256,
        /// What it says.
        expected: B256,
        /// What the receipts give.
        actual: B256,
    },
    /// No item has that index.
    #[error("block {block} has {count} transactions, so none with index {index}")]
    NoSuchIndex {
        /// Number of the block.
        block: u64,
        /// How many there are.
        count: usize,
        /// What was asked for.
        index: usize,
    },
}

/// A file of a block that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be opened, or is not text.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It is no file of a block.
    #[error("it is longer than {most} characters, which no block is")]
    TooLong {
        /// The most that is read.
        most: u64,
    },
    /// A part is not there.
    #[error("there is no line `{0}: 0x…` in it; a file of a block has header, body and receipts")]
    Missing(&'static str),
    /// A part is no hexadecimal number.
    #[error("`{part}` is not hexadecimal: {error}")]
    Hex {
        /// Which.
        part: &'static str,
        /// Why.
        error: alloy_primitives::hex::FromHexError,
    },
    /// A part is not RLP of what it should be.
    #[error("`{part}` is not what it should be: {error}")]
    Rlp {
        /// Which.
        part: &'static str,
        /// Why.
        error: alloy_rlp::Error,
    },
    /// The parts are not of one block.
    #[error(transparent)]
    Block(#[from] BlockError),
}

/// A block or a proof that was not had from a node.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The node did not answer, or refused.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The node has no such block.
    #[error("the node has no block {0}")]
    NoBlock(String),
    /// The node has no such transaction in a block.
    #[error("the node knows no transaction {0} that is in a block")]
    NoTransaction(B256),
    /// What the node said makes no sense.
    #[error("what the node says of block {block} cannot be read: {what}")]
    Unreadable {
        /// Hash of the block.
        block: B256,
        /// What is wrong.
        what: String,
    },
    /// The parts are not of one block.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// The node's proof does not hold.
    #[error("the node's proof does not hold: {0}")]
    Proof(#[from] ProofError),
}

/// A proof that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The header is not RLP of a header, to the last byte.
    #[error("the header is none: {0}")]
    Header(alloy_rlp::Error),
    /// The nodes do not lead from the header's root to the value.
    #[error("{what} is not proved: {why}")]
    Nodes {
        /// What was to be proved.
        what: String,
        /// Where it ended.
        why: String,
    },
    /// The value is no receipt.
    #[error("the proved value is no receipt: {0}")]
    Receipt(alloy_rlp::Error),
    /// The value is no transaction.
    #[error("the proved value is no transaction: {0}")]
    Transaction(String),
}
