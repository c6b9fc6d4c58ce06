//! What the curves have in common.

use openvm_algebra_guest::IntMod;
use openvm_ecc_guest::{Group, weierstrass::WeierstrassPoint};

use crate::pairing::digits;

/// Numbers one after the other, most significant byte first: the numbers themselves, not some that are the same modulo the
/// prime.
pub(crate) fn encode<const N: usize, const K: usize, F: IntMod>(numbers: [&F; K]) -> [u8; N] {
    assert_eq!(N, K * F::NUM_LIMBS, "as many bytes as the numbers have");
    let mut bytes = [0; N];
    for (place, number) in bytes.chunks_exact_mut(F::NUM_LIMBS).zip(numbers) {
        number.assert_reduced();
        place.copy_from_slice(number.to_be_bytes().as_ref());
    }
    bytes
}

/// A point times a number. Nothing is assumed of the point, but that it is on its curve and that the curve has no points of
/// order two.
pub(crate) fn multiple<P: Group + WeierstrassPoint>(point: &P, number: u64) -> P {
    let opposite = -point.clone();
    let mut multiple = point.clone();
    for digit in digits(number.into()) {
        multiple.double_assign_impl::<true>();
        match digit {
            1 => multiple.add_assign_impl::<true>(point),
            -1 => multiple.add_assign_impl::<true>(&opposite),
            _ => {}
        }
    }
    multiple
}
