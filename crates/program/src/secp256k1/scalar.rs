//! Numbers modulo the order of secp256k1's group.

use alloy_primitives::{U256, U512, uint};

use super::point::Digits;

/// The order of the group.
pub(super) const ORDER: U256 = uint!(0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141_U256);
/// A cube root of one modulo the order; multiplying a point by it is cheap.
#[cfg(test)]
pub(super) const LAMBDA: U256 =
    uint!(0x5363AD4CC05C30E0A5261C028812645A122E22EA20816678DF02967C1B23BD72_U256);

// The shortest vectors of the lattice of all (a, b) with a + b · LAMBDA = 0 modulo the order: (A1, -B1)
// and (A2, A1).
const A1: U256 = uint!(0x3086D221A7D46BCDE86C90E49284EB15_U256);
const B1: U256 = uint!(0xE4437ED6010E88286F547FA90ABFE4C3_U256);
const A2: U256 = uint!(0x114CA50F7A8E2F3F657C1108D9D44CFD8_U256);

/// A number below 2^128, or minus one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Half {
    pub(super) negative: bool,
    pub(super) magnitude: u128,
}

impl Half {
    /// From two's complement.
    fn new(value: U256) -> Self {
        let negative = value.bit(255);
        let magnitude = if negative { value.wrapping_neg() } else { value };
        Self { negative, magnitude: magnitude.to() }
    }

    /// Its digits for a window: those of a signed binary form in which of `window` digits in a row
    /// at most one is not zero.
    pub(super) fn digits(self, window: u32) -> Digits {
        let mut digits = [0; 130];
        let mut rest = self.magnitude;
        let mut at = 0;
        while rest != 0 {
            let zeros = rest.trailing_zeros();
            rest >>= zeros;
            at += zeros as usize;
            let low = (rest & ((1 << window) - 1)) as i16;
            let digit = if low >= 1 << (window - 1) { low - (1 << window) } else { low };
            // Magnitudes are less than 2^128 by more than a digit, so this has room.
            rest = rest.wrapping_sub(digit as i128 as u128);
            digits[at] = if self.negative { -digit as i8 } else { digit as i8 };
        }
        digits
    }
}

/// `a · b / ORDER`, rounded.
fn share(a: U256, b: U256) -> U256 {
    let product: U512 = a.widening_mul(b);
    ((product + U512::from(ORDER >> 1)) / U512::from(ORDER)).to()
}

/// Two numbers of half the length with `first + second · LAMBDA = k` modulo the order.
pub(super) fn split(k: U256) -> (Half, Half) {
    // The lattice's point next to (k, 0), by the shares of its two vectors.
    let (c1, c2) = (share(k, A1), share(k, B1));
    let first = k.wrapping_sub(c1.wrapping_mul(A1)).wrapping_sub(c2.wrapping_mul(A2));
    let second = c1.wrapping_mul(B1).wrapping_sub(c2.wrapping_mul(A1));
    (Half::new(first), Half::new(second))
}
