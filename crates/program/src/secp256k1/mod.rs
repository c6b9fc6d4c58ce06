//! Who signed: recovery of secp256k1 keys.
//!
//! Most of a block's execution in the machine is this, so it is written for it: in variable time, as
//! signatures in blocks are public; with both multiplications in one pass over half the bits (the
//! curve's endomorphism); and without verifying what was computed. Tests compare it with
//! libsecp256k1, which the node uses.

mod field;
mod point;
mod scalar;
#[cfg(test)]
mod tests;

use alloy_primitives::{Address, U256, keccak256};

use point::{Affine, BASE_WINDOW, BaseTable, WINDOW, sum};
use scalar::{ORDER, split};

/// Recovers signers.
#[derive(Debug, Clone)]
pub struct Recovery {
    base: BaseTable,
}

impl Default for Recovery {
    fn default() -> Self {
        Self::new()
    }
}

impl Recovery {
    /// Prepares the multiples of the base point.
    pub fn new() -> Self {
        Self { base: BaseTable::new() }
    }

    /// The address whose key signed the 32 bytes of `hash` with `(r, s)`, where the signature's point
    /// has an odd `y` or not; `None` if there is none. High `s` are as good as low ones here.
    pub fn recover(&self, hash: &[u8; 32], r: U256, s: U256, odd: bool) -> Option<Address> {
        if r.is_zero() || s.is_zero() || r >= ORDER || s >= ORDER {
            return None;
        }
        let point = Affine::with_x(r, odd)?;
        let inverse = r.inv_mod(ORDER)?;
        // The key is (s · point − hash · BASE) / r.
        let hash = U256::from_be_bytes(*hash).reduce_mod(ORDER);
        let of_base = (ORDER - hash).mul_mod(inverse, ORDER);
        let of_point = s.mul_mod(inverse, ORDER);
        let ((a, b), (c, d)) = (split(of_base), split(of_point));
        let digits = [a.digits(BASE_WINDOW), b.digits(BASE_WINDOW), c.digits(WINDOW), d.digits(WINDOW)];
        let key = sum(&self.base, point, &digits)?;
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&key.x.value().to_be_bytes::<32>());
        bytes[32..].copy_from_slice(&key.y.value().to_be_bytes::<32>());
        Some(Address::from_word(keccak256(bytes)))
    }
}
