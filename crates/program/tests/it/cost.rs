//! What blocks cost in the machine, and that the largest there can be fit into it.
//! `cargo xtask guest --cost` prints it all.
//!
//! The machine must exit within 2^36 steps, so what counts is the most that a gas can cost. Each line
//! of the table is a contract that does one thing until its gas is gone.

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use duplex_vm::{MAX_STEPS, Machine, Status};

use crate::{
    precompiles::liked,
    world::{Fed, Place, Plan, World, execute, program},
};

/// Gas limit of a block.
const BLOCK: u64 = 30_000_000;
/// Highest gas limit of a transaction (EIP-7825).
const MOST: u64 = 1 << 24;
/// Where the program's heap is, and how much of it may be used (`guest/link.ld`).
const HEAP: std::ops::Range<u64> = 0x1000_0000..0x5000_0000;
/// An account that has nothing.
const BEGGAR: u64 = 77;
const PAGE: u64 = 1 << 14;

/// Where a block's steps go, by the function that is executing, most first.
#[allow(dead_code)]
fn profile(world: &World, number: u64) {
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
    let sum: u64 = seen.iter().map(|(_, count)| count).sum();
    for (name, count) in seen.iter().take(25) {
        println!("      {:5.1} % {name}", *count as f64 * 100.0 / sum as f64);
    }
}

/// Steps of a block, and how much memory it wrote to, in MiB.
fn measure(world: &World, number: u64) -> (u64, u64) {
    let (witness, holds) = world.witness(&world.statement(number));
    assert!(holds);
    let mut machine = Machine::new(program());
    machine.run(MAX_STEPS, &mut Fed(witness)).unwrap();
    assert_eq!(machine.exit_code(), Some(0));
    let mut page = [0; PAGE as usize];
    let pages = (HEAP.start..HEAP.end).step_by(PAGE as usize).filter(|address| {
        machine.read_memory(*address, &mut page);
        page.iter().any(|byte| *byte != 0)
    });
    (machine.steps(), (pages.count() as u64 * PAGE).div_ceil(1 << 20))
}

fn show(what: &str, world: &World, number: u64) -> u64 {
    let (steps, memory) = measure(world, number);
    let gas = world.gas_used(number);
    println!(
        "{what:44} {:6} M steps = 2^{:4.1}, {gas:8} gas, {:4} steps a gas, {memory:4} MiB written",
        steps / 1_000_000,
        (steps as f64).log2(),
        steps / gas.max(1),
    );
    assert!(steps < MAX_STEPS / 8, "{what}: too many steps");
    assert!(memory << 20 < (HEAP.end - HEAP.start) / 8, "{what}: too much memory");
    steps
}

/// Random bytes.
fn data(bytes: u64) -> Bytes {
    let word = |i: u64| alloy_primitives::keccak256(i.to_be_bytes()).0;
    (0..bytes / 32).flat_map(word).collect::<Vec<u8>>().into()
}

