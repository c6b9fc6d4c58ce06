//! P-256, for the precompile of RIP-7212.

use core::ops::Neg;

use alloy_primitives::hex;
use openvm_algebra_guest::{DivUnsafe, IntMod};
use openvm_ecc_guest::{Group, weierstrass::WeierstrassPoint};

use crate::points::sum_of_multiples;

openvm_algebra_guest::moduli_macros::moduli_declare! {
    P256Coordinate { modulus = "0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff" },
    P256Scalar { modulus = "0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551" },
}

/// a and b of y² = x³ + ax + b, least byte first; a is -3.
const A: P256Coordinate = P256Coordinate::from_const_bytes(hex!(
    "fcffffffffffffffffffffff00000000000000000000000001000000ffffffff"
));
const B: P256Coordinate = P256Coordinate::from_const_bytes(hex!(
    "4b60d2273e3cce3bf6b053ccb0061d65bc86987655bdebb3e7933aaad835c65a"
));

openvm_ecc_guest::sw_macros::sw_declare! {
    P256Point { mod_type = P256Coordinate, a = A, b = B },
}

/// The generator, x and y, least byte first.
const GENERATOR: [P256Coordinate; 2] = [
    P256Coordinate::from_const_bytes(hex!(
        "96c298d84539a1f4a033eb2d817d0377f240a463e5e6bcf847422ce1f2d1176b"
    )),
    P256Coordinate::from_const_bytes(hex!(
        "f551bf376840b6cbce5e316b5733ce2b169e0f7c4aebe78e9b7f1afee242e34f"
    )),
];

/// Whether a key has signed a hash. `s` may be high.
pub(crate) fn verify(hash: &[u8; 32], signature: &[u8; 64], key: &[u8; 64]) -> bool {
    verified(hash, signature, key).is_some()
}

fn verified(hash: &[u8; 32], signature: &[u8; 64], key: &[u8; 64]) -> Option<()> {
    let [r, s] = [&signature[..32], &signature[32..]].map(P256Scalar::from_be_bytes);
    let (r, s) = (r?, s?);
    if r == P256Scalar::ZERO || s == P256Scalar::ZERO {
        return None;
    }
    let [x, y] = [&key[..32], &key[32..]].map(P256Coordinate::from_be_bytes);
    // SAFETY: all the curve's points are in the one group; (0, 0) is not on it, and thus no key.
    let key = unsafe { P256Point::from_xy_nonidentity(x?, y?) }?;
    let [x, y] = GENERATOR;
    // SAFETY: the generator is on the curve.
    let generator = unsafe { P256Point::from_xy_unchecked(x, y) };
    let hash = P256Scalar::from_be_bytes_unchecked(hash);
    let point = sum_of_multiples(&[generator, key], &[hash.div_unsafe(&s), (&r).div_unsafe(&s)]);
    if point.is_identity() {
        return None;
    }
    let (x, _) = point.into_coords();
    x.assert_reduced();
    // x may be more than the order, and is taken modulo it: by the subtraction, as only numbers below it can be compared.
    (P256Scalar::from_le_bytes_unchecked(x.as_le_bytes()) - &r == P256Scalar::ZERO).then_some(())
}
