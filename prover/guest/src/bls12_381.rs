//! BLS12-381, for the precompiles of EIP-2537 and for the proofs of EIP-4844.

use alloc::vec::Vec;

use alloy_primitives::hex;
use duplex_program::BoundBlob;
use openvm_algebra_guest::{DivUnsafe, IntMod, Sqrt};
use openvm_ecc_guest::{AffinePoint, CyclicGroup, Group, weierstrass::WeierstrassPoint};
use openvm_pairing::bls12_381::{Bls12_381, Fp, Fp2, G1Affine, G2Affine, Scalar};
use revm::precompile::{
    PrecompileHalt,
    bls12_381::{G1Point, G1PointScalar, G2Point, G2PointScalar},
};

use self::group::{in_group1, in_group2};
use crate::{
    pairing::{Workshop, is_one},
    points::{encode, sum_of_multiples},
};

mod group;
mod map;

pub(crate) use map::{fp_to_g1, fp2_to_g2};

/// The opposite of the second group's generator, and τ times that generator as Ethereum's KZG ceremony gave it: x and y, least
/// byte first, the real part first.
const MINUS_G2: [[[u8; 48]; 2]; 2] = [
    [
        hex!(
            "b8bd21c1c85680d4efbb05a82603ac0b77d1e37a640b51b4023b40fad47ae4c65110c52d27050826910a8ff0b2a24a02"
        ),
        hex!(
            "7e2b045d057dace5575d941312f14c3349507fdcbb61dab51ab62099d0d06b59654f2788a0d3ac7d609f7152602be013"
        ),
    ],
    [
        hex!(
            "aa8247f779ab6bd8755da7753236718cf72450a53738eef9173fc766daaf79b6bc771d69efd951be887802c7c23c1b0d"
        ),
        hex!(
            "ed30a00fa0f8550f5ee26754d7f274df785c829ff53fbc4010afdd6d062339993d21891706d56e18ceb1d80a4a4dfa13"
        ),
    ],
];
const TAU_G2: [[[u8; 48]; 2]; 2] = [
    [
        hex!(
            "f2dec120dada8ec9ed001062de4170080bc6a47b475168a3c9eaeccc11c92639e20886b3b729447314274953eebf5c18"
        ),
        hex!(
            "729f49f324abaaafd252b40c87e514293dc55a61cea20910a8effbcb7570182689f30a2387c23b8428b1de8cddd7bf15"
        ),
    ],
    [
        hex!(
            "992a83bbfb9b68ee83f34159106de24c79c9a996a45124e818de280e49691513a2fcd19985eed5d76d626bb9bd534301"
        ),
        hex!(
            "4f150a0df38e0423cdc97a3d6f3495948907fa9bbad15eda1f6763fc09de79ef4b1b18e0ca2f43039552320a4bc56616"
        ),
    ],
];

fn constant([[x0, x1], [y0, y1]]: [[[u8; 48]; 2]; 2]) -> G2Affine {
    let pair = |a, b| Fp2::new(Fp::from_const_bytes(a), Fp::from_const_bytes(b));
    G2Affine::new(pair(x0, x1), pair(y0, y1))
}

fn number(bytes: &[u8; 48]) -> Result<Fp, PrecompileHalt> {
    Fp::from_be_bytes(bytes).ok_or(PrecompileHalt::NonCanonicalFp)
}

/// A point of the first curve; not every one is in the group.
fn on_curve1((x, y): &G1Point) -> Result<G1Affine, PrecompileHalt> {
    let (x, y) = (number(x)?, number(y)?);
    // SAFETY: that it is in the group is seen by those who need it. The curve has an odd number of points.
    unsafe { G1Affine::from_xy(x, y) }.ok_or(PrecompileHalt::Bls12381G1NotOnCurve)
}

/// A point of the second curve; not every one is in the group.
fn on_curve2((x0, x1, y0, y1): &G2Point) -> Result<G2Affine, PrecompileHalt> {
    let x = Fp2::new(number(x0)?, number(x1)?);
    let y = Fp2::new(number(y0)?, number(y1)?);
    // SAFETY: as above; this curve has an odd number of points, too.
    unsafe { G2Affine::from_xy(x, y) }.ok_or(PrecompileHalt::Bls12381G2NotOnCurve)
}

