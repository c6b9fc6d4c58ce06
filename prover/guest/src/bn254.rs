//! BN254 (alt_bn128), for the precompiles of EIP-196 and EIP-197.

use alloc::{vec, vec::Vec};

use openvm_algebra_guest::IntMod;
use openvm_ecc_guest::{AffinePoint, Group, weierstrass::WeierstrassPoint};
use openvm_pairing::bn254::{Bn254, Fp, Fp2, G1Affine, G2Affine, Scalar};
use revm::precompile::PrecompileHalt;

use crate::{
    pairing::{Pairing, Point2, Value, Workshop, is_one, psi},
    points::{encode, sum_of_multiples},
};

/// The curve's parameter: p = 36x⁴ + 36x³ + 24x² + 6x + 1, and the groups have r = p - 6x² points.
const X: u64 = 4_965_661_367_192_848_881;

impl Pairing for Bn254 {
    const LOOP: u128 = 6 * X as u128 + 2;
    const DIVIDES: bool = false;

    /// ψ(Q) and -ψ²(Q). Neither is what it is added to, nor its opposite: modulo r, 6x + 2 is not ±p, and 6x + 2 + p is not ±p².
    fn last(point: &Point2<Self>) -> Vec<Point2<Self>> {
        let first = psi::<Self>(point);
        let second = -psi::<Self>(&first);
        vec![first, second]
    }

    /// To the 2x(6x² + 3x + 1)(p⁴ - p² + 1)/r-th (Fuentes-Castañeda, Knapp and Rodríguez-Henríquez, SAC 2011), which is
    /// (1 + 6x + 12x² + 12x³) + (4x + 6x² + 12x³)p + (6x + 6x² + 12x³)p² + (-1 + 4x + 6x² + 12x³)p³. The power to what is there
    /// without the factor is of order r or one, and r, a prime, does not divide the factor.
    fn hard_part(value: &Value<Self>) -> Value<Self> {
        let x2 = value.cyclotomic_power(X).cyclotomic_square();
        let x6 = x2.cyclotomic_square().times(&x2);
        let xx6 = x6.cyclotomic_power(X);
        let xxx12 = xx6.cyclotomic_power(X).cyclotomic_square();
        let third = xxx12.times(&xx6).times(&x6);
        let second = third.times(&x2.conjugate());
        let first = third.times(&xx6).times(value);
        let fourth = second.times(&value.conjugate());
        first.times(&second.frobenius(1)).times(&third.frobenius(2)).times(&fourth.frobenius(3))
    }
}

/// Whether a point of the second curve is in the group: whether ψ of it is 6x² times it. As 6x² = t - 1, such a point vanishes
/// times (t - 1)² - t(t - 1) + p = p + 1 - t = r (eprint 2022/348); and in the group ψ is p, which is 6x² modulo r.
fn in_group(point: &G2Affine) -> bool {
    let (point, mut workshop) = (point.clone().into(), Workshop::<Bn254>::new());
    let by_x = workshop.multiple(&point, X);
    let by_xx = workshop.multiple(&by_x, X);
    psi::<Bn254>(&point) == workshop.multiple(&by_xx, 6)
}

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
    unsafe { G2Affine::from_xy(x, y) }.filter(in_group).ok_or(PrecompileHalt::Bn254AffineGFailedToCreate)
}

pub(crate) fn add(a: &[u8], b: &[u8]) -> Result<[u8; 64], PrecompileHalt> {
    let (x, y) = (g1(a)? + &g1(b)?).into_coords();
    Ok(encode([&x, &y]))
}

pub(crate) fn multiply(point: &[u8], scalar: &[u8]) -> Result<[u8; 64], PrecompileHalt> {
    // It may be any number of 32 bytes.
    let (x, y) = sum_of_multiples(&[g1(point)?], &[Scalar::from_be_bytes_unchecked(scalar)]).into_coords();
    Ok(encode([&x, &y]))
}

/// Whether the pairings' product is one.
pub(crate) fn pairing(pairs: &[(&[u8], &[u8])]) -> Result<bool, PrecompileHalt> {
    let mut all = Vec::with_capacity(pairs.len());
    for (one, other) in pairs {
        let (one, other) = (g1(one)?, g2(other)?);
        if !one.is_identity() && !other.is_identity() {
            let (x, y) = one.into_coords();
            all.push((AffinePoint::new(x, y), other.into()));
        }
    }
    Ok(is_one::<Bn254>(&all))
}
