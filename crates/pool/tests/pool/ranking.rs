//! The order of many senders against a plain sort, at any base fee.

use core::cmp::Reverse;
use duplex_pool::Pool;
use proptest::prelude::*;

use crate::common::{add, config, tx};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn order_of_many_senders(
        fees in prop::collection::vec((0u128..40, 0u128..40), 1..600),
        base_fees in prop::collection::vec((0u64..80, 0u64..80), 1..6),
    ) {
        let pool = Pool::new(config());
        let mut all = Vec::new();
        for (sender, (room, tip)) in fees.into_iter().enumerate() {
            let tx = tx(sender as u64, 0, room + tip, tip);
            add(&pool, &tx).unwrap();
            all.push(tx);
        }
        for (known, asked) in base_fees {
            pool.on_block([], [], known);
            for base_fee in [known, asked] {
                let mut expected: Vec<_> =
                    all.iter().filter(|tx| tx.fee_cap() >= base_fee.into()).collect();
                let tip = |tx: &duplex_pool::PooledTx| {
                    tx.tip_cap().min(tx.fee_cap() - u128::from(base_fee))
                };
                // The sort is stable: first come first served.
                expected.sort_by_key(|tx| Reverse(tip(tx)));
                let expected: Vec<_> = expected.into_iter().map(|tx| tx.hash()).collect();
                let order: Vec<_> = pool.best(base_fee, 0).map(|tx| tx.hash()).collect();
                prop_assert_eq!(order, expected);
            }
        }
    }
}
