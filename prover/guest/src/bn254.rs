//! BN254 (alt_bn128), for the precompiles of EIP-196 and EIP-197.

use alloc::vec::Vec;

use alloy_primitives::hex;
use openvm_algebra_guest::IntMod;
use openvm_ecc_guest::{
    AffinePoint, Group,
    weierstrass::{IntrinsicCurve, WeierstrassPoint},
};
use openvm_pairing::{
    PairingCheck,
    bn254::{Bn254, Fp, Fp2, G1Affine, G2Affine, Scalar},
};
use revm::precompile::PrecompileHalt;

use crate::points::{encode, vanishes};

/// How many points the groups of the pairing have.
const ORDER: [u8; 32] = hex!("30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001");

fn number(bytes: &[u8]) -> Result<Fp, PrecompileHalt> {
    Fp::from_be_bytes(bytes).ok_or(PrecompileHalt::Bn254FieldPointNotAMember)
}

fn g1(bytes: &[u8]) -> Result<G1Affine, PrecompileHalt> {
    let (x, y) = (number(&bytes[..32])?, number(&bytes[32..64])?);
    // SAFETY: all the curve's points are in the one group.
    unsafe { G1Affine::from_xy(x, y) }.ok_or(PrecompileHalt::Bn254AffineGFailedToCreate)
}

/// The imaginary part comes first (EIP-197).
fn g2(bytes: &[u8]) -> Result<G2Affine, PrecompileHalt> {
    let pair = |bytes: &[u8]| Ok(Fp2::new(number(&bytes[32..])?, number(&bytes[..32])?));
    let (x, y) = (pair(&bytes[..64])?, pair(&bytes[64..128])?);
    // SAFETY: that it is in the group is seen next. The curve has an odd number of points.
    unsafe { G2Affine::from_xy(x, y) }
        .filter(|point| vanishes(point, &ORDER))
        .ok_or(PrecompileHalt::Bn254AffineGFailedToCreate)
}

pub(crate) fn add(a: &[u8], b: &[u8]) -> Result<[u8; 64], PrecompileHalt> {
    let (x, y) = (g1(a)? + &g1(b)?).into_coords();
    Ok(encode([&x, &y]))
}

pub(crate) fn multiply(point: &[u8], scalar: &[u8]) -> Result<[u8; 64], PrecompileHalt> {
    // It may be any number of 32 bytes.
    let (x, y) = Bn254::msm(&[Scalar::from_be_bytes_unchecked(scalar)], &[g1(point)?]).into_coords();
    Ok(encode([&x, &y]))
}

/// Whether the pairings' product is one.
pub(crate) fn pairing(pairs: &[(&[u8], &[u8])]) -> Result<bool, PrecompileHalt> {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for (one, other) in pairs {
        let (one, other) = (g1(one)?, g2(other)?);
        if !one.is_identity() && !other.is_identity() {
            let (x, y) = one.into_coords();
            first.push(AffinePoint::new(x, y));
            second.push(other.into());
        }
    }
    Ok(first.is_empty() || Bn254::pairing_check(&first, &second).is_ok())
}
