//! Batch data in EIP-4844 blobs.
//!
//! A blob is 4096 field elements of 32 bytes. The first byte of each is 0, because elements must be
//! below the field's modulus; the other 31 carry payload. The payload of a batch's blobs, one after
//! another, is `uint32 length ‖ data ‖ zeros`, in as few blobs as possible.

mod binding;

use alloc::{vec, vec::Vec};
use alloy_primitives::{B256, Bytes, keccak256};
use thiserror::Error;

pub use binding::{Binding, MODULUS, evaluate};

/// Bytes of a blob.
pub const BLOB: usize = 4096 * ELEMENT;
/// Bytes of payload in a blob: 31 chunks of [`DATA_CHUNK`](crate::DATA_CHUNK).
pub const PAYLOAD: usize = 4096 * USED;
/// Bytes before the data that give its length.
pub const LENGTH_PREFIX: usize = 4;
/// Most blobs of a transaction (EIP-7594).
pub const MAX_BLOBS: usize = 6;

/// Bytes of a field element.
const ELEMENT: usize = 32;
/// Those that carry payload.
const USED: usize = ELEMENT - 1;

/// Why data does not fit blobs, or blobs are not batch data.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BlobError {
    /// There is no data.
    #[error("there is no data to put into blobs")]
    Empty,
    /// The data does not fit the blobs of one transaction.
    #[error("{len} bytes do not fit the {MAX_BLOBS} blobs of a transaction")]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// There are more blobs than a transaction has.
    #[error("there are {0} blobs, more than the {MAX_BLOBS} of a transaction")]
    Count(usize),
    /// A blob has another length.
    #[error("a blob has {0} bytes, not {BLOB}")]
    Size(usize),
    /// The first byte of a field element is set.
    #[error("element {element} of blob {blob} starts with a byte that is not zero")]
    Element {
        /// Position of the blob.
        blob: usize,
        /// Position of the element in it.
        element: usize,
    },
    /// The length at the start is zero, or needs another number of blobs.
    #[error("{blobs} blobs say that they hold {len} bytes")]
    Length {
        /// The length that they say.
        len: usize,
        /// How many blobs there are.
        blobs: usize,
    },
    /// Bytes after the data are not zero.
    #[error("the blobs have bytes after their data")]
    Surplus,
}

/// Blobs that `len` bytes of data need.
pub const fn count(len: usize) -> usize {
    (LENGTH_PREFIX + len).div_ceil(PAYLOAD)
}

/// Puts data into blobs of [`BLOB`] bytes.
///
/// # Errors
/// If there is none, or more than fits [`MAX_BLOBS`].
pub fn encode(data: &[u8]) -> Result<Vec<Bytes>, BlobError> {
    let blobs = count(data.len());
    let Ok(len) = u32::try_from(data.len()) else { return Err(BlobError::TooLong { len: data.len() }) };
    if data.is_empty() {
        return Err(BlobError::Empty);
    }
    if blobs > MAX_BLOBS {
        return Err(BlobError::TooLong { len: data.len() });
    }
    let mut payload = Vec::with_capacity(blobs * PAYLOAD);
    payload.extend_from_slice(&len.to_be_bytes());
    payload.extend_from_slice(data);
    payload.resize(blobs * PAYLOAD, 0);
    let blob = |part: &[u8]| {
        let mut blob = vec![0u8; BLOB];
        for (element, bytes) in blob.chunks_exact_mut(ELEMENT).zip(part.chunks_exact(USED)) {
            element[1..].copy_from_slice(bytes);
        }
        blob.into()
    };
    Ok(payload.chunks_exact(PAYLOAD).map(blob).collect())
}

/// The payload of one blob, at position `index` of its transaction.
///
/// # Errors
/// If it does not have [`BLOB`] bytes, or an element's first byte is set.
pub fn payload(blob: &[u8], index: usize) -> Result<Vec<u8>, BlobError> {
    if blob.len() != BLOB {
        return Err(BlobError::Size(blob.len()));
    }
    let mut out = Vec::with_capacity(PAYLOAD);
    for (element, bytes) in blob.chunks_exact(ELEMENT).enumerate() {
        match bytes.split_first() {
            Some((0, used)) => out.extend_from_slice(used),
            _ => return Err(BlobError::Element { blob: index, element }),
        }
    }
    Ok(out)
}

/// Takes the data out of a batch's blobs. Every input has exactly one result.
///
/// # Errors
/// What [`BlobError`] lists; the batch then counts as one without data.
pub fn decode<B: AsRef<[u8]>>(blobs: &[B]) -> Result<Vec<u8>, BlobError> {
    if blobs.len() > MAX_BLOBS {
        return Err(BlobError::Count(blobs.len()));
    }
    let mut bytes = Vec::with_capacity(blobs.len() * PAYLOAD);
    for (index, blob) in blobs.iter().enumerate() {
        bytes.extend_from_slice(&payload(blob.as_ref(), index)?);
    }
    let Some((prefix, rest)) = bytes.split_first_chunk::<LENGTH_PREFIX>() else {
        return Err(BlobError::Empty);
    };
    let len = u32::from_be_bytes(*prefix) as usize;
    if len == 0 || count(len) != blobs.len() {
        return Err(BlobError::Length { len, blobs: blobs.len() });
    }
    let Some((data, padding)) = rest.split_at_checked(len) else {
        return Err(BlobError::Length { len, blobs: blobs.len() });
    };
    if padding.iter().any(|byte| *byte != 0) {
        return Err(BlobError::Surplus);
    }
    Ok(data.to_vec())
}

/// The data root of a batch whose data is in blobs: `keccak(0x02 ‖ versionedHash_0 ‖ …)`. The prefix
/// keeps it apart from the leaves (0) and nodes (1) of a Merkle root over calldata.
pub fn blobs_root(versioned_hashes: &[B256]) -> B256 {
    let mut bytes = Vec::with_capacity(1 + 32 * versioned_hashes.len());
    bytes.push(2);
    for hash in versioned_hashes {
        bytes.extend_from_slice(hash.as_slice());
    }
    keccak256(&bytes)
}
