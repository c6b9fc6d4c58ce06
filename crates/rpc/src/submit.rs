//! Where raw transactions go.

use core::{fmt::Debug, future::Future, pin::Pin};
use std::sync::Arc;

use alloy_consensus::{EthereumTxEnvelope, TxEip4844WithSidecar};
use alloy_eips::{eip2718::Decodable2718, eip7594::BlobTransactionSidecarVariant};
use alloy_primitives::B256;
use duplex_chain::{Chain, SubmitError, dev::DevChain};
use duplex_pool::PoolError;
use duplex_primitives::Transaction;

use crate::{RpcError, RpcResult};

/// EIP-2718 type of blob transactions.
const BLOB_TYPE: u8 = 3;

/// The hash of a transaction that was taken, later.
pub type SubmitFuture<'a> = Pin<Box<dyn Future<Output = RpcResult<B256>> + Send + 'a>>;

/// Takes raw transactions: a pool, or another node.
pub trait SubmitRaw: Debug + Send + Sync {
    /// Takes a transaction in the EIP-2718 form that `eth_sendRawTransaction` carries; blob
    /// transactions come with their blobs.
    fn submit<'a>(&'a self, raw: &'a [u8]) -> SubmitFuture<'a>;
}

/// Puts transactions into the chain's own pool. It takes no blob transactions.
#[derive(Debug, Clone)]
pub struct PoolSubmit {
    chain: Chain,
}

impl PoolSubmit {
    /// The pool of this chain.
    pub const fn new(chain: Chain) -> Self {
        Self { chain }
    }
}

impl SubmitRaw for PoolSubmit {
    fn submit<'a>(&'a self, raw: &'a [u8]) -> SubmitFuture<'a> {
        Box::pin(async move {
            // Blobs come with the transaction, in a form that only an L1 reads.
            if raw.first() == Some(&BLOB_TYPE) {
                return Err(RpcError::Rejected(PoolError::TypeNotSupported(BLOB_TYPE).to_string()));
            }
            add(&self.chain, decode(raw)?)
        })
    }
}

/// Puts transactions into the pool of a development L1, and their blobs into its blob store.
#[derive(Debug, Clone)]
pub struct DevSubmit {
    dev: Arc<DevChain>,
}

impl DevSubmit {
    /// The pool and blob store of this chain.
    pub const fn new(dev: Arc<DevChain>) -> Self {
        Self { dev }
    }
}

impl SubmitRaw for DevSubmit {
    fn submit<'a>(&'a self, raw: &'a [u8]) -> SubmitFuture<'a> {
        Box::pin(async move {
            if raw.first() != Some(&BLOB_TYPE) {
                return add(self.dev.chain(), decode(raw)?);
            }
            let tx: EthereumTxEnvelope<TxEip4844WithSidecar<BlobTransactionSidecarVariant>> = decode(raw)?;
            let dev = self.dev.clone();
            // Checking the proofs of blobs takes milliseconds: too long for a thread that serves.
            let added = tokio::task::spawn_blocking(move || {
                let tx = dev.blobs().split(tx).map_err(|error| RpcError::Rejected(error.to_string()))?;
                let hash = tx.hash();
                let known = dev.chain().pool().contains(hash);
                let added = add(dev.chain(), tx);
                if added.is_err() && !known {
                    dev.blobs().forget(hash);
                }
                added
            });
            added.await.map_err(RpcError::internal)?
        })
    }
}

fn decode<T: Decodable2718>(raw: &[u8]) -> RpcResult<T> {
    if raw.is_empty() {
        return Err(RpcError::InvalidParams(
            "invalid argument 0 (transaction): empty transaction data".into(),
        ));
    }
    T::decode_2718_exact(raw).map_err(|error| {
        RpcError::InvalidParams(format!("invalid argument 0 (transaction): does not decode: {error}"))
    })
}

fn add(chain: &Chain, tx: Transaction) -> RpcResult<B256> {
    let hash = tx.hash();
    match chain.submit(tx) {
        Ok(_) => Ok(hash),
        Err(SubmitError::Pool(PoolError::State(error))) => Err(RpcError::internal(error)),
        Err(error) => Err(RpcError::Rejected(error.to_string())),
    }
}
