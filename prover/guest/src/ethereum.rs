//! What Ethereum asks for, by the machine's instructions: for revm's precompiles, and for transactions' senders.

use alloc::sync::Arc;

use alloy_consensus::crypto::{RecoveryError, backend::CryptoProvider};
use alloy_primitives::{Address, keccak256};
use revm::precompile::{
    Crypto, PrecompileHalt,
    bls12_381::{G1Point, G1PointScalar, G2Point, G2PointScalar},
};

use crate::{bls12_381, bn254, p256, secp256k1};

// All in the order of the machine's configuration (`prover/guest/openvm.toml`).
openvm_algebra_guest::moduli_macros::moduli_init! {
    "0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F",
    "0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141",
    "0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
    "0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    "21888242871839275222246405745257275088696311157297823662689037894645226208583",
    "21888242871839275222246405745257275088548364400416034343698204186575808495617",
    "0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
    "0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001"
}

openvm_algebra_guest::complex_macros::complex_init! {
    "Bn254Fp2" { mod_idx = 4 },
    "Bls12_381Fp2" { mod_idx = 6 },
}

openvm_ecc_guest::sw_macros::sw_init! { "Secp256k1Point", "P256Point", "Bn254G1Affine", "Bls12_381G1Affine" }

#[derive(Debug, Clone, Copy)]
struct Machine;

impl Crypto for Machine {
    fn sha256(&self, input: &[u8]) -> [u8; 32] {
        openvm_sha2::Sha256::digest(input)
    }

    fn bn254_g1_add(&self, p1: &[u8], p2: &[u8]) -> Result<[u8; 64], PrecompileHalt> {
        bn254::add(p1, p2)
    }

    fn bn254_g1_mul(&self, point: &[u8], scalar: &[u8]) -> Result<[u8; 64], PrecompileHalt> {
        bn254::multiply(point, scalar)
    }

    fn bn254_pairing_check(&self, pairs: &[(&[u8], &[u8])]) -> Result<bool, PrecompileHalt> {
        bn254::pairing(pairs)
    }

    fn secp256k1_ecrecover(
        &self,
        sig: &[u8; 64],
        recid: u8,
        msg: &[u8; 32],
    ) -> Result<[u8; 32], PrecompileHalt> {
        let key = match recid {
            0 | 1 => secp256k1::recover(&sig[..32], &sig[32..], recid == 1, msg),
            _ => None,
        };
        let mut hash = keccak256(key.ok_or(PrecompileHalt::Secp256k1RecoverFailed)?);
        hash[..12].fill(0);
        Ok(hash.0)
    }

    fn secp256r1_verify_signature(&self, msg: &[u8; 32], sig: &[u8; 64], pk: &[u8; 64]) -> bool {
        p256::verify(msg, sig, pk)
    }

    fn verify_kzg_proof(
        &self,
        z: &[u8; 32],
        y: &[u8; 32],
        commitment: &[u8; 48],
        proof: &[u8; 48],
    ) -> Result<(), PrecompileHalt> {
        bls12_381::kzg(z, y, commitment, proof).ok_or(PrecompileHalt::BlobVerifyKzgProofFailed)
    }

    fn bls12_381_g1_add(&self, a: G1Point, b: G1Point) -> Result<[u8; 96], PrecompileHalt> {
        bls12_381::g1_add(&a, &b)
    }

    fn bls12_381_g1_msm(
        &self,
        pairs: &mut dyn Iterator<Item = Result<G1PointScalar, PrecompileHalt>>,
    ) -> Result<[u8; 96], PrecompileHalt> {
        bls12_381::g1_msm(pairs)
    }

    fn bls12_381_g2_add(&self, a: G2Point, b: G2Point) -> Result<[u8; 192], PrecompileHalt> {
        bls12_381::g2_add(&a, &b)
    }

    fn bls12_381_g2_msm(
        &self,
        pairs: &mut dyn Iterator<Item = Result<G2PointScalar, PrecompileHalt>>,
    ) -> Result<[u8; 192], PrecompileHalt> {
        bls12_381::g2_msm(pairs)
    }

    fn bls12_381_pairing_check(&self, pairs: &[(G1Point, G2Point)]) -> Result<bool, PrecompileHalt> {
        bls12_381::pairing(pairs)
    }

    fn bls12_381_fp_to_g1(&self, fp: &[u8; 48]) -> Result<[u8; 96], PrecompileHalt> {
        bls12_381::fp_to_g1(fp)
    }

    fn bls12_381_fp2_to_g2(&self, (c0, c1): ([u8; 48], [u8; 48])) -> Result<[u8; 192], PrecompileHalt> {
        bls12_381::fp2_to_g2(&c0, &c1)
    }
}

impl CryptoProvider for Machine {
    fn recover_signer_unchecked(&self, sig: &[u8; 65], msg: &[u8; 32]) -> Result<Address, RecoveryError> {
        let key = match sig[64] {
            0 | 1 => secp256k1::recover(&sig[..32], &sig[32..64], sig[64] == 1, msg),
            _ => None,
        };
        key.map(|key| Address::from_raw_public_key(&key)).ok_or_else(RecoveryError::new)
    }

    fn verify_and_compute_signer_unchecked(
        &self,
        _: &[u8; 65],
        _: &[u8; 64],
        _: &[u8; 32],
    ) -> Result<Address, RecoveryError> {
        // No proof, rather than one of something else.
        panic!("nothing in the chain's rules asks whether a key that is known has signed")
    }
}

/// Has all of the program use it. Called once, first of all.
pub(crate) fn install() {
    assert!(revm::precompile::install_crypto(Machine), "nothing was installed before");
    alloy_consensus::crypto::install_default_provider(Arc::new(Machine))
        .expect("nothing was installed before");
}
