//! Whether a product of pairings is one: computed as a whole, with no hint of the prover's, so that it costs the same whatever
//! comes out.
//!
//! Here an addition takes as many of the machine's instructions as a multiplication, and a division no more: what saves
//! multiplications by more additions saves nothing.

use alloc::vec::Vec;

use openvm_algebra_guest::{DivUnsafe, Field, field::FieldExtension};
use openvm_ecc_guest::AffinePoint;
use openvm_pairing_guest::pairing::PairingIntrinsics;

use self::{
    in_place::InPlace,
    twist::{Place, opposite},
};
pub(crate) use self::{
    twist::{Workshop, psi},
    value::Value,
};

mod in_place;
mod twist;
mod value;

/// A point of the second curve: the twist, with coordinates in Fp2.
pub(crate) type Point2<C> = AffinePoint<<C as PairingIntrinsics>::Fp2>;
/// A point of the first group and one of the second, neither of them the identity.
pub(crate) type Pair<C> = (AffinePoint<<C as PairingIntrinsics>::Fp>, Point2<C>);

/// A curve with a pairing.
pub(crate) trait Pairing:
    Sized
    + PairingIntrinsics<
        Fp2: InPlace,
        Fp12: Field
                  + FieldExtension<
            <Self as PairingIntrinsics>::Fp2,
            Coeffs = [<Self as PairingIntrinsics>::Fp2; 6],
        >,
    >
{
    /// What the Miller loop multiplies points by.
    const LOOP: u128;
    /// How a point of the twist gets to the curve: as (x·w², y·w³), or as (x/w², y/w³).
    const DIVIDES: bool;

    /// What is added to `LOOP` times a point of the second group, in this order, each with a line.
    fn last(point: &Point2<Self>) -> Vec<Point2<Self>>;

    /// A power of a value to the (p⁶ - 1)(p² + 1)th, which is one if, and only if, its power to the (p⁴ - p² + 1)/r-th is.
    fn hard_part(value: &Value<Self>) -> Value<Self>;
}

/// The digits of a number in its non-adjacent form, but for the first one, which is 1.
pub(crate) fn digits(number: u128) -> impl Iterator<Item = i8> {
    let triple = 3 * number;
    // That of place i is bit i + 1 of 3n less that of n.
    let bit = |number: u128, place: u32| (number >> place & 1) as i8;
    (1..triple.ilog2()).rev().map(move |place| bit(triple, place) - bit(number, place))
}

/// Whether the product of the pairings of these is one.
pub(crate) fn is_one<C: Pairing>(pairs: &[Pair<C>]) -> bool {
    if pairs.is_empty() {
        return true;
    }
    let value = miller_loop::<C>(pairs);
    // To the (p⁶ - 1)(p² + 1)th, and then to the (p⁴ - p² + 1)/r-th.
    let value = value.conjugate().times(&value.inverse());
    let value = value.frobenius(2).times(&value);
    C::hard_part(&value).is_one()
}

/// The value that the loop is at, and memory for the next one.
struct State<'a, C: Pairing> {
    value: &'a mut Value<C>,
    next: &'a mut Value<C>,
    workshop: Workshop<C>,
}

impl<C: Pairing> State<'_, C> {
    fn square(&mut self) {
        self.next.put_square(self.value);
        core::mem::swap(&mut self.value, &mut self.next);
    }

    /// Multiplies with the line through `sum` and another point, or with the tangent, and adds that, or doubles. The sums are
    /// multiples of points of a prime order, by less than it: so they are not the identity, have a y that is not zero, and are
    /// not what is added, nor its opposite.
    fn line(&mut self, place: &Place<C>, sum: &mut Point2<C>, other: Option<&Point2<C>>) {
        match other {
            Some(other) => self.workshop.chord(sum, other),
            None => self.workshop.tangent(sum),
        }
        self.workshop.multiply(self.next, self.value, place, sum);
        core::mem::swap(&mut self.value, &mut self.next);
        self.workshop.step(sum, other);
    }
}

fn miller_loop<C: Pairing>(pairs: &[Pair<C>]) -> Value<C> {
    let mut state =
        State { value: &mut Value::one(), next: &mut Value::one(), workshop: Workshop::<C>::new() };
    let places: Vec<_> = pairs.iter().map(|(point, _)| Place::<C>::of(point)).collect();
    let opposites: Vec<_> = pairs.iter().map(|(_, point)| opposite::<C>(point)).collect();
    let mut sums: Vec<_> = pairs.iter().map(|(_, point)| point.clone()).collect();
    for digit in digits(C::LOOP) {
        state.square();
        for (i, sum) in sums.iter_mut().enumerate() {
            state.line(&places[i], sum, None);
            if digit != 0 {
                state.line(&places[i], sum, Some(if digit == 1 { &pairs[i].1 } else { &opposites[i] }));
            }
        }
    }
    for (i, sum) in sums.iter_mut().enumerate() {
        for point in C::last(&pairs[i].1) {
            state.line(&places[i], sum, Some(&point));
        }
    }
    Value(state.value.0.clone())
}

impl<C: Pairing> Place<C> {
    /// No point of the first group has 0 as y: their number is odd.
    fn of(point: &AffinePoint<C::Fp>) -> Self {
        let fraction = point.x.clone().div_unsafe(&point.y);
        let inverse = <C::Fp as Field>::ONE.div_unsafe(&point.y);
        Self {
            minus_x_over_y: C::Fp2::embed(<C::Fp as Field>::ZERO - &fraction),
            inverse_y: C::Fp2::embed(inverse),
        }
    }
}