fn g1(point: &G1Point) -> Result<G1Affine, PrecompileHalt> {
    let point = on_curve1(point)?;
    in_group1(&point).then_some(point).ok_or(PrecompileHalt::Bls12381G1NotInSubgroup)
}

fn g2(point: &G2Point) -> Result<G2Affine, PrecompileHalt> {
    let point = on_curve2(point)?;
    in_group2(&point).then_some(point).ok_or(PrecompileHalt::Bls12381G2NotInSubgroup)
}

fn encode1(point: G1Affine) -> [u8; 96] {
    let (x, y) = point.into_coords();
    encode([&x, &y])
}

fn encode2(point: G2Affine) -> [u8; 192] {
    let (x, y) = point.into_coords();
    encode([&x.c0, &x.c1, &y.c0, &y.c1])
}

pub(crate) fn g1_add(a: &G1Point, b: &G1Point) -> Result<[u8; 96], PrecompileHalt> {
    Ok(encode1(on_curve1(a)? + &on_curve1(b)?))
}

pub(crate) fn g2_add(a: &G2Point, b: &G2Point) -> Result<[u8; 192], PrecompileHalt> {
    Ok(encode2(on_curve2(a)? + &on_curve2(b)?))
}

pub(crate) fn g1_msm(
    pairs: &mut dyn Iterator<Item = Result<G1PointScalar, PrecompileHalt>>,
) -> Result<[u8; 96], PrecompileHalt> {
    let (mut points, mut scalars) = (Vec::new(), Vec::new());
    for pair in pairs {
        let (point, scalar) = pair?;
        points.push(g1(&point)?);
        // It may be any number of 32 bytes.
        scalars.push(Scalar::from_be_bytes_unchecked(&scalar));
    }
    Ok(encode1(sum_of_multiples(&points, &scalars)))
}

pub(crate) fn g2_msm(
    pairs: &mut dyn Iterator<Item = Result<G2PointScalar, PrecompileHalt>>,
) -> Result<[u8; 192], PrecompileHalt> {
    let mut terms = Vec::new();
    for pair in pairs {
        let (point, scalar) = pair?;
        terms.push((g2(&point)?.into(), scalar));
    }
    Ok(encode2(Workshop::<Bls12_381>::new().sum_of_multiples(&terms).into()))
}

/// Whether the pairings' product is one.
pub(crate) fn pairing(pairs: &[(G1Point, G2Point)]) -> Result<bool, PrecompileHalt> {
    let pairs: Result<Vec<_>, _> = pairs.iter().map(|(one, other)| Ok((g1(one)?, g2(other)?))).collect();
    Ok(product_is_one(pairs?))
}

fn product_is_one(pairs: Vec<(G1Affine, G2Affine)>) -> bool {
    let pairs = pairs.into_iter().filter(|(one, other)| !one.is_identity() && !other.is_identity());
    let pairs: Vec<_> = pairs
        .map(|(one, other)| {
            let (x, y) = one.into_coords();
            (AffinePoint::new(x, y), other.into())
        })
        .collect();
    is_one::<Bls12_381>(&pairs)
}

/// A point of the first group in 48 bytes: x, and in the three highest bits that it is so written, whether it is the identity,
/// and whether y is the larger of the two.
fn compressed(bytes: &[u8; 48]) -> Option<G1Affine> {
    let (short, identity, larger) = (bytes[0] >> 7 & 1 == 1, bytes[0] >> 6 & 1 == 1, bytes[0] >> 5 & 1 == 1);
    let mut x = *bytes;
    x[0] &= 0x1f;
    if !short {
        return None;
    }
    if identity {
        return (!larger && x == [0; 48]).then_some(<G1Affine as Group>::IDENTITY);
    }
    let x = Fp::from_be_bytes(&x)?;
    let y = (&x * &x * &x + &G1Affine::CURVE_B).sqrt()?;
    let opposite = -y.clone();
    // What is compared must be the numbers themselves.
    y.assert_reduced();
    opposite.assert_reduced();
    let is_larger = y.to_be_bytes() > opposite.to_be_bytes();
    // SAFETY: y was made so that it is on the curve; the group is seen next.
    let point = unsafe { G1Affine::from_xy_unchecked(x, if is_larger == larger { y } else { opposite }) };
    in_group1(&point).then_some(point)
}

