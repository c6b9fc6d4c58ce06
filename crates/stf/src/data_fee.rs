//! What a transaction pays for its bytes on L1: a length that the FastLZ algorithm estimates, times prices that L2 knows of L1.
//!
//! It is op-revm's fee to the wei (Optimism's specification, "Fjord L1-Cost fees"). That clears a table of 32 KiB for each
//! transaction, which is more than a tenth of what a transfer costs to prove; here one table is kept for a whole block.

use alloc::{vec, vec::Vec};

use alloy_primitives::U256;
use op_revm::{L1BlockInfo, constants::NON_ZERO_BYTE_COST, transaction::deposit::DEPOSIT_TRANSACTION_TYPE};

/// The estimated length is a line over FastLZ's, in millionths, and at least that of 100 bytes.
const SLOPE: u64 = 836_500;
const INTERCEPT: u64 = 42_585_600;
const LEAST: u64 = 100_000_000;
/// What a fee is divided by: millionths of bytes, and of prices.
const SCALE: u64 = 1_000_000_000_000;

/// How many places the table has, by the hash of three bytes.
const PLACES: usize = 1 << 13;
/// How far back a match may lie.
const REACH: u32 = 1 << 13;
/// What the end of the input is not looked at for.
const TAIL: u32 = 13;

/// The fee of one transaction after the other.
#[derive(Debug, Default)]
pub struct DataFees {
    /// Where in the input three bytes of a hash were last, plus `start`. What is less is of an input before.
    table: Vec<u32>,
    start: u32,
}

impl DataFees {
    /// What a transaction with these EIP-2718 bytes pays, at the prices that `info` has.
    pub(crate) fn fee(&mut self, info: &L1BlockInfo, raw: &[u8]) -> U256 {
        // A simulation has no bytes, a deposit pays for none.
        if raw.first().is_none_or(|kind| *kind == DEPOSIT_TRANSACTION_TYPE) {
            return U256::ZERO;
        }
        let calldata = info
            .l1_base_fee
            .saturating_mul(U256::from(NON_ZERO_BYTE_COST))
            .saturating_mul(info.l1_base_fee_scalar);
        let blobs = info
            .l1_blob_base_fee
            .unwrap_or_default()
            .saturating_mul(info.l1_blob_base_fee_scalar.unwrap_or_default());
        let price = calldata.saturating_add(blobs);
        if price.is_zero() {
            return U256::ZERO;
        }
        let length = u64::from(self.compressed(raw)).saturating_mul(SLOPE).saturating_sub(INTERCEPT);
        U256::from(length.max(LEAST)).saturating_mul(price).wrapping_div(U256::from(SCALE))
    }

    /// How many bytes FastLZ makes of `input` (its first level).
    fn compressed(&mut self, input: &[u8]) -> u32 {
        let length = input.len() as u32;
        if self.table.is_empty() || self.start.checked_add(length).is_none() {
            self.table = vec![0; PLACES];
            self.start = 0;
        }
        let start = self.start;
        // The next input's places are above all of this one's.
        self.start += length;
        let limit = length.saturating_sub(TAIL);
        let (mut at, mut literal, mut size) = (2, 0, 0);
        while at < limit {
            // Look for three bytes that were there before.
            let found = loop {
                let bytes = three(input, at);
                let place = &mut self.table[hash(bytes)];
                // A place that this input has not taken yet is that of its first byte.
                let before = place.saturating_sub(start);
                *place = start + at;
                // One that begins with the last bytes looked at is not used.
                if at + 1 >= limit {
                    break None;
                }
                if at - before < REACH && bytes == three(input, before) {
                    break Some(before);
                }
                at += 1;
            };
            let Some(before) = found else { break };
            // What lies between is copied as it is.
            if at > literal {
                size += literals(at - literal);
            }
            let mut same = 0;
            let most = limit + 9 - (at + 3);
            while same < most {
                same += 1;
                if input[(before + 2 + same) as usize] != input[(at + 2 + same) as usize] {
                    break;
                }
            }
            size += copy(same);
            at += same;
            for _ in 0..2 {
                self.table[hash(three(input, at))] = start + at;
                at += 1;
            }
            literal = at;
        }
        size + literals(length - literal)
    }
}

