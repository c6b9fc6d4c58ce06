//! Who signed: secp256k1, for the precompile and for transactions' senders.

use core::ops::Neg;

use openvm_algebra_guest::{DivUnsafe, IntMod, Sqrt};
use openvm_ecc_guest::{Group, weierstrass::WeierstrassPoint};

use crate::points::{encode, sum_of_multiples};

openvm_algebra_guest::moduli_macros::moduli_declare! {
    Coordinate { modulus = "0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F" },
    Scalar { modulus = "0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141" },
}

/// b of y² = x³ + b.
const B: Coordinate = Coordinate::from_const_u8(7);

openvm_ecc_guest::sw_macros::sw_declare! {
    Secp256k1Point { mod_type = Coordinate, b = B },
}

/// The generator, x and y, least byte first.
const GENERATOR: [[u8; 32]; 2] = [
    [
        0x98, 0x17, 0xf8, 0x16, 0x5b, 0x81, 0xf2, 0x59, 0xd9, 0x28, 0xce, 0x2d, 0xdb, 0xfc, 0x9b, 0x02, 0x07,
        0x0b, 0x87, 0xce, 0x95, 0x62, 0xa0, 0x55, 0xac, 0xbb, 0xdc, 0xf9, 0x7e, 0x66, 0xbe, 0x79,
    ],
    [
        0xb8, 0xd4, 0x10, 0xfb, 0x8f, 0xd0, 0x47, 0x9c, 0x19, 0x54, 0x85, 0xa6, 0x48, 0xb4, 0x17, 0xfd, 0xa8,
        0x08, 0x11, 0x0e, 0xfc, 0xfb, 0xa4, 0x5d, 0x65, 0xc4, 0xa3, 0x26, 0x77, 0xda, 0x3a, 0x48,
    ],
];

/// The public key, x and y, that signed a hash. As Ethereum has it: `s` may be high, `odd` is the parity of R's y, and R's x is
/// below the group's order.
pub(crate) fn recover(r: &[u8], s: &[u8], odd: bool, hash: &[u8; 32]) -> Option<[u8; 64]> {
    let x = Coordinate::from_be_bytes(r)?;
    let (r, s) = (Scalar::from_be_bytes(r)?, Scalar::from_be_bytes(s)?);
    if r == Scalar::ZERO || s == Scalar::ZERO {
        return None;
    }
    let mut y = (&x * &x * &x + &B).sqrt()?;
    // What is compared and written must be the number itself, not one that is the same modulo the prime.
    y.assert_reduced();
    if (y.as_le_bytes()[0] & 1 == 1) != odd {
        y.neg_assign();
        y.assert_reduced();
    }
    let [gx, gy] = GENERATOR.map(|bytes| Coordinate::from_le_bytes_unchecked(&bytes));
    // SAFETY: the generator is on the curve; and so is R, whose y was made so.
    let (minus_g, big_r) =
        unsafe { (Secp256k1Point::from_xy_unchecked(gx, -gy), Secp256k1Point::from_xy_unchecked(x, y)) };
    let hash = Scalar::from_be_bytes_unchecked(hash);
    let key = sum_of_multiples(&[minus_g, big_r], &[hash.div_unsafe(&r), s.div_unsafe(&r)]);
    if key.is_identity() {
        return None;
    }
    let (x, y) = key.into_coords();
    Some(encode([&x, &y]))
}
