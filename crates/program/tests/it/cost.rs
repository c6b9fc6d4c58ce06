//! What blocks cost in the machine: `cargo xtask guest --cost` prints it.

use std::collections::BTreeMap;

use alloy_primitives::{Address, Bytes};
use duplex_vm::{Machine, Status};

use crate::world::{Fed, Place, Plan, World, program};

/// Where a block's steps go, by the function that is executing, most first.
fn profile(world: &World, number: u64) -> Vec<(String, u64)> {
    const STRIDE: u64 = 997;
    let (witness, _) = world.witness(&world.statement(number));
    let mut machine = Machine::new(program());
    let mut fed = Fed(witness);
    let mut seen = BTreeMap::<String, u64>::new();
    while machine.status() == Status::Running {
        machine.run(machine.steps() + STRIDE, &mut fed).unwrap();
        let name = machine.program().symbol_at(machine.pc()).map_or("?".into(), |(name, _)| name);
        *seen.entry(name).or_default() += 1;
    }
    let mut seen: Vec<_> = seen.into_iter().collect();
    seen.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    seen
}

#[test]
#[ignore = "a measurement"]
fn transfers() {
    let mut world = World::new(2, &[]);
    let count = 50;
    let transactions = (0..count)
        .map(|i| world.call(0, Address::left_padding_from(&[3, i]).into(), 5, 21_000, Bytes::new()))
        .collect();
    let blocks =
        [Plan { seconds: 1, ..Plan::default() }, Plan { seconds: 1, transactions, ..Plan::default() }];
    world.post(&blocks, Place::Calldata);
    let empty = world.check(1);
    let full = world.check(2);
    println!("empty {empty}, each of {count}: {}", (full - empty) / u64::from(count));
    let all = profile(&world, 2);
    let sum: u64 = all.iter().map(|(_, count)| count).sum();
    for (name, count) in all.iter().take(40) {
        println!("{:5.1} % {name}", *count as f64 * 100.0 / sum as f64);
    }
}
