//! Points of the second curve, and lines through them. A division takes one instruction, so they are affine.

use alloc::vec::Vec;

use openvm_algebra_guest::{DivAssignUnsafe, Field, field::ComplexConjugate};
use openvm_ecc_guest::AffinePoint;

use super::{InPlace, Pairing, Point2, Value, digits};

/// Where a line is evaluated: at a point of the first group. Both in Fp2: what its numbers are multiplied with is.
pub(super) struct Place<C: Pairing> {
    pub(super) minus_x_over_y: C::Fp2,
    pub(super) inverse_y: C::Fp2,
}

/// Memory for what is between: numbers are never moved.
pub(crate) struct Workshop<C: Pairing> {
    slope: C::Fp2,
    other: C::Fp2,
    line: [C::Fp2; 4],
}

pub(super) fn put<C: Pairing>(to: &mut Point2<C>, from: &Point2<C>) {
    to.x.put(&from.x);
    to.y.put(&from.y);
}

impl<C: Pairing> Workshop<C> {
    pub(crate) fn new() -> Self {
        C::Fp2::set_up();
        let zero = || C::Fp2::ZERO;
        Self { slope: zero(), other: zero(), line: [zero(), zero(), zero(), zero()] }
    }

    /// The slope of the tangent at a point whose y is not zero.
    pub(super) fn tangent(&mut self, at: &Point2<C>) {
        self.other.put_product(&at.x, &at.x);
        self.slope.put_sum(&self.other, &self.other);
        self.slope += &self.other;
        self.other.put_sum(&at.y, &at.y);
        self.slope.div_assign_unsafe(&self.other);
    }

    /// The slope of the line through two points with different x.
    pub(super) fn chord(&mut self, one: &Point2<C>, other: &Point2<C>) {
        self.slope.put_difference(&one.y, &other.y);
        self.other.put_difference(&one.x, &other.x);
        self.slope.div_assign_unsafe(&self.other);
    }

    /// From a point to the opposite of the third one on the line through it and `other`, itself if there is none.
    pub(super) fn step(&mut self, sum: &mut Point2<C>, other: Option<&Point2<C>>) {
        self.other.put_product(&self.slope, &self.slope);
        self.other -= &sum.x;
        self.other -= other.map_or(&sum.x, |other| &other.x);
        sum.x -= &self.other;
        sum.x *= &self.slope;
        sum.y.subtract_from(&sum.x);
        sum.x.put(&self.other);
    }

    /// Multiplies a value with the line through a point with the slope at hand, at a place, and puts it to another.
    ///
    /// The line is divided by the place's y, and for twists that divide by w³ more: numbers whose power to (p⁶ - 1)(p² + 1) is
    /// one. What is left is 1 - slope·x/y·w + (slope·x' - y')/y·w³, or the same with 1/w for w. It is never zero.
    pub(super) fn multiply(
        &mut self,
        to: &mut Value<C>,
        from: &Value<C>,
        place: &Place<C>,
        point: &Point2<C>,
    ) {
        let [b, c, other_b, other_c] = &mut self.line;
        b.put_product(&self.slope, &place.minus_x_over_y);
        c.put_product(&self.slope, &point.x);
        *c -= &point.y;
        *c *= &place.inverse_y;
        // As b·wⁱ + c·w³, and both times ξ.
        let (i, b, c, xi_b, xi_c) = if C::DIVIDES {
            other_b.put_quotient(b, &C::XI);
            other_c.put_quotient(c, &C::XI);
            (5, other_b, other_c, b, c)
        } else {
            other_b.put_product(b, &C::XI);
            other_c.put_product(c, &C::XI);
            (1, b, c, other_b, other_c)
        };
        for (k, to) in to.0.iter_mut().enumerate() {
            to.put_product(&from.0[(k + 6 - i) % 6], if k < i { &*xi_b } else { &*b });
            self.other.put_product(&from.0[(k + 3) % 6], if k < 3 { &*xi_c } else { &*c });
            *to += &self.other;
            *to += &from.0[k];
        }
    }

    pub(crate) fn double(&mut self, sum: &mut Point2<C>) {
        // No point has a y of zero: their number is odd.
        if !sum.is_infinity() {
            self.tangent(sum);
            self.step(sum, None);
        }
    }

    /// For all points of the curve.
    pub(crate) fn add(&mut self, sum: &mut Point2<C>, other: &Point2<C>) {
        if other.is_infinity() {
        } else if sum.is_infinity() {
            put::<C>(sum, other);
        } else if sum.x != other.x {
            self.chord(sum, other);
            self.step(sum, Some(other));
        } else if sum.y == other.y {
            self.double(sum);
        } else {
            put::<C>(sum, &AffinePoint::new(C::Fp2::ZERO, C::Fp2::ZERO));
        }
    }

    /// The sum of points of the curve times numbers, most significant byte first: four bits at a time.
    pub(crate) fn sum_of_multiples(&mut self, terms: &[(Point2<C>, [u8; 32])]) -> Point2<C> {
        let tables: Vec<[Point2<C>; 15]> = terms
            .iter()
            .map(|(point, _)| {
                let mut multiple = point.clone();
                core::array::from_fn(|i| {
                    if i > 0 {
                        self.add(&mut multiple, point);
                    }
                    multiple.clone()
                })
            })
            .collect();
        let mut sum = AffinePoint::new(C::Fp2::ZERO, C::Fp2::ZERO);
        for at in 0..64 {
            (0..4).for_each(|_| self.double(&mut sum));
            for ((_, number), table) in terms.iter().zip(&tables) {
                let byte = number[at / 2];
                let digit = if at % 2 == 0 { byte >> 4 } else { byte & 0xf };
                if digit > 0 {
                    self.add(&mut sum, &table[usize::from(digit) - 1]);
                }
            }
        }
        sum
    }

    /// A point of the curve times a number.
    pub(crate) fn multiple(&mut self, point: &Point2<C>, number: u64) -> Point2<C> {
        let opposite = opposite::<C>(point);
        let mut multiple = point.clone();
        for digit in digits(number.into()) {
            self.double(&mut multiple);
            match digit {
                1 => self.add(&mut multiple, point),
                -1 => self.add(&mut multiple, &opposite),
                _ => {}
            }
        }
        multiple
    }
}

pub(crate) fn opposite<C: Pairing>(point: &Point2<C>) -> Point2<C> {
    AffinePoint::new(point.x.clone(), C::Fp2::ZERO - &point.y)
}

/// The p-th power on the curve, seen from the twist. It is an endomorphism ψ with ψ² - tψ + p = 0, where p + 1 - t is how many
/// points the first curve has.
pub(crate) fn psi<C: Pairing>(point: &Point2<C>) -> Point2<C> {
    let image = |number: &C::Fp2, factor: &C::Fp2| {
        let mut number = number.clone();
        number.conjugate_assign();
        if C::DIVIDES {
            number.div_assign_unsafe(factor)
        } else {
            number *= factor
        }
        number
    };
    // ξ to the (p - 1)/3-th, and to the (p - 1)/2-th.
    let [_, for_x, for_y, ..] = &C::FROBENIUS_COEFFS[1];
    AffinePoint::new(image(&point.x, for_x), image(&point.y, for_y))
}
