//! Binds the bytes of a blob to its versioned hash, for proof systems that know no KZG.
//!
//! A prover that works with a blob's payload commits to it by a Merkle root, takes the point
//! `z = keccak(versionedHash ‖ payloadRoot)` and evaluates the blob's polynomial there. L1 checks the
//! same evaluation against the KZG commitment (precompile 0x0a). As `z` follows from both
//! commitments, two different polynomials agree there with a probability of 4096 / 2^255.

use alloc::vec::Vec;

use alloy_primitives::{B256, U256, keccak256};
use ark_bls12_381::Fr;
use ark_ff::{BigInteger, FftField, Field, One, PrimeField, Zero, batch_inversion};

use super::{BLOB, BlobError, ELEMENT, payload};
use crate::data_root;

/// The modulus of the field that blobs are made of: the order of BLS12-381's groups.
pub const MODULUS: U256 = U256::from_be_bytes(alloy_primitives::hex!(
    "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001"
));

/// Elements of a blob.
const ELEMENTS: usize = BLOB / ELEMENT;

/// What ties a blob's payload to the blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// [`data_root`] of the blob's payload.
    pub payload_root: B256,
    /// Where its polynomial is evaluated.
    pub z: B256,
    /// Its value there.
    pub y: B256,
}

impl Binding {
    /// The binding of a blob.
    ///
    /// # Errors
    /// If it does not have the form of a blob with payload.
    pub fn of(versioned_hash: B256, blob: &[u8]) -> Result<Self, BlobError> {
        let payload_root = data_root(&payload(blob, 0)?);
        let z = Self::point(versioned_hash, payload_root);
        Ok(Self { payload_root, z, y: evaluate(blob, z)? })
    }

    /// `keccak(versionedHash ‖ payloadRoot) mod r`.
    pub fn point(versioned_hash: B256, payload_root: B256) -> B256 {
        let mut bytes = [0u8; 64];
        bytes[..32].copy_from_slice(versioned_hash.as_slice());
        bytes[32..].copy_from_slice(payload_root.as_slice());
        (U256::from_be_bytes(keccak256(bytes).0) % MODULUS).into()
    }
}

/// The value at `z` of the polynomial whose values at the 4096th roots of unity, in bit-reversed
/// order, are the elements of a blob (EIP-4844). Elements and `z` count modulo the field's modulus.
///
/// # Errors
/// If the blob does not have [`BLOB`] bytes.
pub fn evaluate(blob: &[u8], z: B256) -> Result<B256, BlobError> {
    if blob.len() != BLOB {
        return Err(BlobError::Size(blob.len()));
    }
    let z = Fr::from_be_bytes_mod_order(z.as_slice());
    let mut elements = blob.chunks_exact(ELEMENT).map(Fr::from_be_bytes_mod_order);
    let roots = roots();
    if let Some(at) = roots.iter().position(|root| *root == z) {
        let value = elements.nth(at).unwrap_or_default();
        return Ok(word(value));
    }
    // Barycentric: (z^n - 1) / n · Σ element_i · root_i / (z - root_i).
    let mut inverses: Vec<Fr> = roots.iter().map(|root| z - root).collect();
    batch_inversion(&mut inverses);
    let sum = elements
        .zip(roots.iter().zip(&inverses))
        .fold(Fr::zero(), |sum, (element, (root, inverse))| sum + element * root * inverse);
    let n = Fr::from(ELEMENTS as u64);
    let scale = (z.pow([ELEMENTS as u64]) - Fr::one()) * n.inverse().unwrap_or_default();
    Ok(word(sum * scale))
}

fn word(value: Fr) -> B256 {
    let mut word = [0u8; 32];
    word.copy_from_slice(&value.into_bigint().to_bytes_be());
    word.into()
}

/// The 4096th roots of unity, in bit-reversed order.
fn roots() -> Vec<Fr> {
    let generator = Fr::get_root_of_unity(ELEMENTS as u64).unwrap_or_default();
    let mut powers = Vec::with_capacity(ELEMENTS);
    let mut power = Fr::one();
    for _ in 0..ELEMENTS {
        powers.push(power);
        power *= generator;
    }
    let bits = ELEMENTS.trailing_zeros();
    (0..ELEMENTS).map(|i| powers[i.reverse_bits() >> (usize::BITS - bits)]).collect()
}
