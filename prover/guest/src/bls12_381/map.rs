//! Numbers to points of BLS12-381's groups (EIP-2537): the simplified SWU map (RFC 9380, §6.6.3) to a curve that has an isogeny
//! to the one wanted, that isogeny, and a multiplication that leads to the group.

use alloy_primitives::hex;
use openvm_algebra_guest::{DivUnsafe, Field, IntMod, Sqrt};
use openvm_ecc_guest::{AffinePoint, Group, weierstrass::WeierstrassPoint};
use openvm_pairing::bls12_381::{Bls12_381, Fp, Fp2, G1Affine};
use revm::precompile::PrecompileHalt;

use super::{encode1, encode2, group::MINUS_X, number};
use crate::{
    pairing::{Workshop, psi},
    points::multiple,
};

/// A field as SWU wants it.
trait Roots: Field {
    /// A square root, if there is one.
    fn root(&self) -> Option<Self>;

    /// Which of a number and its opposite it is (RFC 9380, §4.1).
    fn is_odd(&self) -> bool;
}

impl Roots for Fp {
    fn root(&self) -> Option<Self> {
        // The prover's hint, which is verified: a root of the number, or of its product with a number that has none.
        self.sqrt()
    }

    fn is_odd(&self) -> bool {
        // What is looked at must be the number itself.
        self.assert_reduced();
        self.as_le_bytes()[0] & 1 == 1
    }
}

impl Roots for Fp2 {
    fn root(&self) -> Option<Self> {
        let (a, b) = (&self.c0, &self.c1);
        let zero = <Fp as Field>::ZERO;
        if *b == zero {
            // One of both has a root, as -1 has none.
            return Some(match a.sqrt() {
                Some(root) => Fp2::new(root, zero),
                None => Fp2::new(zero.clone(), (zero - a).sqrt().expect("the opposite has a root")),
            });
        }
        // A number has a root if, and only if, its norm has: n, say. Then (a + n)/2 · (a - n)/2 is -(b/2)², which is not zero, so
        // that one of both is c². And (c + b/2c·i)² is a + b·i.
        let norm = (a * a + &(b * b)).sqrt()?;
        let two = Fp::from_u8(2);
        let root = (a + &norm).div_unsafe(&two).sqrt();
        let root = root.or_else(|| (a - &norm).div_unsafe(&two).sqrt()).expect("one of both has a root");
        let other = b.div_unsafe(&(&root + &root));
        Some(Fp2::new(root, other))
    }

    fn is_odd(&self) -> bool {
        // The real part's, or if that is zero the other's.
        if self.c0 == <Fp as Field>::ZERO { self.c1.is_odd() } else { self.c0.is_odd() }
    }
}

/// A number to a point of y² = x³ + ax + b, by a number z that has no root.
fn swu<F: Roots>(u: &F, a: &F, b: &F, z: &F) -> (F, F) {
    let zu2 = z.clone() * u * u;
    let divisor = zu2.clone() * &zu2 + &zu2;
    // -b/a · (1 + 1/divisor), or b/az where there is no such number.
    let x = if divisor == F::ZERO {
        b.clone().div_unsafe(&(z.clone() * a))
    } else {
        (F::ZERO - b) * &(divisor.clone() + &F::ONE).div_unsafe(&(divisor * a))
    };
    let right = |x: &F| (x.clone() * x + a) * x + b;
    let (x, y) = match right(&x).root() {
        Some(y) => (x, y),
        None => {
            let x = x * &zu2;
            let y = right(&x).root().expect("one of both has a root");
            (x, y)
        }
    };
    let y = if u.is_odd() == y.is_odd() { y } else { -y };
    (x, y)
}

/// The curve that is mapped to the first one (RFC 9380, §8.8.1), and its z.
const A1: [u8; 48] =
    hex!("00144698a3b8e9433d693a02c96d4982b0ea985383ee66a8d8e8981aefd881ac98936f8da0e0f97f5cf428082d584c1d");
