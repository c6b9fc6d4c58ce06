//! Blocks of every kind.

use alloy_primitives::{Address, Bytes, TxKind};

use crate::world::{Place, Plan, World};

fn to(byte: u8) -> TxKind {
    Address::repeat_byte(byte).into()
}

#[test]
fn transfers_in_calldata() {
    let mut world = World::new(2, &[]);
    let transfer = |index| world.call(index, to(9), 5, 21_000, Bytes::new());
    let blocks = [
        Plan { seconds: 1, transactions: vec![transfer(0), transfer(1)], ..Plan::default() },
        Plan { seconds: 12, anchors: 1, ..Plan::default() },
        Plan { seconds: 1, transactions: vec![transfer(0)], ..Plan::default() },
    ];
    world.post(&blocks, Place::Calldata);
    for number in 1..=3 {
        let steps = world.check(number);
        println!("block {number}: {steps} steps");
    }
}