/// The largest blocks there can be, but for those that take long.
#[test]
fn the_largest_blocks_fit() {
    // Reads 70 KiB beyond what its memory has, and calls itself.
    let frames = Address::repeat_byte(0x61);
    // Creates contracts whose init code is the longest, and does the same.
    let creations = Address::repeat_byte(0x62);
    let contracts = [
        (frames, Bytes::from(hex!("62011800 51 50 5f5f5f5f5f 30 5a f1"))),
        (creations, Bytes::from(hex!("36 5f 5f 37 36 5f 5f f0"))),
        (Address::repeat_byte(0x63), forever(&hex!("5f"), &hex!("600101 80 80 5d"))),
    ];
    let mut world = World::new(2, &contracts);
    world.post(&[Plan { seconds: 1, ..Plan::default() }], Place::Calldata);
    show("nothing", &world, 1);

    // Random bytes at 40 gas each (EIP-7623).
    let heavy = [MOST, BLOCK - MOST]
        .map(|gas| world.call(0, Address::repeat_byte(9).into(), 0, gas, data((gas - 21_000) / 40)));
    world.post(&[Plan { seconds: 1, transactions: heavy.into(), ..Plan::default() }], Place::Blobs);
    show("740,000 bytes of calldata", &world, 2);

    // As many messages as a block takes, of the longest.
    let long: Bytes = data(65_536);
    for _ in 0..6 {
        world.send(
            Address::repeat_byte(1),
            Address::repeat_byte(2),
            1,
            1,
            21_000 + 40 * 65_536,
            long.clone(),
        );
    }
    world.post(&[Plan { seconds: 12, anchors: 1, messages: 6, transactions: vec![] }], Place::Calldata);
    show("6 messages of 65,536 bytes", &world, 3);
    for _ in 0..18_000_000 / 21_000 {
        world.send(Address::repeat_byte(1), Address::repeat_byte(2), 1, 1, 21_000, Bytes::new());
    }
    world.post(&[Plan { seconds: 12, anchors: 1, messages: 857, transactions: vec![] }], Place::Calldata);
    show("857 messages", &world, 4);

    // A batch as long as there can be, of which this block is the last.
    let plans = vec![Plan { seconds: 1, ..Plan::default() }; 4_096];
    let from = world.chain.head().header.number;
    world.post(&plans, Place::Calldata);
    show("the last of 4,096 empty blocks", &world, from + 4_096);

    // Memory of a thousand frames; init code that creates itself; as many transient slots as there can be.
    let nested = [&hex!("5a 38 5f 5f 39 38 5f 5f f0")[..], &vec![0; 49_152 - 9]].concat();
    for (what, target, input) in [
        ("memory of 1024 frames", 0x61, Bytes::new()),
        ("init code in init code", 0x62, nested.into()),
        ("new transient slots", 0x63, Bytes::new()),
    ] {
        let from = world.chain.head().header.number;
        let calls = [MOST, BLOCK - MOST]
            .map(|gas| world.call(0, Address::repeat_byte(target).into(), 0, gas, input.clone()));
        world.post(&[Plan { seconds: 1, transactions: calls.into(), ..Plan::default() }], Place::Blobs);
        show(what, &world, from + 1);
    }
}

/// The largest blocks that take seconds or minutes.
#[test]
#[ignore = "a measurement"]
fn the_longest_blocks_fit() {
    let mut world = World::new(2, &[]);
    world.post(&[Plan { seconds: 1, ..Plan::default() }], Place::Calldata);
    let empty = show("nothing", &world, 1);

    let count = BLOCK / 21_000;
    let transfers = (0..count)
        .map(|i| {
            let to = Address::left_padding_from(&(0x1000 + i).to_be_bytes());
            world.call(0, to.into(), 5, 21_000, Bytes::new())
        })
        .collect();
    world.post(&[Plan { seconds: 1, transactions: transfers, ..Plan::default() }], Place::Blobs);
    let steps = show("1428 transfers to new accounts", &world, 2);
    assert_eq!(world.transactions(2) as u64, count);
    println!("{:44} {:6} steps each", "", (steps - empty) / count);

    // As many transactions as fit the longest content; none can be executed.
    let small = world.call(BEGGAR, Address::repeat_byte(9).into(), 0, 21_000, Bytes::new());
    let skipped = vec![vec![small; 1428]; 55];
    let plans: Vec<_> =
        skipped.into_iter().map(|transactions| Plan { transactions, ..Plan::default() }).collect();
    let from = world.chain.head().header.number;
    world.post(&plans, Place::Calldata);
    show("a block of a batch of 78,540 transactions", &world, from + 55);

    // What hardly compressed is 8 MiB: transactions that are all skipped.
    let huge = vec![0; 8_000_000];
    let huge = world.call(BEGGAR, Address::repeat_byte(9).into(), 0, MOST, huge.into());
    let small = world.call(BEGGAR, Address::repeat_byte(9).into(), 0, 21_000, Bytes::new());
    let many = vec![small; 1427];
    let from = world.chain.head().header.number;
    world.post(
        &[Plan { seconds: 1, transactions: [vec![huge], many].concat(), ..Plan::default() }],
        Place::Calldata,
    );
    show("1427 transactions that are skipped, 8 MB", &world, from + 1);
    assert_eq!(world.transactions(from + 1), 0);
}

