//! The price of blob gas on L1, for L2's anchors (EIP-4844, `get_base_fee_per_blob_gas`, with the fraction of Osaka).
//!
//! `alloy` computes the same in numbers of 512 bits, which in the machine that proves takes as long as all else that an empty block
//! is made of.

use alloy_eips::eip7840::BlobParams;

/// Words of a number: the largest, a sum times the excess, has less than 2^192.
const WORDS: usize = 6;
/// Where e to the power of what it is exceeds 128 bits.
const MOST: u64 = 89;

/// A number, least word first.
#[derive(Debug, Clone, Copy, Default)]
struct Wide([u32; WORDS]);

impl Wide {
    fn add(&mut self, other: &Self) {
        let mut carry = false;
        for (word, more) in self.0.iter_mut().zip(other.0) {
            let (sum, one) = word.overflowing_add(more);
            let (sum, other) = sum.overflowing_add(u32::from(carry));
            (*word, carry) = (sum, one | other);
        }
        debug_assert!(!carry, "sums are below 2^153");
    }

    fn multiply(&mut self, by: u32) {
        let mut carry = 0;
        for word in &mut self.0 {
            let product = u64::from(*word) * u64::from(by) + u64::from(carry);
            (*word, carry) = (product as u32, (product >> 32) as u32);
        }
        debug_assert!(carry == 0, "terms are below 2^153, what they are multiplied by below 2^30");
    }

    fn divide(&mut self, by: u32) {
        let mut rest = 0;
        for word in self.0.iter_mut().rev() {
            if rest == 0 && *word < by {
                rest = *word;
                *word = 0;
                continue;
            }
            (*word, rest) = divide(rest, *word, by);
        }
    }

    fn is_zero(&self) -> bool {
        self.0 == [0; WORDS]
    }
}

/// Quotient and rest of `high`·2³² + `low` by a number that is more than `high`, half a word after the other (Knuth's algorithm D).
/// What the compiler has for 64 bits takes six times as long on a machine of 32.
fn divide(high: u32, low: u32, by: u32) -> (u32, u32) {
    debug_assert!(high < by, "the quotient is one word");
    // With its highest bit set, so that what is estimated by its upper half is at most two too much.
    let shift = by.leading_zeros();
    let by = by << shift;
    let high = if shift == 0 { high } else { high << shift | low >> (32 - shift) };
    let low = low << shift;
    let half = |rest: u32, next: u32| {
        let mut digit = rest / (by >> 16);
        let mut left = rest - digit * (by >> 16);
        while digit >> 16 != 0 || digit * (by & 0xffff) > (left << 16 | next) {
            digit -= 1;
            left += by >> 16;
            if left >> 16 != 0 {
                break;
            }
        }
        // The difference is less than `by`, however its parts overflow.
        let rest = (rest << 16 | next).wrapping_sub(digit.wrapping_mul(by));
        (digit, rest)
    };
    let (first, rest) = half(high, low >> 16);
    let (second, rest) = half(rest, low & 0xffff);
    (first << 16 | second, rest >> shift)
}

/// The price of blob gas in wei in a block with this excess; at most `u128::MAX`.
pub(crate) fn blob_base_fee(excess: u64) -> u128 {
    let fraction = BlobParams::osaka().update_fraction as u32;
    // The series of e to the power of excess / fraction, times the fraction.
    if excess / u64::from(fraction) >= MOST {
        return u128::MAX;
    }
    let (mut term, mut sum) = (Wide::default(), Wide::default());
    term.0[0] = fraction;
    let mut i = 0;
    while !term.is_zero() {
        sum.add(&term);
        i += 1;
        term.multiply(excess as u32);
        // With less than e^89 there are no terms any more long before this overflows, at i = 368.
        term.divide(fraction * i);
    }
    sum.divide(fraction);
    let [a, b, c, d, over @ ..] = sum.0;
    if over != [0; WORDS - 4] {
        return u128::MAX;
    }
    [d, c, b, a].into_iter().fold(0, |number, word| number << 32 | u128::from(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn theirs(excess: u64) -> u128 {
        BlobParams::osaka().calc_blob_fee(excess)
    }

    #[test]
    fn it_saturates() {
        let fraction = BlobParams::osaka().update_fraction as u64;
        let mut seen = [false; 2];
        for excess in (88 * fraction..90 * fraction).step_by(40_009).chain([u64::MAX, 1 << 32, 0, 1]) {
            let fee = blob_base_fee(excess);
            assert_eq!(fee, theirs(excess), "{excess}");
            seen[usize::from(fee == u128::MAX)] = true;
        }
        assert_eq!(seen, [true; 2]);
        for near in -20..20_i64 {
            let excess = (MOST * fraction).saturating_add_signed(near);
            assert_eq!(blob_base_fee(excess), theirs(excess));
        }
    }

    /// Estimates that are right, one too much, and two.
    #[test]
    fn a_word_is_divided() {
        let words = [
            0,
            1,
            2,
            0x7fff,
            0x8000,
            0xffff,
            0x1_0000,
            0x7fff_ffff,
            0x8000_0000,
            0x8000_ffff,
            u32::MAX - 1,
            u32::MAX,
        ];
        for by in words {
            for high in words.into_iter().filter(|high| *high < by) {
                for low in words {
                    check_division(high, low, by);
                }
            }
        }
    }

    fn check_division(high: u32, low: u32, by: u32) {
        let number = u64::from(high) << 32 | u64::from(low);
        let expected = ((number / u64::from(by)) as u32, (number % u64::from(by)) as u32);
        assert_eq!(divide(high, low, by), expected, "{number} / {by}");
    }

    proptest! {
        #[test]
        fn any_word_is_divided(high: u32, low: u32, by in 1..=u32::MAX, shift in 0..32_u32) {
            let by = (by >> shift).max(1);
            check_division(high % by, low, by);
        }

        #[test]
        fn it_is_alloys(excess in prop_oneof![0..2_000_000_000_u64, any::<u32>().prop_map(u64::from), any::<u64>()]) {
            prop_assert_eq!(blob_base_fee(excess), theirs(excess));
        }
    }
}
