//! Why a block or a transaction is refused.

use alloc::string::String;
use alloy_primitives::B256;
use thiserror::Error;

/// Why a transaction cannot be executed. The state is as it was before.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TxError<E> {
    /// The EVM's rules refuse it: nonce, balance, fee, gas, signature kind.
    #[error("{0}")]
    Invalid(String),
    /// The kind of transaction does not exist on this chain.
    #[error("transaction type {0:#x} is not accepted on this chain")]
    Type(u8),
    /// What is left of the block's gas is less than the transaction's limit.
    #[error("transaction needs {needed} gas, the block has {left} left")]
    BlockGas {
        /// The transaction's gas limit.
        needed: u64,
        /// What the block has left.
        left: u64,
    },
    /// What is left of the block's blob gas is less than the transaction needs.
    #[error("transaction needs {needed} blob gas, the block has {left} left")]
    BlobGas {
        /// The transaction's blob gas.
        needed: u64,
        /// What the block has left.
        left: u64,
    },
    /// The state source failed; this says nothing about the transaction.
    #[error("state source: {0}")]
    Source(E),
}

/// Why a block is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BlockError<E> {
    /// A header field contradicts the parent, the rules, or what execution gave.
    #[error("header field {field} is {found}, must be {expected}")]
    Header {
        /// The field, by its JSON-RPC name.
        field: &'static str,
        /// What the header says.
        found: String,
        /// What it must say.
        expected: String,
    },
    /// A transaction of the block is invalid.
    #[error("transaction {index} ({hash}): {error}")]
    Transaction {
        /// Position in the block.
        index: usize,
        /// Hash of the transaction.
        hash: B256,
        /// What is wrong.
        error: TxError<E>,
    },
    /// A system contract that the rules require is missing or failed.
    #[error("system call to {0} failed")]
    SystemCall(alloy_primitives::Address),
    /// A deposit event of the L1 deposit contract does not have the form of EIP-6110.
    #[error("deposit event of the deposit contract has another layout than EIP-6110's")]
    DepositEvent,
    /// The block is longer than EIP-7934 allows.
    #[error("block is {0} bytes long")]
    TooLong(usize),
    /// The state source failed; this says nothing about the block.
    #[error("state source: {0}")]
    Source(E),
}

impl<E> BlockError<E> {
    /// Refuses a header field unless it is what it must be.
    pub(crate) fn check<T: PartialEq + core::fmt::Debug>(
        field: &'static str,
        found: T,
        expected: T,
    ) -> Result<(), Self> {
        if found == expected {
            return Ok(());
        }
        Err(Self::Header {
            field,
            found: alloc::format!("{found:?}"),
            expected: alloc::format!("{expected:?}"),
        })
    }
}