/// Does `body` until the gas is gone, after `setup`.
fn forever(setup: &[u8], body: &[u8]) -> Bytes {
    [setup, &[0x5b], body, &[0x60, setup.len() as u8, 0x56]].concat().into()
}

/// Operands that make arithmetic long, under what the operation takes from the stack.
fn operation(code: u8, operands: usize) -> Vec<u8> {
    let wide: [&[u8]; 3] = [
        &hex!("7f fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543211"),
        &hex!("7f 00000000000000010fedcba9876543210fedcba9876543210fedcba987654321"),
        &hex!("7f fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff1"),
    ];
    // The last pushed is the first operand.
    let pushed: Vec<u8> = wide[..operands].iter().rev().flat_map(|word| word.to_vec()).collect();
    [&pushed[..], &[code, 0x50]].concat()
}

/// A call of this address with the memory that calldata was copied to.
fn call(address: u64) -> Vec<u8> {
    [&hex!("6000 6000 36 6000 61")[..], &(address as u16).to_be_bytes(), &hex!("5a fa 50")].concat()
}

/// What is done, its code, and what it is called with.
fn lines() -> Vec<(String, Bytes, Bytes)> {
    let mut lines = Vec::new();
    let mut add = |name: &str, setup: &[u8], body: &[u8], input: &[u8]| {
        lines.push((name.to_owned(), forever(setup, body), Bytes::copy_from_slice(input)));
    };
    add("jumps", &[], &[], &[]);
    add("jump destinations", &[], &[0x5b; 64], &[]);
    add(
        "pushes and pops",
        &[],
        &hex!("7f0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2050").repeat(4),
        &[],
    );
    for (name, code, operands) in [
        ("ADD", 0x01, 2),
        ("MUL", 0x02, 2),
        ("DIV", 0x04, 2),
        ("SDIV", 0x05, 2),
        ("MOD", 0x06, 2),
        ("SMOD", 0x07, 2),
        ("ADDMOD", 0x08, 3),
        ("MULMOD", 0x09, 3),
        ("EXP", 0x0a, 2),
        ("SIGNEXTEND", 0x0b, 2),
        ("BYTE", 0x1a, 2),
        ("SAR", 0x1d, 2),
        ("CLZ", 0x1e, 1),
        ("CALLDATALOAD", 0x35, 1),
    ] {
        add(name, &[], &operation(code, operands).repeat(6), &[]);
    }
    // Operands stay where they are: DUP, then the operation.
    let modulus = [&operation(0x09, 3)[..99], &hex!("828282 09 50").repeat(20)].concat();
    add("MULMOD of what is on the stack", &modulus[..99], &modulus[99..], &[]);
    let divisor = [&operation(0x04, 2)[..66], &hex!("8181 04 50").repeat(20)].concat();
    add("DIV of what is on the stack", &divisor[..66], &divisor[66..], &[]);
    for size in ["6000", "6020", "6088", "610400"] {
        let body = [&hex::decode(size).unwrap()[..], &hex!("6000 20 50")].concat().repeat(4);
        add(&format!("KECCAK256 of {} bytes", u64::from_str_radix(&size[2..], 16).unwrap()), &[], &body, &[]);
    }
    add("MLOAD, MSTORE", &[], &hex!("600051600052").repeat(4), &[]);
    add("MSTORE8", &[], &hex!("6001600053").repeat(4), &[]);
    add("MCOPY of 1 byte", &[], &hex!("6001600060005e").repeat(4), &[]);
    add("MCOPY of 1024 bytes, askew", &[], &hex!("610400600160005e").repeat(4), &[]);
    add("CALLDATACOPY of 1024 bytes", &[], &hex!("6104006000600037").repeat(4), &[1; 100]);
    add("EXTCODECOPY of 1024 bytes", &[], &hex!("61040060006000303c").repeat(4), &[]);
    add("SLOAD, warm", &[], &hex!("60005450").repeat(4), &[]);
    add("SLOAD, cold", &hex!("6000"), &hex!("6001018054 50"), &[]);
    add("SSTORE, cold", &hex!("6000"), &hex!("600101808055"), &[]);
    add("SSTORE, warm", &hex!("6000"), &hex!("600101806000 55"), &[]);
    add("TLOAD", &[], &hex!("60005c50").repeat(4), &[]);
    add("TSTORE, one slot", &[], &hex!("6001 6000 5d").repeat(4), &[]);
    add("TSTORE, TLOAD, new slots", &hex!("6000"), &hex!("60010180805d805c50"), &[]);
    add("BALANCE, cold", &hex!("6000"), &hex!("600101803150"), &[]);
    add("BALANCE, warm", &[], &hex!("303150").repeat(4), &[]);
    add("EXTCODEHASH, cold", &hex!("6000"), &hex!("600101803f50"), &[]);
    add("BLOCKHASH", &[], &hex!("60014303 40 50").repeat(2), &[]);
    add("SELFBALANCE", &[], &hex!("4750").repeat(8), &[]);
    add("LOG0 of nothing", &[], &hex!("60006000a0").repeat(4), &[]);
    add("LOG4 of 32 bytes", &[], &hex!("5f5f5f5f 6020 6000 a4"), &[]);
    add("CALL of nobody, warm", &[], &hex!("5f5f5f5f5f 33 5a f1 50"), &[]);
    add("CALL of nobody, cold", &hex!("6000"), &hex!("600101 5f5f5f5f5f 85 5a f1 50"), &[]);
    add("CALL of itself, deep", &[], &hex!("5f5f5f5f5f 30 5a f1 50"), &[]);
    add("CREATE of nothing", &[], &hex!("5f5f5ff050"), &[]);
    add("CREATE2, long init code that stops", &hex!("6000"), &hex!("600101 80 61c000 5f 5f f5 50"), &[]);
    let copy = hex!("36 6000 6000 37");
    for (i, (precompile, input)) in liked().into_iter().enumerate() {
        add(&format!("precompile {precompile:#x} ({i})"), &copy, &call(precompile), &input);
    }
    let modexp = |base: usize, exponent: &[u8], modulus: &[u8]| {
        let lengths =
            [base, exponent.len(), modulus.len()].map(|len| U256::from(len).to_be_bytes::<32>()).concat();
        [&lengths[..], &vec![0xfe; base], exponent, modulus].concat()
    };
    let (odd, mut even) = (vec![0xff; 1024], vec![0xff; 1024]);
    even[1023] = 0xfe;
    let mut power = vec![0; 1024];
    power[0] = 0x80;
    for (name, input) in [
        ("MODEXP, 32 bytes all", modexp(32, &[0xff; 32], &odd[..32])),
        ("MODEXP, 256 bytes", modexp(256, &[0xff; 32], &odd[..256])),
        ("MODEXP, 1024 bytes", modexp(1024, &[0xff; 4], &odd)),
        ("MODEXP, 1024 bytes, even", modexp(1024, &[0xff; 4], &even)),
        ("MODEXP, 1024 bytes, a power of two", modexp(1024, &[0xff; 4], &power)),
        ("MODEXP, 1024 bytes, exponent 1", modexp(1024, &[1], &even)),
        ("MODEXP, 1024 bytes, exponent 3", modexp(1024, &[3], &odd)),
        ("MODEXP, base 1024, modulus 1 byte", modexp(1024, &[3], &[0xfb])),
        ("MODEXP, exponent 1024 bytes", modexp(1, &[0xff; 1024], &[0xfb])),
        ("MODEXP, 40 bytes, even", modexp(40, &[0xff; 32], &even[984..])),
        ("MODEXP, 8 bytes", modexp(8, &[0xff; 8], &odd[..8])),
        ("MODEXP, nothing", modexp(0, &[], &[])),
    ] {
        add(name, &copy, &call(5), &input);
    }
    let blake = liked().into_iter().find(|(precompile, _)| *precompile == 9).unwrap().1;
    add("BLAKE2F, 100,000 rounds", &copy, &call(9), &[&100_000u32.to_be_bytes()[..], &blake[4..]].concat());
    for (name, address, len) in
        [("SHA256", 2, 4096), ("RIPEMD160", 3, 4096), ("IDENTITY", 4, 4096), ("SHA256", 2, 0)]
    {
        add(&format!("{name}, {len} bytes"), &copy, &call(address), &vec![7; len]);
    }
    let of = |precompile: u64, nth: usize| {
        liked().into_iter().filter(|(p, _)| *p == precompile).nth(nth).unwrap().1
    };
    for count in [1, 8] {
        add(&format!("BN254 pairing, {count} pairs"), &copy, &call(8), &of(8, 0)[..192].repeat(count));
        add(&format!("BLS12-381 pairing, {count} pairs"), &copy, &call(15), &of(15, 1).repeat(count));
    }
    for count in [1, 16, 64] {
        add(&format!("BLS12-381 G1 MSM, {count}"), &copy, &call(12), &of(12, 0)[..160].repeat(count));
        add(&format!("BLS12-381 G2 MSM, {count}"), &copy, &call(14), &of(14, 0)[..288].repeat(count));
    }
    lines
}

