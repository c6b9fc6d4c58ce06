//! The groups of BLS12-381's pairing, and the pairing.

use alloc::vec::Vec;

use alloy_primitives::hex;
use openvm_ecc_guest::weierstrass::WeierstrassPoint;
use openvm_pairing::bls12_381::{Bls12_381, Fp, G1Affine, G2Affine};

use crate::{
    pairing::{Pairing, Point2, Value, Workshop, psi},
    points::multiple,
};

/// The curve's parameter, which is negative: the groups have r = x⁴ - x² + 1 points, and p = (x - 1)²r/3 + x.
pub(super) const MINUS_X: u64 = 0xd201_0000_0001_0000;

/// A third root of one.
const BETA: Fp = Fp::from_const_bytes(hex!(
    "fefffeffffff012e02000a6213d817de8896f8e63ba9b3ddea770f6a07c669ba51ce76df2f67195f0000000000000000"
));

/// Whether a point of the first curve is in the group: whether φ(P), which multiplies x with β, is -x²P. As φ² + φ + 1 = 0, such a
/// point vanishes times x⁴ - x² + 1 = r; and in the group φ is that root of the polynomial modulo r (eprint 2021/1130).
pub(super) fn in_group1(point: &G1Affine) -> bool {
    let (x, y) = point.clone().into_coords();
    let xx = multiple(&multiple(point, MINUS_X), MINUS_X);
    // SAFETY: β³ is one, so it is on the curve if the point is; of the identity it is the identity.
    let phi = unsafe { G1Affine::from_xy_unchecked(x * &BETA, y) };
    phi == -xx
}

/// Whether a point of the second curve is in the group: whether ψ(P) is xP. As x = t - 1, such a point vanishes times
/// (t - 1)² - t(t - 1) + p = p + 1 - t = r(x - 1)²/3, and by how many points its own curve has: of which r is the greatest
/// common divisor (eprint 2022/348). In the group ψ is p, which is x modulo r.
pub(super) fn in_group2(point: &G2Affine) -> bool {
    let point = point.clone().into();
    psi::<Bls12_381>(&point) == -Workshop::<Bls12_381>::new().multiple(&point, MINUS_X)
}

impl Pairing for Bls12_381 {
    /// For |x| instead of x the loop's value is another's power to p⁶: that is one in the end if, and only if, the other is.
    const LOOP: u128 = MINUS_X as u128;
    const DIVIDES: bool = true;

    fn last(_: &Point2<Self>) -> Vec<Point2<Self>> {
        Vec::new()
    }

    /// To the 3(p⁴ - p² + 1)/r-th, which is (x - 1)²(x + p)(x² + p² - 1) + 3 (eprint 2020/875). The power to a third of that
    /// is of order r or one, and r, a prime, is not 3.
    fn hard_part(value: &Value<Self>) -> Value<Self> {
        let to_x = |value: &Value<Self>| value.cyclotomic_power(MINUS_X).conjugate();
        let to_x_less_one = |value: &Value<Self>| to_x(value).times(&value.conjugate());
        let power = to_x_less_one(&to_x_less_one(value));
        let power = to_x(&power).times(&power.frobenius(1));
        let square = to_x(&to_x(&power));
        let power = square.times(&power.frobenius(2)).times(&power.conjugate());
        power.times(&value.cyclotomic_square()).times(value)
    }
}
