//! Blob transactions in the form in which they are sent.

use alloy_consensus::{EthereumTxEnvelope, SignableTransaction, TxEip4844, TxEip4844WithSidecar};
use alloy_eips::{
    eip2718::{Decodable2718, Encodable2718},
    eip4844::{Blob, BlobTransactionSidecar, c_kzg, env_settings::EnvKzgSettings},
    eip7594::{BlobTransactionSidecarEip7594, BlobTransactionSidecarVariant},
};
use alloy_primitives::Bytes;

use super::BlobsError;

/// Blobs with what proves them. Takes up to half a second for each blob. `cells` chooses EIP-7594's
/// proofs, which L1 takes since Fusaka, or those of EIP-4844.
///
/// # Errors
/// If they are no blobs.
pub(crate) fn sidecar(blobs: &[Bytes], cells: bool) -> Result<BlobTransactionSidecarVariant, BlobsError> {
    let wrong = |blob: &Bytes| BlobsError::Invalid { len: blob.len(), why: "not 131072 bytes".into() };
    let list: Vec<Blob> = blobs
        .iter()
        .map(|blob| Blob::try_from(&blob[..]).map_err(|_| wrong(blob)))
        .collect::<Result<_, _>>()?;
    let settings = EnvKzgSettings::Default.get();
    let len = blobs.first().map_or(0, |blob| blob.len());
    let failed = |why: c_kzg::Error| BlobsError::Invalid { len, why: why.to_string() };
    Ok(if cells {
        BlobTransactionSidecarEip7594::try_from_blobs_with_settings(list, settings).map_err(failed)?.into()
    } else {
        BlobTransactionSidecar::try_from_blobs_with_settings(list, settings).map_err(failed)?.into()
    })
}

/// The network form of a signed blob transaction: with its blobs, commitments and proofs.
///
/// # Errors
/// If `raw` is not a blob transaction.
pub(crate) fn with_sidecar(raw: &Bytes, sidecar: BlobTransactionSidecarVariant) -> Result<Bytes, BlobsError> {
    let invalid = |why: String| BlobsError::Invalid { len: raw.len(), why };
    let tx = EthereumTxEnvelope::<TxEip4844>::decode_2718(&mut &raw[..])
        .map_err(|why| invalid(why.to_string()))?;
    let EthereumTxEnvelope::Eip4844(signed) = tx else {
        return Err(invalid("not a blob transaction".into()));
    };
    let (tx, signature, _) = signed.into_parts();
    Ok(TxEip4844WithSidecar { tx, sidecar }.into_signed(signature).encoded_2718().into())
}
