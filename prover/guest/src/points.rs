//! What the curves have in common.

use alloc::vec::Vec;

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

/// The sum of points times numbers, four bits at a time. Nothing is assumed of the points but what is above, and nothing of the
/// numbers: they need not be less than their modulus. (OpenVM's own moves each point of its tables several times.)
pub(crate) fn sum_of_multiples<P: Group + WeierstrassPoint, S: IntMod>(points: &[P], numbers: &[S]) -> P {
    assert_eq!(points.len(), numbers.len(), "a number for each point");
    // So that it need not be asked below.
    P::set_up_once();
    // Those by 1 to 15 of each point.
    let mut tables = Vec::with_capacity(15 * points.len());
    for point in points {
        tables.push(point.clone());
        for _ in 1..15 {
            tables.extend_from_within(tables.len() - 1..);
            tables.last_mut().expect("one was pushed").add_assign_impl::<false>(point);
        }
    }
    let mut sum = <P as Group>::IDENTITY;
    for at in (0..S::NUM_LIMBS).rev() {
        for shift in [4, 0] {
            for _ in 0..4 {
                sum.double_assign_impl::<false>();
            }
            for (number, table) in numbers.iter().zip(tables.chunks_exact(15)) {
                let digit = number.as_le_bytes()[at] >> shift & 0xf;
                if digit > 0 {
                    sum.add_assign_impl::<false>(&table[usize::from(digit) - 1]);
                }
            }
        }
    }
    sum
}