/// Whether the polynomial behind a commitment is `y` at `z` (EIP-4844, `verify_kzg_proof`).
pub(crate) fn kzg(z: &[u8; 32], y: &[u8; 32], commitment: &[u8; 48], proof: &[u8; 48]) -> Option<()> {
    let (commitment, proof) = (compressed(commitment)?, compressed(proof)?);
    let (z, y) = (Scalar::from_be_bytes(z)?, Scalar::from_be_bytes(y)?);
    opens(commitment, z, y, proof).then_some(())
}

fn opens(commitment: G1Affine, z: Scalar, y: Scalar, proof: G1Affine) -> bool {
    // e(C - y·G1, -G2) · e(π, τ·G2 - z·G2) is one: with what is multiplied by z in the first group, where it costs less.
    let bases = [<G1Affine as CyclicGroup>::NEG_GENERATOR, proof.clone()];
    let left = commitment + &sum_of_multiples(&bases, &[y, z]);
    product_is_one([(left, constant(MINUS_G2)), (proof, constant(TAU_G2))].into())
}

/// Elements of a blob, and the logarithm of their number.
const ELEMENTS: usize = 1 << LOG_ELEMENTS;
const LOG_ELEMENTS: u32 = 12;
/// The root of unity of that order.
const ROOT: Scalar =
    Scalar::from_const_bytes(hex!("0663d3a511da06e296bf8f377b34d10a5f24f8e0cf8a3efcf404f7a0110a4c56"));

/// Whether a blob is its commitment's (EIP-4844, `verify_blob_kzg_proof`).
pub(crate) fn holds(blob: &BoundBlob) -> bool {
    held(blob).is_some_and(|holds| holds)
}

fn held(blob: &BoundBlob) -> Option<bool> {
    let (commitment, proof) = (compressed(&blob.commitment)?, compressed(&blob.proof)?);
    let mut hash = openvm_sha2::Sha256::new();
    hash.update(b"FSBLOBVERIFY_V1_");
    hash.update(&(ELEMENTS as u128).to_be_bytes());
    hash.update(&blob.blob);
    hash.update(&blob.commitment);
    // Modulo the order, as the multiplication makes it.
    let z = Scalar::from_be_bytes_unchecked(&hash.finalize()) * Scalar::ONE;
    let y = evaluate(&blob.blob, &z)?;
    Some(opens(commitment, z, y, proof))
}

/// The value at `z` of the polynomial whose values at the roots of unity, in bit-reversed order, are a blob's elements: if they
/// are all of the field.
fn evaluate(blob: &[u8], z: &Scalar) -> Option<Scalar> {
    let (elements, []) = blob.as_chunks::<32>() else { return None };
    if elements.len() != ELEMENTS {
        return None;
    }
    let mut power = z.clone();
    (0..LOG_ELEMENTS).for_each(|_| power.square_assign());
    let vanishing = power - &Scalar::ONE;
    let is_root = vanishing == Scalar::ZERO;
    let mut root = Scalar::ONE;
    let mut sum = Scalar::ZERO;
    for i in 0..ELEMENTS {
        let at = i.reverse_bits() >> (usize::BITS - LOG_ELEMENTS);
        let element = Scalar::from_be_bytes(&elements[at])?;
        // Barycentric: (z^n - 1) / n · Σ element_i · root_i / (z - root_i), but at a root itself.
        if !is_root {
            sum += &(element * &root).div_unsafe(z - &root);
        } else if root == *z {
            sum = element;
        }
        root *= &ROOT;
    }
    if is_root {
        return Some(sum);
    }
    Some((sum * vanishing).div_unsafe(Scalar::from_u32(ELEMENTS as u32)))
}
