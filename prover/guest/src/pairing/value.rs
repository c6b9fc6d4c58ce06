//! Fp12, in which pairings have their values. Results go to where they are wanted, as in Fp2.

use openvm_algebra_guest::{
    Field,
    field::{ComplexConjugate, FieldExtension},
};

use super::{InPlace, Pairing, digits};

/// Σ cᵢwⁱ, with w⁶ = ξ.
#[derive(Debug)]
pub(crate) struct Value<C: Pairing>(pub(super) [C::Fp2; 6]);

impl<C: Pairing> Value<C> {
    pub(crate) fn one() -> Self {
        Self(core::array::from_fn(|i| if i == 0 { C::Fp2::ONE } else { C::Fp2::ZERO }))
    }

    pub(crate) fn is_one(&self) -> bool {
        self.0[0] == C::Fp2::ONE && self.0[1..].iter().all(|c| *c == C::Fp2::ZERO)
    }

    /// Puts Σ a·b·wᵉ here, of the `terms` for each exponent e from 0 to 10, of which there are some. Place by place, so that nothing
    /// has to be zero before: first those with w⁶, times ξ, which the last place has none of.
    #[inline(always)]
    fn put_products<'a, I: Iterator<Item = (&'a C::Fp2, &'a C::Fp2)>>(&mut self, terms: impl Fn(usize) -> I) {
        let mut product = C::Fp2::ZERO;
        for (k, sum) in self.0.iter_mut().enumerate() {
            let mut is_first = true;
            for exponent in [k + 6, k] {
                for (a, b) in terms(exponent) {
                    if is_first {
                        sum.put_product(a, b);
                        is_first = false;
                    } else {
                        product.put_product(a, b);
                        *sum += &product;
                    }
                }
                if exponent == k + 6 && k < 5 {
                    *sum *= &C::XI;
                }
            }
        }
    }

    pub(crate) fn put_product(&mut self, a: &Self, b: &Self) {
        self.put_products(move |exponent| {
            (exponent.saturating_sub(5)..=exponent.min(5)).map(move |i| (&a.0[i], &b.0[exponent - i]))
        });
    }

    pub(crate) fn put_square(&mut self, a: &Self) {
        let mut doubles = [C::Fp2::ZERO; 6];
        for (double, a) in doubles.iter_mut().zip(&a.0) {
            double.put_sum(a, a);
        }
        let doubles = &doubles;
        self.put_products(move |exponent| {
            (exponent.saturating_sub(5)..=exponent / 2).map(move |i| {
                let j = exponent - i;
                (&a.0[i], if i == j { &a.0[j] } else { &doubles[j] })
            })
        });
    }

    pub(crate) fn times(&self, other: &Self) -> Self {
        let mut product = Self::one();
        product.put_product(self, other);
        product
    }

    /// The power to p⁶. Of values whose norm to Fp6 is one, such as those of the hard part, the inverse.
    pub(crate) fn conjugate(&self) -> Self {
        let mut conjugate = Self::one();
        for (i, (c, from)) in conjugate.0.iter_mut().zip(&self.0).enumerate() {
            if i % 2 == 1 { c.put_difference(C::Fp2::NONE, from) } else { c.put(from) }
        }
        conjugate
    }

    /// The power to p to the `power`.
    pub(crate) fn frobenius(&self, power: usize) -> Self {
        let mut image = Self::one();
        for (i, (c, from)) in image.0.iter_mut().zip(&self.0).enumerate() {
            c.put(from);
            if power % 2 == 1 {
                c.conjugate_assign();
            }
            if i > 0 {
                *c *= &C::FROBENIUS_COEFFS[power][i - 1];
            }
        }
        image
    }

    /// For a value that is not zero.
    pub(crate) fn inverse(&self) -> Self {
        Self(C::Fp12::from_coeffs(self.0.clone()).invert().to_coeffs())
    }

    /// Puts the square here of a value whose power to p⁴ - p² + 1 is one (Granger and Scott, eprint 2009/565).
    fn put_cyclotomic_square(&mut self, from: &Self) {
        let c = &from.0;
        let (mut square, mut other) = (C::Fp2::ZERO, C::Fp2::ZERO);
        // The square of cᵢ + cⱼ·w³, times 3, less twice the conjugate of cₖ + cₗ·w³.
        for (i, j, k, l) in [(0, 3, 0, 3), (1, 4, 2, 5), (2, 5, 4, 1)] {
            square.put_product(&c[j], &c[j]);
            square *= &C::XI;
            other.put_product(&c[i], &c[i]);
            square += &other;
            let real = &mut self.0[k];
            real.put_difference(&square, &c[k]);
            real.double_assign();
            *real += &square;
            square.put_product(&c[i], &c[j]);
            square.double_assign();
            if l == 1 {
                // This one is times w³ as well, so here are both parts' places changed.
                square *= &C::XI;
            }
            let imaginary = &mut self.0[l];
            imaginary.put_sum(&square, &c[l]);
            imaginary.double_assign();
            *imaginary += &square;
        }
    }

    /// The power to a number, of a value as above.
    pub(crate) fn cyclotomic_power(&self, number: u64) -> Self {
        let inverse = self.conjugate();
        let (mut power, mut next) = (&mut Self(self.0.clone()), &mut Self::one());
        for digit in digits(number.into()) {
            next.put_cyclotomic_square(power);
            core::mem::swap(&mut power, &mut next);
            if digit != 0 {
                next.put_product(power, if digit == 1 { self } else { &inverse });
                core::mem::swap(&mut power, &mut next);
            }
        }
        Self(power.0.clone())
    }

    pub(crate) fn cyclotomic_square(&self) -> Self {
        let mut square = Self::one();
        square.put_cyclotomic_square(self);
        square
    }
}
