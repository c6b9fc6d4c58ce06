//! The field of secp256k1's coordinates, for a machine that multiplies 64 bits and has no flags.

use alloy_primitives::U256;
use core::ops::{Add, Mul, Neg, Sub};

/// The modulus: 2^256 − [`FOLD`].
pub(super) const MODULUS: U256 = U256::from_limbs([0xffff_fffe_ffff_fc2f, u64::MAX, u64::MAX, u64::MAX]);
/// What 2^256 is in the field.
const FOLD: u64 = 0x1_0000_03d1;

/// An element: any number below 2^256 with that remainder, lowest limb first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fe([u64; 4]);

/// `a · b + c + d`, low and high. Never overflows.
#[inline(always)]
const fn mul_add(a: u64, b: u64, c: u64, d: u64) -> (u64, u64) {
    let sum = a as u128 * b as u128 + c as u128 + d as u128;
    (sum as u64, (sum >> 64) as u64)
}

impl Fe {
    pub(super) const ZERO: Self = Self([0; 4]);
    pub(super) const ONE: Self = Self([1, 0, 0, 0]);

    /// A number below 2^256.
    pub(super) const fn new(value: U256) -> Self {
        Self(value.into_limbs())
    }

    /// The remainder.
    pub(super) fn value(self) -> U256 {
        let value = U256::from_limbs(self.0);
        if value >= MODULUS { value - MODULUS } else { value }
    }

    pub(super) fn is_zero(self) -> bool {
        self.value().is_zero()
    }

    pub(super) fn is_odd(self) -> bool {
        self.value().bit(0)
    }

    /// `number + over · 2^256`.
    #[inline(always)]
    fn fold(number: [u64; 4], over: u64) -> Self {
        let [a, b, c, d] = number;
        let (a, carry) = mul_add(over, FOLD, a, 0);
        let (b, carry) = b.overflowing_add(carry);
        let (c, carry) = c.overflowing_add(carry.into());
        let (d, carry) = d.overflowing_add(carry.into());
        if carry {
            // What is left is small: there is room for one more.
            let (a, carry) = a.overflowing_add(FOLD);
            return Self([a, b + u64::from(carry), c, d]);
        }
        Self([a, b, c, d])
    }

    /// The remainder of a product.
    #[inline(always)]
    fn reduce(product: [u64; 8]) -> Self {
        let [p0, p1, p2, p3, high @ ..] = product;
        let (a, carry) = mul_add(high[0], FOLD, p0, 0);
        let (b, carry) = mul_add(high[1], FOLD, p1, carry);
        let (c, carry) = mul_add(high[2], FOLD, p2, carry);
        let (d, over) = mul_add(high[3], FOLD, p3, carry);
        Self::fold([a, b, c, d], over)
    }

    pub(super) fn square(self) -> Self {
        let [a, b, c, d] = self.0;
        // Products of different limbs, each of which counts twice.
        let (p1, carry) = mul_add(a, b, 0, 0);
        let (p2, carry) = mul_add(a, c, carry, 0);
        let (p3, p4) = mul_add(a, d, carry, 0);
        let (p3, carry) = mul_add(b, c, p3, 0);
        let (p4, p5) = mul_add(b, d, p4, carry);
        let (p5, p6) = mul_add(c, d, p5, 0);
        let p7 = p6 >> 63;
        let p6 = p6 << 1 | p5 >> 63;
        let p5 = p5 << 1 | p4 >> 63;
        let p4 = p4 << 1 | p3 >> 63;
        let p3 = p3 << 1 | p2 >> 63;
        let p2 = p2 << 1 | p1 >> 63;
        let p1 = p1 << 1;
        // And of each with itself.
        let (p0, high) = mul_add(a, a, 0, 0);
        let (p1, carry) = p1.overflowing_add(high);
        let (low, high) = mul_add(b, b, p2, carry.into());
        let p2 = low;
        let (p3, carry) = p3.overflowing_add(high);
        let (low, high) = mul_add(c, c, p4, carry.into());
        let p4 = low;
        let (p5, carry) = p5.overflowing_add(high);
        let (low, high) = mul_add(d, d, p6, carry.into());
        let p6 = low;
        Self::reduce([p0, p1, p2, p3, p4, p5, p6, p7 + high])
    }

    pub(super) fn double(self) -> Self {
        let [a, b, c, d] = self.0;
        let number = [a << 1, b << 1 | a >> 63, c << 1 | b >> 63, d << 1 | c >> 63];
        Self::fold(number, d >> 63)
    }

    /// The same for a small factor.
    pub(super) fn times(self, factor: u64) -> Self {
        let [a, b, c, d] = self.0;
        let (a, carry) = mul_add(a, factor, 0, 0);
        let (b, carry) = mul_add(b, factor, carry, 0);
        let (c, carry) = mul_add(c, factor, carry, 0);
        let (d, over) = mul_add(d, factor, carry, 0);
        Self::fold([a, b, c, d], over)
    }

    /// Squared `count` times.
    fn squared(mut self, count: usize) -> Self {
        for _ in 0..count {
            self = self.square();
        }
        self
    }

    /// A square root, if there is one.
    pub(super) fn sqrt(self) -> Option<Self> {
        // To the power of (p + 1) / 4, whose bits are 223 ones, a zero, 22 ones, and 00001100.
        let x1 = self;
        let x2 = x1.squared(1) * x1;
        let x3 = x2.squared(1) * x1;
        let x6 = x3.squared(3) * x3;
        let x9 = x6.squared(3) * x3;
        let x11 = x9.squared(2) * x2;
        let x22 = x11.squared(11) * x11;
        let x44 = x22.squared(22) * x22;
        let x88 = x44.squared(44) * x44;
        let x176 = x88.squared(88) * x88;
        let x220 = x176.squared(44) * x44;
        let x223 = x220.squared(3) * x3;
        let root = ((x223.squared(23) * x22).squared(6) * x2).squared(2);
        (root.square() - self).is_zero().then_some(root)
    }

    /// The inverse; zero for zero.
    pub(super) fn invert(self) -> Self {
        Self::new(self.value().inv_mod(MODULUS).unwrap_or_default())
    }
}

impl Mul for Fe {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let mut product = [0; 8];
        for (i, a) in self.0.into_iter().enumerate() {
            let mut carry = 0;
            for (j, b) in other.0.into_iter().enumerate() {
                (product[i + j], carry) = mul_add(a, b, product[i + j], carry);
            }
            product[i + 4] = carry;
        }
        Self::reduce(product)
    }
}

impl Add for Fe {
    type Output = Self;

    #[inline]
    fn add(self, other: Self) -> Self {
        let mut sum = [0; 4];
        let mut carry = false;
        for i in 0..4 {
            (sum[i], carry) = self.0[i].carrying_add(other.0[i], carry);
        }
        Self::fold(sum, carry.into())
    }
}

impl Sub for Fe {
    type Output = Self;

    #[inline]
    fn sub(self, other: Self) -> Self {
        let mut rest = [0; 4];
        let mut borrow = false;
        for i in 0..4 {
            (rest[i], borrow) = self.0[i].borrowing_sub(other.0[i], borrow);
        }
        // 2^256 too much, which is FOLD; once more if that wraps.
        while borrow {
            (rest[0], borrow) = rest[0].borrowing_sub(FOLD, false);
            for limb in &mut rest[1..] {
                (*limb, borrow) = limb.borrowing_sub(0, borrow);
            }
        }
        Self(rest)
    }
}

impl Neg for Fe {
    type Output = Self;

    fn neg(self) -> Self {
        Self::ZERO - self
    }
}
