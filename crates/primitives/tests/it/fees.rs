//! The base fee follows gas by time, and nothing makes it overflow.

use alloy_primitives::U512;
use duplex_primitives::{BaseFeeRule, ChainConfig, Header};
use proptest::prelude::*;

use crate::strategies::number;

fn rule() -> impl Strategy<Value = BaseFeeRule> {
    (number(), number(), number()).prop_map(|(min, target_per_second, damping)| BaseFeeRule {
        min,
        target_per_second,
        damping,
    })
}

fn parent(excess: u64, gas_used: u64, timestamp: u64) -> Header {
    Header { excess_blob_gas: Some(excess), gas_used, timestamp, ..Default::default() }
}

const CEILING: u64 = 1 << 63;

proptest! {
    #[test]
    fn fee_never_falls_as_excess_grows(rule in rule(), a in number(), b in number()) {
        let (low, high) = (a.min(b), a.max(b));
        prop_assert!(rule.fee(low) <= rule.fee(high));
    }

    #[test]
    fn fee_is_between_the_minimum_and_the_ceiling(rule in rule(), excess in number()) {
        let fee = rule.fee(excess);
        prop_assert!(fee >= rule.min.min(CEILING));
        prop_assert!(fee <= CEILING);
        prop_assert_eq!(rule.fee(0), rule.min.min(CEILING));
    }

    #[test]
    fn fee_multiplies_by_e_per_damping(min in 1_000_000u64..1_000_000_000, damping in 1u64..1 << 40, steps in 0u32..20) {
        let rule = BaseFeeRule { min, target_per_second: 1, damping };
        let exact = min as f64 * f64::from(steps).exp();
        let fee = rule.fee(damping * u64::from(steps)) as f64;
        prop_assert!((fee / exact - 1.0).abs() < 1e-4, "{fee} {exact}");
        // Past e^20 it stays.
        prop_assert_eq!(rule.fee(u64::MAX), rule.fee(damping.saturating_mul(20)));
    }

    #[test]
    fn excess_is_what_the_formula_says(
        rule in rule(),
        (excess, gas, before, after) in (number(), number(), number(), number()),
    ) {
        let seconds = U512::from(after.saturating_sub(before));
        let grown = (U512::from(excess) + U512::from(gas)).min(U512::from(u64::MAX));
        let expected = grown.saturating_sub(U512::from(rule.target_per_second) * seconds);
        prop_assert_eq!(U512::from(rule.excess(&parent(excess, gas, before), after)), expected);
    }

    /// However much has piled up, time drains it at the target's pace.
    #[test]
    fn excess_drains_with_time(rule in rule(), excess in number(), seconds in 0u64..1 << 32) {
        let now = 1_800_000_000;
        let left = rule.excess(&parent(excess, 0, now), now + seconds);
        prop_assert!(left <= excess);
        prop_assert!(rule.excess(&parent(left, 0, now), now + seconds) <= left);
        if rule.target_per_second > 0 {
            prop_assert_eq!(rule.excess(&parent(excess, 0, 0), u64::MAX), excess.saturating_sub(rule.target_per_second.saturating_mul(u64::MAX)));
        }
    }

    /// How gas is cut into blocks within a second does not matter.
    #[test]
    fn small_blocks_price_as_one_large(gas in prop::collection::vec(0u64..30_000_000, 1..20)) {
        let rule = ChainConfig::l2_dev(1).base_fee;
        let start = 7_000_000_000;
        let one = rule.excess(&parent(start, gas.iter().sum(), 10), 11);
        let mut excess = start;
        for gas in &gas[..gas.len() - 1] {
            excess = rule.excess(&parent(excess, *gas, 10), 10);
        }
        prop_assert_eq!(rule.excess(&parent(excess, *gas.last().unwrap(), 10), 11), one);
    }
}

#[test]
fn extremes() {
    for min in [0, 1, u64::MAX] {
        for damping in [0, 1, u64::MAX] {
            for target_per_second in [0, 1, u64::MAX] {
                let rule = BaseFeeRule { min, target_per_second, damping };
                for excess in [0, 1, u64::MAX] {
                    rule.fee(excess);
                    for (before, after) in [(0, u64::MAX), (u64::MAX, 0), (5, 5)] {
                        rule.excess(&parent(excess, u64::MAX, before), after);
                    }
                }
            }
        }
    }
    // Without damping the fee is fixed; without a target it never falls.
    assert_eq!(BaseFeeRule { min: 5, target_per_second: 1, damping: 0 }.fee(u64::MAX), 5);
    assert_eq!(BaseFeeRule { min: 5, target_per_second: 0, damping: 1 }.excess(&parent(9, 0, 0), 100), 9);
    // A parent without the field counts as zero.
    let bare = Header { gas_used: 3, ..Default::default() };
    assert_eq!(BaseFeeRule { min: 5, target_per_second: 1, damping: 1 }.excess(&bare, 1), 2);
}
