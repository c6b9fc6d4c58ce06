//! What a caller is told when a request fails.

use alloy_primitives::{B256, Bytes};
use duplex_chain::{ChainError, StateError};
use duplex_stf::TxError;
use jsonrpsee::types::ErrorObjectOwned;
use thiserror::Error;

/// The result of a method.
pub type RpcResult<T> = Result<T, RpcError>;

/// Why a request failed. The codes are those of JSON-RPC, EIP-1474 and go-ethereum.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RpcError {
    /// A parameter is missing or wrong (-32602). The text names it.
    #[error("{0}")]
    InvalidParams(String),
    /// The chain or the pool refuses it (-32000), with Ethereum's own words for why.
    #[error("{0}")]
    Rejected(String),
    /// The call reverted (3). `data` are the reverted bytes.
    #[error("{message}")]
    Reverted {
        /// `execution reverted`, and the reason where the bytes tell one.
        message: String,
        /// The reverted bytes.
        data: Bytes,
    },
    /// What was named does not exist (-32001).
    #[error("{0}")]
    NotFound(String),
    /// A limit of this server (-32005). The text names it.
    #[error("{0}")]
    Limit(String),
    /// Not offered by this chain (-32004).
    #[error("{0}")]
    Unsupported(String),
    /// The transaction is in the pool, and no block took it in time (4, EIP-7966).
    #[error("transaction {hash} was added to the pool but not to a block within {millis} ms")]
    NotMined {
        /// Hash of the transaction.
        hash: B256,
        /// How long was waited.
        millis: u128,
    },
    /// The node failed (-32603).
    #[error("{0}")]
    Internal(String),
}

impl RpcError {
    /// The code in the response.
    pub const fn code(&self) -> i32 {
        match self {
            Self::InvalidParams(_) => -32602,
            Self::Rejected(_) => -32000,
            Self::Reverted { .. } => 3,
            Self::NotFound(_) => -32001,
            Self::Limit(_) => -32005,
            Self::Unsupported(_) => -32004,
            Self::NotMined { .. } => 4,
            Self::Internal(_) => -32603,
        }
    }

    /// A parameter that is missing or wrong.
    pub fn param(name: &str, why: impl core::fmt::Display) -> Self {
        Self::InvalidParams(format!("invalid argument {name}: {why}"))
    }

    /// A failure of the node itself.
    pub fn internal(why: impl core::fmt::Display) -> Self {
        Self::Internal(why.to_string())
    }
}

impl From<RpcError> for ErrorObjectOwned {
    fn from(error: RpcError) -> Self {
        let (code, message) = (error.code(), error.to_string());
        if error.code() == -32603 {
            tracing::error!(%error, "request failed");
        }
        match error {
            RpcError::Reverted { data, .. } => Self::owned(code, message, Some(data)),
            RpcError::NotMined { hash, .. } => Self::owned(code, message, Some(hash)),
            _ => Self::owned(code, message, None::<()>),
        }
    }
}

impl From<ChainError> for RpcError {
    fn from(error: ChainError) -> Self {
        Self::internal(error)
    }
}

impl From<StateError> for RpcError {
    fn from(error: StateError) -> Self {
        Self::internal(error)
    }
}

impl From<TxError<StateError>> for RpcError {
    fn from(error: TxError<StateError>) -> Self {
        match error {
            TxError::Source(source) => source.into(),
            other => Self::Rejected(other.to_string()),
        }
    }
}
