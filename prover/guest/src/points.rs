//! What the curves have in common.

use openvm_algebra_guest::IntMod;
use openvm_ecc_guest::{Group, weierstrass::WeierstrassPoint};

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

/// Whether a number times a point is the identity. Nothing is assumed of the point, but that it is on its curve and that the
/// curve has no points of order two.
pub(crate) fn vanishes<P: Group + WeierstrassPoint>(point: &P, number: &[u8; 32]) -> bool {
    let mut product = <P as Group>::IDENTITY;
    for bit in number.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)) {
        product.double_assign_impl::<true>();
        if bit == 1 {
            product.add_assign_impl::<true>(point);
        }
    }
    product.is_identity()
}
