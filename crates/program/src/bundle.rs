//! A statement about batches and its witness as one string of bytes: what a prover hands to the program.
//!
//! `abi.encode(statement)` (160 bytes), then each preimage as `length: u32 little-endian ‖ bytes`, to the end. Keys are not
//! there: the program hashes every preimage once and so knows what it is, whoever wrote the bundle.

use alloc::{collections::BTreeMap, vec::Vec};

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_sol_types::SolValue;
use thiserror::Error;

use crate::{Kind, Oracle, RangeStatement, What};

/// Bytes of a statement.
const STATEMENT: usize = 160;

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
    /// Blobs are not in bundles yet: nothing binds them to their names.
    #[error("the data of blob {0} cannot be proved yet: post batches as calldata")]
    Blob(B256),
}

/// A statement and the preimages that it follows from.
#[derive(Debug, Clone)]
pub struct Bundle {
    statement: RangeStatement,
    preimages: BTreeMap<B256, Bytes>,
}

impl Bundle {
    /// Writes a bundle. The order of preimages makes no difference.
    pub fn encode<'a>(statement: &RangeStatement, preimages: impl IntoIterator<Item = &'a Bytes>) -> Vec<u8> {
        let mut out = statement.abi_encode();
        for preimage in preimages {
            out.extend_from_slice(&(preimage.len() as u32).to_le_bytes());
            out.extend_from_slice(preimage);
        }
        out
    }

    /// Reads a bundle.
    ///
    /// # Errors
    /// If the bytes are none.
    pub fn decode(bytes: Bytes) -> Result<Self, BundleError> {
        let head = bytes.get(..STATEMENT).ok_or(BundleError::Form(0))?;
        let statement = RangeStatement::abi_decode_validate(head).map_err(|_| BundleError::Form(0))?;
        let mut preimages = BTreeMap::new();
        let mut at = STATEMENT;
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
        Ok(Self { statement, preimages })
    }

    /// What is to be shown.
    pub const fn statement(&self) -> &RangeStatement {
        &self.statement
    }
}

impl Oracle for Bundle {
    type Error = BundleError;

    fn read(&self, what: What<'_>, key: &B256) -> Result<Bytes, BundleError> {
        if what.kind() == Kind::Blob {
            return Err(BundleError::Blob(*key));
        }
        self.preimages.get(key).cloned().ok_or(BundleError::Missing(*key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let statement = RangeStatement { output: keccak256("output"), ..Default::default() };
        let preimages: Vec<Bytes> = [&b""[..], b"a", &[7; 1000]].map(Bytes::copy_from_slice).into();
        let bundle = Bundle::decode(Bundle::encode(&statement, &preimages).into()).unwrap();
        assert_eq!(bundle.statement(), &statement);
        for preimage in &preimages {
            assert_eq!(bundle.read(What::Code, &keccak256(preimage)).as_ref(), Ok(preimage));
        }
        let other = keccak256("b");
        assert_eq!(bundle.read(What::Code, &other), Err(BundleError::Missing(other)));
        assert_eq!(bundle.read(What::Blob, &other), Err(BundleError::Blob(other)));
    }

    #[test]
    fn what_is_cut_off_is_no_bundle() {
        let preimages = [Bytes::from_static(b"abc"), Bytes::from_static(b"de")];
        let whole: Bytes = Bundle::encode(&RangeStatement::default(), &preimages).into();
        for end in 0..whole.len() {
            let cut = Bundle::decode(whole.slice(..end));
            // Without its last preimages it is another one.
            assert_eq!(cut.is_ok(), [STATEMENT, STATEMENT + 7].contains(&end), "{end}");
        }
        let mut long = whole.to_vec();
        long[STATEMENT] = 255;
        assert!(matches!(Bundle::decode(long.into()), Err(BundleError::Form(STATEMENT))));
    }
}