const B1: [u8; 48] =
    hex!("12e2908d11688030018b12e8753eee3b2016c1f0f24f4070a0b9c14fcef35ef55a23215a316ceaa5d1cc48e98e172be0");
const Z1: u8 = 11;

/// The isogeny of degree 11 (RFC 9380, §E.2), of which the RFC gives four polynomials that follow from two: x is N/121D², and y
/// is y/11 times the derivative of that. Each begins with 1, which is left out.
const N: [u8; 11 * 48] = hex!(
    "095fc13ab9e92ad4476d6e3eb3a56680f682b4ee96f7d03776df533978f31c1593174e4b4b7865002d6384d168ecdd0a"
    "04e191198fb0b670f56e5bb36434c322563036138e4314008ace68587ddb0a83824a49af4209a889ce74c108e919f68b"
    "0c1a3784b0b69f918c6576e46b265c603adc96424813ae770555d3d09dec9edb34fcdfd99b8024aad8d60a58abd6ab28"
    "0990b39b1545d7f3990ca675e6c070c715af1ac4f6f9aab95cd52b05e28fa1b119f5fe26c973a01f3089b1c3bcf375a4"
    "0d20f79145ee9f35035eb4485a8940705e481de8641f0c42165fdad250df0a5d84105c94491b1df3cf4f73c93475edfa"
    "069e074638eeab73a3b7b2e2fa9fc54b33b081fdbd70ef8b8d6758948ac6d2d388a13b2b8e7fe14e18bd96caa6f2f41e"
    "183f63e4654b1979ad4a84532f7e099d6d92b7c6efc1d8b2faa622e45e37ec2bfb991ce5556a9bdca5545a728ca528d0"
    "05b098e05c2aabf1e6143c24142c25324c6dcc53ad565d704de934aa345920b145b4fe75d201aef640487751fe98ab0a"
    "0071d592bc054e3b8bffc75b81aefafa0a97f03b9114cd1363513aecfeb7610341a16b39ec1f2da1df687186972af9c6"
    "1413c543388686bc391125039a3d376fa96fc987a0b99952dbc05e4a373ff99c5106b174c8985431036ff03dfb54edea"
    "00753e5b010b5c2aed6ce5ba4aa4cf117b975dfef6ff2c0a82e8d47835d0591edad4178b01e37966fba894887c542cb9"
);
const D: [u8; 5 * 48] = hex!(
    "04afe09d5cf4956a23b6b71f59d2b3407b415a774b7be81bbb6fa99cbc798e0ac98ba725a5bc328016b1c268b4766e85"
    "094440f65f408a6e930e16e3e92dd17bf60d6e9679a8d3d58593de55ac23703042d609537eb3549aac234d896ca82944"
    "1335c502c1f54c49aceea65e87fd7203ba0f626f305fc0cfd606a5dae9f3c8e81a4b3b69600129fabd307c69bf319d39"
    "0264908af037bcede00d054cf5d4775e83eb6cf63c76b969f8ed174fb59fcff78d201f46f6cfc4ed6552e59ce75177b0"
    "133341fb0962a34cb0504a9c4fada0a5090d38679b4c040d5d1c3afb023a3409fcc0815fea66d8b02bbef9c8b5a66e07"
);

/// The value of a polynomial and of its derivative at x, by its coefficients but for the first, which is 1.
fn evaluate(coefficients: &[u8], x: &Fp) -> (Fp, Fp) {
    let (mut value, mut derivative) = (<Fp as Field>::ONE, <Fp as Field>::ZERO);
    for coefficient in coefficients.chunks_exact(48) {
        derivative *= x;
        derivative += &value;
        value *= x;
        value += &Fp::from_be_bytes_unchecked(coefficient);
    }
    (value, derivative)
}

