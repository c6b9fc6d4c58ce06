//! The data of batches.

use alloy_primitives::{Address, B256, Bytes};
use alloy_sol_types::SolCall;
use duplex_contracts::bindings::{Batch, IInbox};
use duplex_primitives::{BatchHeader, blob, data_root};
use thiserror::Error;

use crate::{BatchEntry, Blobs, BlobsError, Rpc, RpcError};

/// Why the data of a batch cannot be had now. All of these can pass.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// L1 refused or could not be reached.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// L1 does not have the transaction: it was reorganised, or its node lags.
    #[error("L1 does not have transaction {tx}, which brought batch {batch}")]
    Gone {
        /// Position of the batch.
        batch: u64,
        /// The transaction.
        tx: B256,
    },
    /// L1's node gives something that the Inbox cannot have taken.
    #[error("L1's node gives a transaction {tx} that is not the one which brought batch {batch}: {why}")]
    Nonsense {
        /// Position of the batch.
        batch: u64,
        /// The transaction.
        tx: B256,
        /// What is wrong.
        why: &'static str,
    },
    /// Blobs cannot be had.
    #[error("batch {batch} of L1 transaction {tx}: {source}")]
    Blobs {
        /// Position of the batch.
        batch: u64,
        /// The transaction.
        tx: B256,
        /// Why.
        source: BlobsError,
    },
}

/// What L1 carried for a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// The data itself.
    Calldata(Bytes),
    /// Blobs, with their versioned hashes.
    Blobs(Vec<(B256, Bytes)>),
}

/// Reads the data of batches from L1.
#[derive(Debug, Clone)]
pub struct BatchReader {
    rpc: Rpc,
    blobs: Blobs,
    inbox: Address,
}

impl BatchReader {
    /// A reader of what was appended to `inbox`.
    pub const fn new(rpc: Rpc, blobs: Blobs, inbox: Address) -> Self {
        Self { rpc, blobs, inbox }
    }

    /// Where blobs come from.
    pub const fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// The data of a batch. Blobs that hold no data give none, which is their meaning.
    ///
    /// # Errors
    /// If L1 or the blobs cannot be read now.
    pub async fn data(&self, entry: &BatchEntry) -> Result<Vec<u8>, DataError> {
        Ok(match self.carried(entry).await? {
            Carried::Calldata(data) => data.to_vec(),
            Carried::Blobs(blobs) => {
                let blobs: Vec<Bytes> = blobs.into_iter().map(|(_, blob)| blob).collect();
                blob::decode(&blobs).unwrap_or_default()
            }
        })
    }

    /// What L1 carried for a batch, as it was.
    ///
    /// # Errors
    /// If L1 or the blobs cannot be read now.
    pub async fn carried(&self, entry: &BatchEntry) -> Result<Carried, DataError> {
        let (batch, tx) = (entry.header.index, entry.l1_tx);
        let nonsense = |why| DataError::Nonsense { batch, tx, why };
        let found = self.rpc.transaction(tx).await?.ok_or(DataError::Gone { batch, tx })?;
        if found.to != Some(self.inbox) {
            return Err(nonsense("it does not call the Inbox"));
        }
        if let Ok(call) = IInbox::appendCall::abi_decode(&found.input) {
            if header(&call.header) != entry.header || data_root(&call.data) != entry.header.dataRoot {
                return Err(nonsense("it has other data"));
            }
            return Ok(Carried::Calldata(call.data));
        }
        let Ok(call) = IInbox::appendBlobsCall::abi_decode(&found.input) else {
            return Err(nonsense("it appends nothing"));
        };
        let hashes = found.blob_versioned_hashes.unwrap_or_default();
        if header(&call.header) != entry.header || blob::blobs_root(&hashes) != entry.header.dataRoot {
            return Err(nonsense("it has other blobs"));
        }
        let block = self.rpc.header(entry.l1_block).await?.ok_or(DataError::Gone { batch, tx })?;
        let blobs = self.blobs.get(&hashes, entry.l1_block, block.header.timestamp).await;
        let blobs = blobs.map_err(|source| DataError::Blobs { batch, tx, source })?;
        Ok(Carried::Blobs(hashes.into_iter().zip(blobs).collect()))
    }
}

fn header(batch: &Batch) -> BatchHeader {
    BatchHeader {
        index: batch.index,
        parentHash: batch.parentHash,
        dataRoot: batch.dataRoot,
        firstBlock: batch.firstBlock,
        lastBlock: batch.lastBlock,
        timestamp: batch.timestamp,
        anchorNumber: batch.anchorNumber,
        anchorHash: batch.anchorHash,
        messageCount: batch.messageCount,
        messageAcc: batch.messageAcc,
    }
}
