//! Against big numbers, and against libsecp256k1.

use alloy_consensus::crypto::secp256k1::recover_signer_unchecked;
use alloy_primitives::{B256, Signature, U256, keccak256};
use proptest::prelude::*;

use super::{
    Recovery,
    field::{Fe, MODULUS},
    point::{BASE_WINDOW, WINDOW},
    scalar::{Half, LAMBDA, ORDER, split},
};

/// Numbers of every size, and those next to where carries go wrong.
fn number() -> impl Strategy<Value = U256> {
    let limb =
        || prop_oneof![Just(0), Just(1), Just(u64::MAX), Just(u64::MAX - 1), Just(1 << 63), any::<u64>()];
    let edge = prop_oneof![Just(MODULUS), Just(ORDER), Just(U256::MAX), Just(U256::ZERO), Just(ORDER >> 1)];
    prop_oneof![
        3 => prop::array::uniform4(limb()).prop_map(U256::from_limbs),
        1 => (edge, 0..4u64, any::<bool>()).prop_map(|(edge, by, up)| {
            if up { edge.wrapping_add(U256::from(by)) } else { edge.wrapping_sub(U256::from(by)) }
        }),
        2 => prop::array::uniform4(any::<u64>()).prop_map(U256::from_limbs),
    ]
}

/// What libsecp256k1 says.
fn reference(hash: B256, r: U256, s: U256, odd: bool) -> Option<alloy_primitives::Address> {
    recover_signer_unchecked(&Signature::new(r, s, odd), hash).ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn the_field_is_that_of_numbers_modulo_p(a in number(), b in number(), small in 0..16u64) {
        let (x, y) = (Fe::new(a), Fe::new(b));
        let m = MODULUS;
        let (a, b) = (a % m, b % m);
        prop_assert_eq!(x.value(), a);
        prop_assert_eq!((x + y).value(), a.add_mod(b, m));
        prop_assert_eq!((x - y).value(), a.add_mod((m - b) % m, m));
        prop_assert_eq!((-x).value(), (m - a) % m);
        prop_assert_eq!((x * y).value(), a.mul_mod(b, m));
        prop_assert_eq!(x.square().value(), a.mul_mod(a, m));
        prop_assert_eq!(x.double().value(), a.add_mod(a, m));
        prop_assert_eq!(x.times(small).value(), a.mul_mod(U256::from(small), m));
        prop_assert_eq!(x.is_zero(), a.is_zero());
        prop_assert_eq!(x.is_odd(), a.bit(0));
        // And on what was computed, which need not be below p.
        prop_assert_eq!(((x - y) * (x + y)).value(), (x.square() - y.square()).value());
        prop_assert_eq!((x.invert() * x).value(), U256::from(u8::from(!a.is_zero())));
        let square = x.square();
        let root = square.sqrt().unwrap().value();
        prop_assert!(root == a || root == (m - a) % m);
        // Minus one is no square here, so of a number and its opposite one is, but for zero.
        prop_assert_eq!((-square).sqrt().is_some(), a.is_zero());
    }

    #[test]
    fn halves_make_the_whole(k in number()) {
        let k = k % ORDER;
        let (a, b) = split(k);
        let signed = |half: Half| {
            let magnitude = U256::from(half.magnitude) % ORDER;
            if half.negative { (ORDER - magnitude) % ORDER } else { magnitude }
        };
        prop_assert_eq!(signed(a).add_mod(signed(b).mul_mod(LAMBDA, ORDER), ORDER), k);
        for half in [a, b] {
            // Room for the digits of either window.
            prop_assert!(half.magnitude < u128::MAX - 256);
            for window in [BASE_WINDOW, WINDOW] {
                let digits = half.digits(window);
                let mut sum = U256::ZERO;
                for digit in digits.iter().rev() {
                    sum = sum.wrapping_add(sum);
                    let magnitude = U256::from(digit.unsigned_abs());
                    sum = if *digit < 0 { sum.wrapping_sub(magnitude) } else { sum.wrapping_add(magnitude) };
                    prop_assert!(*digit == 0 || (digit % 2 != 0 && i16::from(digit.abs()) < 1 << (window - 1)));
                }
                let magnitude = U256::from(half.magnitude);
                prop_assert_eq!(sum, if half.negative { magnitude.wrapping_neg() } else { magnitude });
                for run in digits.windows(window as usize) {
                    prop_assert!(run.iter().filter(|digit| **digit != 0).count() <= 1);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn whatever_is_signed_as_libsecp256k1_has_it(
        hash in number(), r in number(), s in number(), odd in any::<bool>(), real in any::<bool>(),
    ) {
        let recovery = Recovery::new();
        // Any r is on the curve every other time; a hash is as good as a random one.
        let r = if real { U256::from_be_bytes(keccak256(r.to_be_bytes::<32>()).0) } else { r };
        let found = recovery.recover(&hash.to_be_bytes(), r, s, odd);
        prop_assert_eq!(found, reference(hash.into(), r, s, odd));
    }
}

/// The signature's point is a small multiple of the base point, and so are the factors: so all cases
/// of adding come up, that of points that are the same or opposite too, and infinity.
#[test]
fn points_that_meet() {
    let recovery = Recovery::new();
    let (mut some, mut none) = (0, 0);
    for k in 1..=24u64 {
        // The x of k · BASE, from a signature by k over nothing with the base point itself.
        let x = x_of_multiple(k);
        for s in 1..=12u64 {
            for z in 0..=24u64 {
                for (s, z) in [(U256::from(s), U256::from(z)), (ORDER - U256::from(s), ORDER - U256::from(z))]
                {
                    for odd in [false, true] {
                        let hash = B256::from(z);
                        let found = recovery.recover(&hash.0, x, s, odd);
                        assert_eq!(found, reference(hash, x, s, odd), "{k} {s} {z} {odd}");
                        match found {
                            Some(_) => some += 1,
                            None => none += 1,
                        }
                    }
                }
            }
        }
    }
    assert!(some > 10_000 && none > 100, "{some} keys, {none} times infinity");
}

fn x_of_multiple(k: u64) -> U256 {
    use alloy_signer_local::PrivateKeySigner;
    let key = PrivateKeySigner::from_bytes(&B256::from(U256::from(k))).unwrap();
    let point = key.credential().verifying_key().to_encoded_point(false);
    U256::from_be_slice(point.x().unwrap())
}

#[test]
fn what_is_out_of_range_has_no_signer() {
    let recovery = Recovery::new();
    let hash = keccak256("hash").0;
    let x = x_of_multiple(1);
    assert!(recovery.recover(&hash, x, U256::ONE, false).is_some());
    for bad in [U256::ZERO, ORDER, ORDER + U256::ONE, MODULUS, U256::MAX] {
        assert_eq!(recovery.recover(&hash, bad, U256::ONE, false), None);
        assert_eq!(recovery.recover(&hash, x, bad, false), None);
    }
    assert!(recovery.recover(&hash, x, ORDER - U256::ONE, true).is_some());
}
