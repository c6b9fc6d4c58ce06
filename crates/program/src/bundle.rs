//! A statement about batches and its witness as one string of bytes: what a prover hands to the program.
//!
//! `abi.encode(statement)` (160 bytes), how many blobs there are (`u32`), each as `commitment (48) ‖ proof (48) ‖ blob (131,072)`,
//! then each preimage as `length: u32 ‖ bytes`, to the end. Numbers are little-endian. Keys are not there: the program hashes every
//! preimage once and so knows what it is, whoever wrote the bundle. A blob's name is the hash of its commitment, and the proof
//! shows that the commitment is the blob's (EIP-4844, `verify_blob_kzg_proof`).

use alloc::{collections::BTreeMap, vec::Vec};

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_sol_types::SolValue;
use duplex_primitives::blob::BLOB;
use revm::precompile::crypto;
use thiserror::Error;

use crate::{Kind, Oracle, RangeStatement, What};

/// Bytes of a statement.
const STATEMENT: usize = 160;
/// Bytes of a point.
const POINT: usize = 48;
/// Where preimages begin if there are no blobs.
#[cfg(test)]
const HEAD: usize = STATEMENT + 4;

/// A blob, with what ties it to its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundBlob {
    /// Its KZG commitment.
    pub commitment: [u8; POINT],
    /// The proof that the commitment is the blob's (EIP-4844, `compute_blob_kzg_proof`).
    pub proof: [u8; POINT],
    /// The blob: [`BLOB`] bytes.
    pub blob: Bytes,
}

impl BoundBlob {
    /// The versioned hash of its commitment, by which L1 names it.
    pub fn name(&self) -> B256 {
        let mut name = B256::new(crypto().sha256(&self.commitment));
        name[0] = 1;
        name
    }
}

/// A bundle is not one, or lacks something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The bytes are not a bundle.
    #[error("the bundle is malformed at byte {0}")]
    Form(usize),
    /// A preimage is not in it.
    #[error("the bundle has no preimage of {0}")]
    Missing(B256),
    /// A blob is not what its name says.
    #[error("what the bundle has for blob {0} is not what its commitment commits to")]
    Blob(B256),
}

/// A statement and the preimages that it follows from.
#[derive(Debug, Clone)]
pub struct Bundle {
    statement: RangeStatement,
    preimages: BTreeMap<B256, Bytes>,
    blobs: BTreeMap<B256, Bytes>,
}

impl Bundle {
    /// Writes a bundle. The order of blobs and preimages makes no difference.
    pub fn encode<'a>(
        statement: &RangeStatement,
        blobs: &[BoundBlob],
        preimages: impl IntoIterator<Item = &'a Bytes>,
    ) -> Vec<u8> {
        let mut out = statement.abi_encode();
        out.extend_from_slice(&(blobs.len() as u32).to_le_bytes());
        for blob in blobs {
            out.extend_from_slice(&blob.commitment);
            out.extend_from_slice(&blob.proof);
            out.extend_from_slice(&blob.blob);
        }
        for preimage in preimages {
            out.extend_from_slice(&(preimage.len() as u32).to_le_bytes());
            out.extend_from_slice(preimage);
        }
        out
    }

    /// Reads a bundle. `holds` says whether a blob's proof shows that it is its commitment's.
    ///
    /// # Errors
    /// If the bytes are none, or a blob is not what its name says.
    pub fn decode(bytes: Bytes, holds: impl Fn(&BoundBlob) -> bool) -> Result<Self, BundleError> {
        let head = bytes.get(..STATEMENT).ok_or(BundleError::Form(0))?;
        let statement = RangeStatement::abi_decode_validate(head).map_err(|_| BundleError::Form(0))?;
        let form = BundleError::Form(STATEMENT);
        let count = bytes[STATEMENT..].first_chunk::<4>().ok_or(form)?;
        let mut at = STATEMENT + 4;
        let mut blobs = BTreeMap::new();
        for _ in 0..u32::from_le_bytes(*count) {
            let form = BundleError::Form(at);
            let (commitment, rest) = bytes[at..].split_first_chunk().ok_or(form)?;
            let (proof, rest) = rest.split_first_chunk().ok_or(form)?;
            let end = at + 2 * POINT + BLOB;
            if rest.len() < BLOB {
                return Err(form);
            }
            let blob =
                BoundBlob { commitment: *commitment, proof: *proof, blob: bytes.slice(end - BLOB..end) };
            if !holds(&blob) {
                return Err(BundleError::Blob(blob.name()));
            }
            blobs.insert(blob.name(), blob.blob);
            at = end;
        }
        let mut preimages = BTreeMap::new();
        while at < bytes.len() {
            let form = BundleError::Form(at);
            let (length, rest) = bytes[at..].split_first_chunk::<4>().ok_or(form)?;
            let length = u32::from_le_bytes(*length) as usize;
            if length > rest.len() {
                return Err(form);
            }
            let preimage = bytes.slice(at + 4..at + 4 + length);
            preimages.insert(keccak256(&preimage), preimage);
            at += 4 + length;
        }
        Ok(Self { statement, preimages, blobs })
    }

    /// What is to be shown.
    pub const fn statement(&self) -> &RangeStatement {
        &self.statement
    }
}

