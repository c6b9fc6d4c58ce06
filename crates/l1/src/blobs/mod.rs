//! Blobs: committing to them, keeping them, finding them.

mod archive;
mod sidecar;
mod source;

use std::{path::PathBuf, sync::Arc};

use alloy_eips::eip4844::{c_kzg, env_settings::EnvKzgSettings, kzg_to_versioned_hash};
use alloy_primitives::{B256, Bytes, U256};
use duplex_primitives::blob::MODULUS;
use parking_lot::Mutex;
use thiserror::Error;

pub use archive::BlobArchive;
pub(crate) use sidecar::{sidecar, with_sidecar};
use source::{Source, SourceError};

/// Why a blob cannot be had, kept, or committed to.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BlobsError {
    /// It is in none of the places that were asked.
    #[error("blob {hash} is in none of: {asked}; name another beacon API or archive with --blobs URL")]
    Missing {
        /// Its versioned hash.
        hash: B256,
        /// What was asked, and what it answered.
        asked: String,
    },
    /// Its commitment cannot be computed: it is not a blob.
    #[error("blob of {len} bytes: {why}")]
    Invalid {
        /// Its length.
        len: usize,
        /// What is wrong.
        why: String,
    },
    /// The archive's files cannot be read or written.
    #[error("blob archive {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A source's URL is malformed.
    #[error("{url:?} is not the URL of a beacon API: {why}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong.
        why: String,
    },
}

/// The EIP-4844 versioned hash of a blob. Takes some 30 ms.
///
/// # Errors
/// If it is not 131,072 bytes of canonical field elements.
pub fn versioned_hash(blob: &[u8]) -> Result<B256, BlobsError> {
    let invalid = |why: c_kzg::Error| BlobsError::Invalid { len: blob.len(), why: why.to_string() };
    let blob = c_kzg::Blob::from_bytes(blob).map_err(invalid)?;
    let commitment = EnvKzgSettings::Default.get().blob_to_kzg_commitment(&blob).map_err(invalid)?;
    Ok(kzg_to_versioned_hash(commitment.as_slice()))
}

/// The versioned hashes of blobs, in order.
///
/// # Errors
/// As [`versioned_hash`].
pub fn versioned_hashes(blobs: &[Bytes]) -> Result<Vec<B256>, BlobsError> {
    blobs.iter().map(|blob| versioned_hash(blob)).collect()
}

/// The proof of one field element of a blob: what `PreimageOracle.loadBlob` on L1 takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobElement {
    /// The element, big-endian.
    pub value: B256,
    /// KZG commitment to the blob, 48 bytes.
    pub commitment: Bytes,
    /// KZG proof of the element, 48 bytes.
    pub proof: Bytes,
}

/// Proves field element `index` of a blob: its polynomial's value at the root of unity that EIP-4844 puts
/// there. Takes some 60 ms.
///
/// # Errors
/// If it is not 131,072 bytes of canonical field elements.
///
/// # Panics
/// If `index` is not below 4096.
pub fn prove_element(blob: &[u8], index: u32) -> Result<BlobElement, BlobsError> {
    assert!(index < 4096, "a blob has no element {index}");
    let invalid = |why: c_kzg::Error| BlobsError::Invalid { len: blob.len(), why: why.to_string() };
    // 7 generates the field's multiplicative group (EIP-4844, PRIMITIVE_ROOT_OF_UNITY).
    let root = U256::from(7).pow_mod((MODULUS - U256::ONE) / U256::from(4096), MODULUS);
    let z = root.pow_mod(U256::from(index.reverse_bits() >> (32 - 12)), MODULUS);
    let settings = EnvKzgSettings::Default.get();
    let kzg = c_kzg::Blob::from_bytes(blob).map_err(invalid)?;
    let commitment = settings.blob_to_kzg_commitment(&kzg).map_err(invalid)?;
    let z = c_kzg::Bytes32::new(z.to_be_bytes());
    let (proof, value) = settings.compute_kzg_proof(&kzg, &z).map_err(invalid)?;
    Ok(BlobElement {
        value: B256::from_slice(value.as_slice()),
        commitment: Bytes::copy_from_slice(commitment.as_slice()),
        proof: Bytes::copy_from_slice(proof.as_slice()),
    })
}

/// Finds blobs: in the own archive first, then in other places, in turn. What is found is checked
/// and kept.
#[derive(Debug, Clone)]
pub struct Blobs {
    archive: BlobArchive,
    sources: Arc<Vec<Source>>,
    /// Sources that gave something else than they were asked for, by position: never asked again.
    liars: Arc<Mutex<Vec<usize>>>,
}

impl Blobs {
    /// Finds blobs in an archive and at these URLs.
    ///
    /// # Errors
    /// If a URL is malformed.
    pub fn new(archive: BlobArchive, urls: &[String]) -> Result<Self, BlobsError> {
        let sources = urls.iter().map(|url| Source::new(url)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { archive, sources: Arc::new(sources), liars: Arc::default() })
    }

    /// Where blobs are kept.
    pub const fn archive(&self) -> &BlobArchive {
        &self.archive
    }

    /// The blobs with these hashes, in order. `number` and `timestamp` are of the L1 block that
    /// brought them.
    ///
    /// # Errors
    /// If one is not to be found, or the archive fails.
    pub async fn get(&self, hashes: &[B256], number: u64, timestamp: u64) -> Result<Vec<Bytes>, BlobsError> {
        let mut blobs = Vec::with_capacity(hashes.len());
        for hash in hashes {
            let blob = match self.archive.get(*hash)? {
                Some(blob) => blob,
                None => self.fetch(*hash, number, timestamp).await?,
            };
            blobs.push(blob);
        }
        Ok(blobs)
    }

    async fn fetch(&self, hash: B256, number: u64, timestamp: u64) -> Result<Bytes, BlobsError> {
        let mut asked = vec!["the archive of this node".to_owned()];
        for (position, source) in self.sources.iter().enumerate() {
            if self.liars.lock().contains(&position) {
                asked.push(format!("{} (not asked: it gave false blobs)", source.url()));
                continue;
            }
            match source.get(hash, number, timestamp).await {
                Ok(blob) => {
                    self.archive.put(hash, &blob)?;
                    return Ok(blob);
                }
                Err(SourceError::Lie) => {
                    let mut liars = self.liars.lock();
                    if !liars.contains(&position) {
                        tracing::warn!(source = source.url(), %hash, "gave a false blob and is not asked again");
                        liars.push(position);
                    }
                    asked.push(format!("{} (gave a false blob)", source.url()));
                }
                Err(SourceError::Failed(why)) => asked.push(format!("{} ({why})", source.url())),
            }
        }
        Err(BlobsError::Missing { hash, asked: asked.join(", ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_proved_to_be_what_it_is() {
        let blob = duplex_primitives::blob::encode(&[7; 100_000]).unwrap().remove(0);
        for index in [0, 1, 2, 1000, 4095] {
            let proved = prove_element(&blob, index).unwrap();
            assert_eq!(proved.value.as_slice(), &blob[32 * index as usize..][..32], "element {index}");
            assert_eq!(kzg_to_versioned_hash(&proved.commitment), versioned_hash(&blob).unwrap());
            assert_eq!(proved.proof.len(), 48);
        }
        assert!(prove_element(&blob[1..], 0).is_err());
    }
}