/// Three bytes of the input as a number.
fn three(input: &[u8], at: u32) -> u32 {
    let at = at as usize;
    u32::from(input[at]) | u32::from(input[at + 1]) << 8 | u32::from(input[at + 2]) << 16
}

fn hash(bytes: u32) -> usize {
    (bytes.wrapping_mul(2_654_435_769) >> 19) as usize % PLACES
}

/// Bytes of `count` literals: one more for each 32 of them, begun ones included.
const fn literals(count: u32) -> u32 {
    count + count.div_ceil(32)
}

/// Bytes of a copy of `same` bytes and two more.
const fn copy(same: u32) -> u32 {
    let more = same - 1;
    3 * (more / 262) + if more % 262 >= 6 { 3 } else { 2 }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;
    use op_revm::OpSpecId;
    use proptest::{collection, prelude::*};

    use super::*;

    fn prices() -> L1BlockInfo {
        L1BlockInfo {
            l1_base_fee: U256::from(7_000_000_001_u64),
            l1_base_fee_scalar: U256::from(1368),
            l1_blob_base_fee: Some(U256::from(31)),
            l1_blob_base_fee_scalar: Some(U256::from(810_949)),
            ..Default::default()
        }
    }

    fn theirs(info: &L1BlockInfo, raw: &[u8]) -> U256 {
        let mut info = info.clone();
        info.clear_tx_l1_cost();
        info.calculate_tx_l1_cost(raw, OpSpecId::KARST)
    }

    /// Bytes that repeat themselves at all distances.
    fn repetitive() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            collection::vec(any::<u8>(), 0..40),
            (any::<u8>(), 0_usize..700).prop_map(|(byte, count)| vec![byte; count]),
            collection::vec(0_u8..2, 0..300),
            (0_u64..4, 0_usize..3000)
                .prop_map(|(seed, count)| keccak256(seed.to_be_bytes()).repeat(count / 32 + 1)),
        ];
        collection::vec(piece, 0..12).prop_map(|pieces| {
            // A first byte that is no deposit's.
            [vec![2], pieces.concat()].concat()
        })
    }

    proptest! {
        #[test]
        fn fees_are_op_revms(inputs in collection::vec(repetitive(), 1..6)) {
            let (info, mut fees) = (prices(), DataFees::default());
            for input in &inputs {
                prop_assert_eq!(fees.fee(&info, input), theirs(&info, input));
            }
        }
    }

    #[test]
    fn the_table_starts_anew_before_its_numbers_end() {
        let (info, input) = (prices(), [b"abcdefgh".repeat(9), vec![5; 400]].concat());
        for left in [0, 1, input.len() as u32 - 1, input.len() as u32, u32::MAX / 2] {
            let mut fees = DataFees { table: vec![u32::MAX - left; PLACES], start: u32::MAX - left };
            for _ in 0..3 {
                assert_eq!(fees.fee(&info, &input), theirs(&info, &input), "{left}");
            }
        }
    }

    #[test]
    fn what_costs_nothing_is_free() {
        let info = L1BlockInfo { l1_base_fee: U256::ZERO, l1_blob_base_fee: None, ..prices() };
        assert_eq!(DataFees::default().fee(&info, &[2; 500]), U256::ZERO);
        assert_eq!(DataFees::default().fee(&prices(), &[]), U256::ZERO);
        assert_eq!(DataFees::default().fee(&prices(), &[0x7e; 500]), theirs(&prices(), &[0x7e; 500]));
        let most = L1BlockInfo { l1_base_fee: U256::MAX, ..prices() };
        assert_eq!(DataFees::default().fee(&most, &[2; 500]), theirs(&most, &[2; 500]));
    }
}
