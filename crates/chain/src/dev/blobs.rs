//! Blobs of the development L1, which has no consensus layer to keep them.

use std::{collections::HashMap, path::Path};

use alloy_consensus::{EthereumTxEnvelope, Transaction as _, TxEip4844WithSidecar};
use alloy_eips::{
    eip4844::{BlobTransactionValidationError, env_settings::EnvKzgSettings},
    eip7594::BlobTransactionSidecarVariant,
};
use alloy_primitives::{B256, Bytes};
use alloy_rlp::{Decodable, RlpDecodable, RlpEncodable};
use duplex_primitives::Transaction;
use duplex_storage::Records;
use parking_lot::Mutex;
use thiserror::Error;

use crate::BlockData;

/// Why a transaction's blobs are refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The blobs do not match the commitments, the proofs or the versioned hashes.
    #[error("blob transaction sidecar: {0}")]
    Invalid(BlobTransactionValidationError),
    /// The store failed.
    #[error("blob store: {0}")]
    Storage(#[from] duplex_storage::Error),
}

/// One blob of a block.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct StoredBlob {
    /// Position among the block's blobs.
    pub index: u64,
    /// EIP-4844 versioned hash.
    pub versioned_hash: B256,
    /// The 131,072 bytes.
    pub blob: Bytes,
    /// KZG commitment, 48 bytes.
    pub commitment: Bytes,
    /// KZG proof that the blob belongs to the commitment, 48 bytes.
    pub proof: Bytes,
}

/// Keeps the blobs of pooled transactions in memory and those of blocks on disk, by their versioned
/// hashes: whichever block a reorganisation puts a transaction into has its blobs.
#[derive(Debug)]
pub struct BlobStore {
    pooled: Mutex<HashMap<B256, BlobTransactionSidecarVariant>>,
    mined: Records,
}

fn key(versioned_hash: B256) -> String {
    format!("blob/{versioned_hash}")
}

impl BlobStore {
    /// Opens the store in `dir`.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn open(dir: &Path) -> Result<Self, duplex_storage::OpenError> {
        Ok(Self { pooled: Mutex::default(), mined: Records::open(&dir.join("blobs.redb"))? })
    }

    /// Takes the blobs off a transaction after checking them (EIP-4844 network form).
    ///
    /// # Errors
    /// If the blobs do not belong to it.
    pub fn split(
        &self,
        tx: EthereumTxEnvelope<TxEip4844WithSidecar<BlobTransactionSidecarVariant>>,
    ) -> Result<Transaction, BlobError> {
        if let EthereumTxEnvelope::Eip4844(signed) = &tx {
            let inner = signed.tx();
            inner
                .sidecar
                .validate(&inner.tx.blob_versioned_hashes, EnvKzgSettings::Default.get())
                .map_err(BlobError::Invalid)?;
            self.pooled.lock().insert(*signed.hash(), inner.sidecar.clone());
        }
        Ok(Transaction::Ethereum(tx.map_eip4844(|tx| tx.tx)))
    }

    /// Drops the blobs of a transaction that the pool has refused.
    pub fn forget(&self, hash: B256) {
        self.pooled.lock().remove(&hash);
    }

    /// Moves the blobs of a block's transactions to disk.
    ///
    /// # Errors
    /// If the store fails.
    pub fn mined(&self, block: &BlockData) -> Result<(), BlobError> {
        for hash in &block.tx_hashes {
            let Some(sidecar) = self.pooled.lock().remove(hash) else { continue };
            for blob in stored(sidecar)? {
                self.mined.put(&key(blob.versioned_hash), &alloy_rlp::encode(&blob))?;
            }
        }
        Ok(())
    }

    /// The blobs of a block, in the order of its transactions. A blob that is not there is left out.
    ///
    /// # Errors
    /// If the store fails.
    pub fn of(&self, block: &BlockData) -> Result<Vec<StoredBlob>, BlobError> {
        let hashes = block.transactions().iter().filter_map(|tx| tx.blob_versioned_hashes()).flatten();
        let mut blobs = Vec::new();
        for (index, hash) in hashes.enumerate() {
            let Some(bytes) = self.mined.get(&key(*hash))? else { continue };
            if let Ok(blob) = StoredBlob::decode(&mut &bytes[..]) {
                blobs.push(StoredBlob { index: index as u64, ..blob });
            }
        }
        Ok(blobs)
    }
}

fn stored(sidecar: BlobTransactionSidecarVariant) -> Result<Vec<StoredBlob>, BlobError> {
    let hashes: Vec<B256> = sidecar.versioned_hashes().collect();
    let settings = EnvKzgSettings::Default.get();
    let (blobs, commitments) = match &sidecar {
        BlobTransactionSidecarVariant::Eip4844(inner) => (&inner.blobs, &inner.commitments),
        BlobTransactionSidecarVariant::Eip7594(inner) => (&inner.blobs, &inner.commitments),
    };
    let mut out = Vec::with_capacity(blobs.len());
    for (i, (blob, commitment)) in blobs.iter().zip(commitments).enumerate() {
        // Cell proofs (EIP-7594) do not say the same, so the blob's own proof is made here.
        let proof = alloy_eips::eip4844::c_kzg::Blob::from_bytes(blob.as_slice())
            .and_then(|blob| settings.compute_blob_kzg_proof(&blob, &(commitment.0.into())))
            .map_err(|error| BlobError::Invalid(BlobTransactionValidationError::KZGError(error)))?;
        out.push(StoredBlob {
            index: i as u64,
            versioned_hash: hashes[i],
            blob: Bytes::copy_from_slice(blob.as_slice()),
            commitment: Bytes::copy_from_slice(commitment.as_slice()),
            proof: Bytes::copy_from_slice(proof.to_bytes().as_slice()),
        });
    }
    Ok(out)
}
