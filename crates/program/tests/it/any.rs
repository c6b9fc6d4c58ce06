//! Blocks of anything.

use alloy_primitives::{Address, Bytes, TxKind, keccak256};
use proptest::{collection::vec, prelude::*};

use crate::{
    contracts::{BURN, CALLER, REVERT, STORE, all},
    world::{Place, Plan, World},
};

/// Code that runs for a while, more often than bytes drawn at random would.
fn code() -> impl Strategy<Value = Vec<u8>> {
    let push = any::<u8>().prop_map(|byte| vec![0x60, byte]);
    let wide = any::<[u8; 32]>().prop_map(|word| [&[0x7f][..], &word].concat());
    let plain = prop_oneof![
        0x01..0x0cu8,
        0x10..0x1fu8,
        0x30..0x4bu8,
        0x50..0x5fu8,
        0x80..0x90u8,
        0x90..0xa0u8,
        Just(0x20u8),
        0xa0..0xa5u8,
        Just(0xf0),
        Just(0xf1),
        Just(0xf4),
        Just(0xf5),
        Just(0xfa),
        Just(0xf3),
        Just(0xff),
    ]
    .prop_map(|op| vec![op]);
    vec(prop_oneof![4 => push, 1 => wide, 6 => plain], 0..60).prop_map(|parts| {
        // Something on the stack to begin with.
        [vec![0x60, 1, 0x60, 2, 0x60, 32, 0x5f, 0x60, 7], parts.concat()].concat()
    })
}

/// A transaction: of whom, to what, wei, gas, input.
type Tx = (u64, u8, u64, u64, Vec<u8>);

fn transaction() -> impl Strategy<Value = Tx> {
    let gas = prop_oneof![21_000..200_000u64, 100_000..2_000_000u64, any::<u64>()];
    let value = prop_oneof![Just(0), 0..1000u64, any::<u64>()];
    // Account 3 has nothing.
    (0..4u64, 0..8u8, value, gas, code())
}

fn build(world: &World, tx: &Tx) -> duplex_primitives::Transaction {
    let (who, to, value, gas, input) = tx;
    let to = match to {
        0 => STORE.into(),
        1 => CALLER.into(),
        2 => REVERT.into(),
        3 => BURN.into(),
        4 => Address::from_word(keccak256(input)).into(),
        _ => TxKind::Create,
    };
    world.call(*who, to, *value, *gas, Bytes::copy_from_slice(input))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_block_is_the_same_in_the_machine(
        blocks in vec((vec(transaction(), 0..8), 0..30u64, 0..2u64, vec(code(), 0..3)), 1..4),
        in_blobs in any::<bool>(),
    ) {
        let mut world = World::new(3, &all());
        let mut plans = Vec::new();
        for (transactions, seconds, anchors, messages) in &blocks {
            for data in messages {
                world.send(Address::repeat_byte(7), CALLER, 1000, 3, 21_000 + 40 * 2000, data.clone().into());
            }
            let transactions = transactions.iter().map(|tx| build(&world, tx)).collect();
            plans.push(Plan { seconds: seconds + 12 * anchors, anchors: *anchors, messages: messages.len() as u64, transactions });
        }
        world.post(&plans, if in_blobs { Place::Blobs } else { Place::Calldata });
        world.check_all(1..=plans.len() as u64);
    }
}