impl Oracle for Bundle {
    type Error = BundleError;

    fn read(&self, what: What<'_>, key: &B256) -> Result<Bytes, BundleError> {
        let known = if what.kind() == Kind::Blob { &self.blobs } else { &self.preimages };
        known.get(key).cloned().ok_or(BundleError::Missing(*key))
    }
}

#[cfg(test)]
mod tests {
    use core::slice;

    use super::*;
    use crate::host::{bind, holds};

    /// A blob of some elements.
    fn blob() -> Bytes {
        let mut bytes = vec![0; BLOB];
        bytes.iter_mut().step_by(7).enumerate().for_each(|(i, byte)| *byte = i as u8);
        bytes.iter_mut().step_by(32).for_each(|byte| *byte &= 0x3f);
        bytes.into()
    }

    #[test]
    fn what_was_written_is_read() {
        let statement = RangeStatement { output: keccak256("output"), ..Default::default() };
        let preimages: Vec<Bytes> = [&b""[..], b"a", &[7; 1000]].map(Bytes::copy_from_slice).into();
        let blobs = [bind(&blob()).unwrap(), bind(&[0; BLOB]).unwrap()];
        let bundle = Bundle::encode(&statement, &blobs, &preimages).into();
        let bundle = Bundle::decode(bundle, holds).unwrap();
        assert_eq!(bundle.statement(), &statement);
        for preimage in &preimages {
            assert_eq!(bundle.read(What::Code, &keccak256(preimage)).as_ref(), Ok(preimage));
        }
        for blob in &blobs {
            assert_eq!(bundle.read(What::Blob, &blob.name()).as_ref(), Ok(&blob.blob));
            assert_eq!(bundle.read(What::Code, &blob.name()), Err(BundleError::Missing(blob.name())));
        }
        let other = keccak256("b");
        assert_eq!(bundle.read(What::Code, &other), Err(BundleError::Missing(other)));
        assert_eq!(bundle.read(What::Blob, &other), Err(BundleError::Missing(other)));
        let none = keccak256("a");
        assert_eq!(bundle.read(What::Blob, &none), Err(BundleError::Missing(none)), "another kind");
    }

    #[test]
    fn a_blob_is_what_its_name_says() {
        let (one, other) = (bind(&blob()).unwrap(), bind(&[0; BLOB]).unwrap());
        let read = |blob: &BoundBlob| {
            Bundle::decode(
                Bundle::encode(&RangeStatement::default(), slice::from_ref(blob), []).into(),
                holds,
            )
            .err()
        };
        assert_eq!((read(&one), read(&other)), (None, None));
        // Another blob under the name, a blob with a bit changed, the proof of another.
        let refused = Some(BundleError::Blob(one.name()));
        assert_eq!(read(&BoundBlob { blob: other.blob.clone(), ..one.clone() }), refused);
        let mut bytes = one.blob.to_vec();
        bytes[BLOB - 1] ^= 1;
        assert_eq!(read(&BoundBlob { blob: bytes.into(), ..one.clone() }), refused);
        assert_eq!(read(&BoundBlob { proof: other.proof, ..one.clone() }), refused);
        // A number that is none of the field's: there is no such blob.
        let mut bytes = one.blob.to_vec();
        bytes[0] = 0xff;
        assert_eq!(bind(&bytes), None);
        assert_eq!(read(&BoundBlob { blob: bytes.into(), ..one.clone() }), refused);
        // A commitment that is no point.
        let no_point = BoundBlob { commitment: [0xff; POINT], ..one };
        assert_eq!(read(&no_point), Some(BundleError::Blob(no_point.name())));
    }

    #[test]
    fn what_is_cut_off_is_no_bundle() {
        let preimages = [Bytes::from_static(b"abc"), Bytes::from_static(b"de")];
        let whole: Bytes = Bundle::encode(&RangeStatement::default(), &[], &preimages).into();
        for end in 0..whole.len() {
            let cut = Bundle::decode(whole.slice(..end), holds);
            // Without its last preimages it is another one.
            assert_eq!(cut.is_ok(), [HEAD, HEAD + 7].contains(&end), "{end}");
        }
        let mut long = whole.to_vec();
        long[HEAD] = 255;
        assert_eq!(Bundle::decode(long.into(), holds).err(), Some(BundleError::Form(HEAD)));
        // More blobs than there are bytes.
        let mut many = whole.to_vec();
        many[STATEMENT] = 255;
        assert_eq!(Bundle::decode(many.into(), holds).err(), Some(BundleError::Form(HEAD)));
    }
}