/// The most that a gas can cost.
#[test]
#[ignore = "a measurement"]
fn steps_a_gas() {
    const GAS: u64 = 1_500_000;
    let lines = lines();
    let contracts: Vec<_> = lines
        .iter()
        .enumerate()
        .map(|(i, (_, code, _))| (Address::from_word(B256::from(U256::from(0xc0de_0000 + i))), code.clone()))
        .collect();
    let mut world = World::new(1, &contracts);
    let only = std::env::var("ONLY").unwrap_or_default();
    let mut plans = vec![Plan { seconds: 1, ..Plan::default() }];
    for ((name, _, input), (address, _)) in lines.iter().zip(&contracts) {
        if name.contains(&only) {
            // Calldata costs 10 to 40 gas a byte; what is left is burnt.
            let gas = GAS + 40 * input.len() as u64;
            let transactions = vec![world.call(0, (*address).into(), 0, gas, input.clone())];
            plans.push(Plan { seconds: 1, transactions, ..Plan::default() });
        }
    }
    world.post(&plans, Place::Blobs);
    let (empty, _) = execute_only(&world, 1);
    let names = lines.iter().map(|(name, ..)| name).filter(|name| name.contains(&only));
    let mut worst = (0.0, String::new());
    for (name, number) in names.zip(2..) {
        let (steps, gas) = execute_only(&world, number);
        let rate = (steps - empty) as f64 / gas as f64;
        println!("{name:44} {rate:8.1} steps a gas");
        if std::env::var_os("PROFILE").is_some() {
            profile(&world, number);
        }
        if rate > worst.0 {
            worst = (rate, name.clone());
        }
    }
    let block = worst.0 * BLOCK as f64;
    println!("at most {:.0} ({}): a block of {BLOCK} gas has 2^{:.1} steps", worst.0, worst.1, block.log2());
    assert!(block < MAX_STEPS as f64 / 2.0, "blocks must stay far below 2^36 steps");
}

/// Steps and gas of a block.
fn execute_only(world: &World, number: u64) -> (u64, u64) {
    let (witness, holds) = world.witness(&world.statement(number));
    assert!(holds);
    let (exit, steps) = execute(witness);
    assert_eq!(exit, Some(0), "block {number}");
    (steps, world.gas_used(number))
}
