//! Blobs of the development L1, which has no consensus layer to keep them.

use std::{collections::HashMap, path::Path};

use alloy_consensus::{EthereumTxEnvelope, TxEip4844WithSidecar};
use alloy_eips::{
    eip4844::{BlobTransactionValidationError, env_settings::EnvKzgSettings},
    eip7594::BlobTransactionSidecarVariant,
};
use alloy_primitives::{B256, Bytes};
use alloy_rlp::{Decodable, Encodable, RlpDecodable, RlpEncodable};
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

/// Keeps the blobs of pooled transactions in memory and those of blocks on disk. A block's slot is
/// its number.
#[derive(Debug)]
pub struct BlobStore {
    pooled: Mutex<HashMap<B256, BlobTransactionSidecarVariant>>,
    mined: Records,
}

fn key(slot: u64) -> String {
    format!("blobs/{slot:020}")
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

    /// Moves the blobs of a block's transactions to disk, under the block's number as slot.
    ///
    /// # Errors
    /// If the store fails.
    pub fn mined(&self, block: &BlockData) -> Result<(), BlobError> {
        let mut blobs = Vec::new();
        for hash in &block.tx_hashes {
            let Some(sidecar) = self.pooled.lock().remove(hash) else { continue };
            blobs.extend(stored(sidecar, blobs.len() as u64)?);
        }
        if !blobs.is_empty() {
            let mut bytes = Vec::new();
            blobs.encode(&mut bytes);
            self.mined.put(&key(block.number()), &bytes)?;
        }
        Ok(())
    }

    /// The blobs of a slot, in the order of their transactions; empty where there were none.
    ///
    /// # Errors
    /// If the store fails.
    pub fn at(&self, slot: u64) -> Result<Vec<StoredBlob>, BlobError> {
        let Some(bytes) = self.mined.get(&key(slot))? else { return Ok(Vec::new()) };
        Ok(Vec::decode(&mut &bytes[..]).unwrap_or_default())
    }
}

fn stored(sidecar: BlobTransactionSidecarVariant, first: u64) -> Result<Vec<StoredBlob>, BlobError> {
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
            index: first + i as u64,
            versioned_hash: hashes[i],
            blob: Bytes::copy_from_slice(blob.as_slice()),
            commitment: Bytes::copy_from_slice(commitment.as_slice()),
            proof: Bytes::copy_from_slice(proof.to_bytes().as_slice()),
        });
    }
    Ok(out)
}
