//! Points of secp256k1, in variable time: everything here is public.

use alloc::vec::Vec;

use alloy_primitives::{U256, uint};

use super::field::Fe;

/// The base point.
const BASE: Affine = Affine {
    x: Fe::new(uint!(0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798_U256)),
    y: Fe::new(uint!(0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8_U256)),
};
/// A cube root of one: `(BETA · x, y)` is [`LAMBDA`](super::scalar::LAMBDA) times `(x, y)`.
const BETA: Fe = Fe::new(uint!(0x7AE96A2B657C07106E64479EAC3434E99CF0497512F58995C1396C28719501EE_U256));

/// A point that is not at infinity.
#[derive(Debug, Clone, Copy)]
pub(super) struct Affine {
    pub(super) x: Fe,
    pub(super) y: Fe,
}

impl Affine {
    /// The point with this `x`, below the modulus, whose `y` is odd or even.
    pub(super) fn with_x(x: U256, odd: bool) -> Option<Self> {
        let x = Fe::new(x);
        let y = (x.square() * x + Fe::new(U256::from(7))).sqrt()?;
        Some(Self { x, y: if y.is_odd() == odd { y } else { -y } })
    }

    /// `(x · z², y · z³)`: the same point on the curve `y² = x³ + 7 z⁶`, where adding works the same.
    fn moved(self, z2: Fe, z3: Fe) -> Self {
        Self { x: self.x * z2, y: self.y * z3 }
    }
}

/// `(x / z², y / z³)`.
#[derive(Debug, Clone, Copy)]
struct Jacobian {
    x: Fe,
    y: Fe,
    z: Fe,
}

impl From<Affine> for Jacobian {
    fn from(Affine { x, y }: Affine) -> Self {
        Self { x, y, z: Fe::ONE }
    }
}

impl Jacobian {
    /// No point of the curve has `y = 0`, so this is never infinity.
    fn double(&self) -> Self {
        let yy = self.y.square();
        let s = (self.x * yy).times(4);
        let m = self.x.square().times(3);
        let x = m.square() - s.double();
        let y = m * (s - x) - yy.square().times(8);
        Self { x, y, z: (self.y * self.z).double() }
    }

    /// The sum, and by what its `z` is greater; `None` for infinity.
    fn plus(&self, other: &Affine) -> Option<(Self, Fe)> {
        let zz = self.z.square();
        let h = other.x * zz - self.x;
        let r = other.y * zz * self.z - self.y;
        if h.is_zero() {
            return r.is_zero().then(|| (self.double(), self.y.double()));
        }
        let hh = h.square();
        let hhh = hh * h;
        let v = self.x * hh;
        let x = r.square() - hhh - v.double();
        let y = r * (v - x) - self.y * hhh;
        Some((Self { x, y, z: self.z * h }, h))
    }
}

/// `P`, `3 P`, `5 P` … (`count` of them), on the curve that is moved by the factor that comes with
/// them: so they are affine without an inversion.
fn odd_multiples(point: Affine, count: usize) -> (Vec<Affine>, Fe) {
    let twice = Jacobian::from(point).double();
    let step = Affine { x: twice.x, y: twice.y };
    let z2 = twice.z.square();
    let mut last = Jacobian::from(point.moved(z2, z2 * twice.z));
    let mut multiples = alloc::vec![(last, Fe::ONE)];
    while multiples.len() < count
        // Never infinity: the curve has no point of so small an order.
        && let Some((next, ratio)) = last.plus(&step)
    {
        multiples.push((next, ratio));
        last = next;
    }
    // What each lacks of the last one's z.
    let mut factor = Fe::ONE;
    let mut affine: Vec<_> = multiples
        .into_iter()
        .rev()
        .map(|(point, ratio)| {
            let z2 = factor.square();
            let moved = Affine { x: point.x, y: point.y }.moved(z2, z2 * factor);
            factor = factor * ratio;
            moved
        })
        .collect();
    affine.reverse();
    (affine, last.z * twice.z)
}

/// Bits of a window over the base point's multiples, and over another point's.
pub(super) const BASE_WINDOW: u32 = 8;
pub(super) const WINDOW: u32 = 5;

/// The base point's odd multiples.
#[derive(Debug, Clone)]
pub(super) struct BaseTable(Vec<Affine>);

impl BaseTable {
    pub(super) fn new() -> Self {
        let (table, z) = odd_multiples(BASE, 1 << (BASE_WINDOW - 2));
        let inverse = z.invert();
        let z2 = inverse.square();
        Self(table.into_iter().map(|point| point.moved(z2, z2 * inverse)).collect())
    }
}

/// The digits of a number in [`sum`], lowest first: zero, or odd and less than half a window.
pub(super) type Digits = [i8; 130];

/// The entry of a table for a digit that is not zero.
fn entry(table: &[Affine], digit: i8) -> Affine {
    let point = table[usize::from(digit.unsigned_abs()) / 2];
    if digit < 0 { Affine { y: -point.y, ..point } } else { point }
}

/// `(a + b·λ) · BASE + (c + d·λ) · point`, by the digits of `a`, `b` (of [`BASE_WINDOW`]) and `c`,
/// `d` (of [`WINDOW`]); `None` for infinity.
pub(super) fn sum(base: &BaseTable, point: Affine, [a, b, c, d]: &[Digits; 4]) -> Option<Affine> {
    let (table, z) = odd_multiples(point, 1 << (WINDOW - 2));
    let turned: Vec<_> = table.iter().map(|point| Affine { x: point.x * BETA, ..*point }).collect();
    let (z2, z3) = (z.square(), z.square() * z);
    let mut sum: Option<Jacobian> = None;
    let add = |sum: Option<Jacobian>, point: Affine| match sum {
        None => Some(point.into()),
        Some(sum) => sum.plus(&point).map(|(sum, _)| sum),
    };
    for at in (0..a.len()).rev() {
        sum = sum.map(|sum| sum.double());
        if a[at] != 0 {
            sum = add(sum, entry(&base.0, a[at]).moved(z2, z3));
        }
        if b[at] != 0 {
            let Affine { x, y } = entry(&base.0, b[at]);
            sum = add(sum, Affine { x: x * BETA, y }.moved(z2, z3));
        }
        if c[at] != 0 {
            sum = add(sum, entry(&table, c[at]));
        }
        if d[at] != 0 {
            sum = add(sum, entry(&turned, d[at]));
        }
    }
    let Jacobian { x, y, z: last } = sum?;
    let inverse = (last * z).invert();
    let z2 = inverse.square();
    Some(Affine { x, y }.moved(z2, z2 * inverse))
}