fn isogeny1((x, y): (Fp, Fp)) -> G1Affine {
    let ((n, dn), (d, dd)) = (evaluate(&N, &x), evaluate(&D, &x));
    if d == <Fp as Field>::ZERO {
        // In the isogeny's kernel, to which eight numbers are mapped for each of two x.
        return <G1Affine as Group>::IDENTITY;
    }
    let square = &d * &d;
    // (N/D²)' is (N'D - 2ND')/D³.
    let derivative = dn * &d - &(&n * &(&dd + &dd));
    let x = n.div_unsafe(&square * &Fp::from_u32(121));
    let y = y * derivative.div_unsafe(square * d * Fp::from_u32(121 * 11));
    // SAFETY: the isogeny's values are on the curve; that they are not in the group yet is seen by who called.
    unsafe { G1Affine::from_xy_unchecked(x, y) }
}

/// BLS12_MAP_FP_TO_G1.
pub(crate) fn fp_to_g1(u: &[u8; 48]) -> Result<[u8; 96], PrecompileHalt> {
    let (a, b) = (Fp::from_be_bytes_unchecked(&A1), Fp::from_be_bytes_unchecked(&B1));
    let point = isogeny1(swu(&number(u)?, &a, &b, &Fp::from_u8(Z1)));
    // 1 - x times (RFC 9380, §8.8.1).
    Ok(encode1(multiple(&point, MINUS_X) + &point))
}

type Point2 = AffinePoint<Fp2>;

/// re + im·i, of small numbers.
fn small(re: u32, im: u32) -> Fp2 {
    Fp2::new(Fp::from_u32(re), Fp::from_u32(im))
}

/// The isogeny of degree 3 (RFC 9380, §E.3). With t = x + 6(1 - i) its x is (x + 48i/t + 16(1 + i)/t²)/9, and its y is -y/3 times
/// the derivative of that.
fn isogeny2((x, y): (Fp2, Fp2)) -> Point2 {
    let t = &(&x + &small(6, 0)) - &small(0, 6);
    if t == Fp2::ZERO {
        return Point2::new(Fp2::ZERO, Fp2::ZERO);
    }
    let inverse = Fp2::ONE.div_unsafe(&t);
    let (one, two) = (&small(0, 48) * &inverse, &small(16, 16) * &inverse * &inverse);
    let new = (&x + &one + &two).div_unsafe(&small(9, 0));
    // -1 + 48i/t² + 32(1 + i)/t³
    let derivative = &(&one + &two + &two) * &inverse - &Fp2::ONE;
    let y = y * &derivative.div_unsafe(&small(27, 0));
    Point2::new(new, y)
}

/// BLS12_MAP_FP2_TO_G2.
pub(crate) fn fp2_to_g2(c0: &[u8; 48], c1: &[u8; 48]) -> Result<[u8; 192], PrecompileHalt> {
    let u = Fp2::new(number(c0)?, number(c1)?);
    // RFC 9380, §8.8.2.
    let z = Fp2::ZERO - &small(2, 1);
    let mut point = isogeny2(swu(&u, &small(0, 240), &small(1012, 1012), &z));
    // x² - x - 1 times it, x - 1 times ψ of it, and twice ψ² of it (eprint 2017/419): what the RFC's number is, too (§G.3). That
    // is x(xP + ψ(P)) - xP - ψ(P) - P + ψ²(2P).
    let mut workshop = Workshop::<Bls12_381>::new();
    let mut sum = -workshop.multiple(&point, MINUS_X);
    workshop.add(&mut sum, &psi::<Bls12_381>(&point));
    let mut minus = workshop.multiple(&sum, MINUS_X);
    workshop.add(&mut minus, &sum);
    workshop.add(&mut minus, &point);
    workshop.double(&mut point);
    let mut result = psi::<Bls12_381>(&psi::<Bls12_381>(&point));
    workshop.add(&mut result, &-minus);
    Ok(encode2(result.into()))
}
