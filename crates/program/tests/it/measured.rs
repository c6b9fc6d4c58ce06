//! What people do, as batches to measure the validity program by: `cargo xtask validity` keeps what each costs in
//! `prover/instructions.json`. `DUPLEX_MEASURED=DIR` writes their bundles there, each named for what it is.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use alloy_primitives::{Address, B256, Bytes, U256, hex};
use alloy_sol_types::{SolCall, sol};
use duplex_contracts::token_balance_slot;
use duplex_primitives::{Transaction, predeploys};
use duplex_program::{
    Bundle,
    host::{SECTION, bundle, holds},
    range_output,
};

use crate::{
    contracts,
    precompiles::{liked, said},
    world::{Place, Plan, World, signer},
};

sol! {
    function deposit() external payable;
    function approve(address guy, uint256 wad) external returns (bool);
    function transfer(address dst, uint256 wad) external returns (bool);
}

/// Who takes part.
const PEOPLE: u64 = 101;
/// Two tokens, and a pair of them: takes `x` of the first from its caller, and gives what keeps the product of its reserves, less
/// three thousandths. A token is WETH9, so whoever sends it ETH has as much of it.
const TOKENS: [Address; 2] = [Address::repeat_byte(0x71), Address::repeat_byte(0x72)];
const PAIR: Address = Address::repeat_byte(0x73);

/// The pair's code. Its reserves are in slot 0: of the first token in the lower half, of the second in the upper.
fn pair() -> Bytes {
    let call =
        |token: Address| [&hex!("5f 5f 73")[..], token.as_slice(), &hex!("5a f1 15 610000 57")].concat();
    let mut code = [
        // With a second word, that is what the reserves are from now on.
        &hex!("36 6020 10 15 600e 57 6020 35 5f 55 00 5b")[..],
        // transferFrom(caller, this, x)
        &hex!("6323b872dd 60e0 1b 5f 52 33 6004 52 30 6024 52 5f35 6044 52 6020 5f 6064"),
        &call(TOKENS[0]),
        // [a, b], the reserves
        &hex!("5f54 80 6fffffffffffffffffffffffffffffffff 16 90 6080 1c"),
        // [a, b, y], with y = 997 x b / (1000 a + 997 x)
        &hex!("6103e5 5f35 02 82 6103e8 02 81 01 90 82 02 04"),
        // [y], and the reserves are a + x and b - y
        &hex!("80 91 03 6080 1b 91 5f35 01 90 91 17 5f 55"),
        // transfer(caller, y)
        &hex!("63a9059cbb 60e0 1b 5f 52 33 6004 52 80 6024 52 6020 5f 6044"),
        &call(TOKENS[1]),
        // A log of y and x.
        &hex!("5f 52 5f35 6020 52 33 6040 5f a1 00"),
        &hex!("5b 5f 5f fd"),
    ]
    .concat();
    // Where both calls go if they fail: to the end.
    let end = (code.len() - 4) as u16;
    for at in 0..code.len() - 3 {
        if code[at..at + 4] == hex!("61 0000 57") {
            code[at + 1..at + 3].copy_from_slice(&end.to_be_bytes());
        }
    }
    code.into()
}

/// A world in which people have both tokens, and the pair has reserves: everything is there, so what is measured pays for itself.
fn world() -> World {
    let weth = World::new(0, &[]).code(predeploys::WETH);
    let mut world = World::new(PEOPLE, &[(TOKENS[0], weth.clone()), (TOKENS[1], weth), (PAIR, pair())]);
    let approve: Bytes = approveCall { guy: PAIR, wad: U256::MAX }.abi_encode().into();
    let to_pair: Bytes = transferCall { dst: PAIR, wad: U256::from(1_000_000) }.abi_encode().into();
    let mut transactions = Vec::new();
    for person in 0..PEOPLE {
        for token in TOKENS {
            let deposit = depositCall {}.abi_encode().into();
            transactions.push(world.call(person, token.into(), 10_000_000, 100_000, deposit));
        }
        transactions.push(world.call(person, TOKENS[0].into(), 0, 100_000, approve.clone()));
    }
    for token in TOKENS {
        transactions.push(world.call(0, token.into(), 0, 100_000, to_pair.clone()));
    }
    let reserves: U256 = (U256::from(1_000_000) << 128) | U256::from(1_000_000);
    let reserves = [[0; 32], reserves.to_be_bytes::<32>()].concat().into();
    transactions.push(world.call(0, PAIR.into(), 0, 100_000, reserves));
    let plan = Plan { seconds: 12, transactions, ..Plan::default() };
    world.post(&[plan], Place::Calldata);
    world
}

/// `number` people do something, in one block of one batch.
fn batch(number: u64, act: impl Fn(&World, u64) -> Transaction) -> World {
    let mut world = world();
    let transactions = (1..=number).map(|person| act(&world, person)).collect();
    let plan = Plan { seconds: 12, anchors: 1, transactions, ..Plan::default() };
    world.post(&[plan], Place::Calldata);
    assert_eq!(world.transactions(2) as u64, number + 1, "and the anchor's");
    world
}

/// A batch of blocks without transactions, each with an anchor of its own.
fn nothing(blocks: usize) -> World {
    let mut world = world();
    let plans: Vec<_> = (0..blocks).map(|_| Plan { seconds: 12, anchors: 1, ..Plan::default() }).collect();
    world.post(&plans, Place::Calldata);
    world
}

/// The kinds of things people do.
fn transfer(world: &World, person: u64) -> Transaction {
    world.call(person, signer((person + 1) % PEOPLE).address().into(), 5, 21_000, Bytes::new())
}

fn erc20(world: &World, person: u64) -> Transaction {
    let to = transferCall { dst: signer((person + 1) % PEOPLE).address(), wad: U256::from(5) };
    world.call(person, TOKENS[1].into(), 0, 100_000, to.abi_encode().into())
}

fn swap(world: &World, person: u64) -> Transaction {
    world.call(person, PAIR.into(), 0, 300_000, U256::from(1000).to_be_bytes::<32>().into())
}

/// Rounds of BLAKE2, each of which is a gas.
const ROUNDS: u32 = 10_000;

type Act = fn(&World, u64) -> Transaction;
const KINDS: [(&str, Act); 3] = [("transfer", transfer), ("erc20", erc20), ("swap", swap)];

#[test]
fn a_swap_swaps() {
    let world = batch(2, swap);
    let of =
        |token: usize, holder: Address| world.slot(TOKENS[token], token_balance_slot(holder)).to::<u64>();
    let (one, two) = (997_000_000 / (1_000_000 + 997), of(1, signer(2).address()) - 10_000_000);
    assert_eq!(of(0, signer(1).address()), 10_000_000 - 1000);
    assert_eq!(of(1, signer(1).address()), 10_000_000 + one);
    assert!(two < one, "the price rose");
    assert_eq!((of(0, PAIR), of(1, PAIR)), (1_000_000 + 2000, 1_000_000 - one - two));
}

/// The bundle of a world's last batch, which must hold; written if there is a place for it.
pub(crate) fn write(dir: Option<&Path>, name: &str, world: &World) {
    let last = world.batches.len() - 1;
    let statement = world.range(last..=last);
    let (witness, output) = world.range_witness(&statement);
    assert_eq!(output, statement.output);
    let bundle = bundle(&statement, &[witness]).unwrap();
    let read = Bundle::decode(&bundle.clone().into(), holds).unwrap();
    assert_eq!(range_output(&read, &statement).unwrap(), statement.output, "{name}");
    if let Some(dir) = dir {
        std::fs::write(dir.join(format!("{name}.bundle")), bundle).unwrap();
    }
}

#[test]
fn bundles() {
    let dir = std::env::var_os("DUPLEX_MEASURED").map(PathBuf::from);
    let dir = dir.as_deref();
    for blocks in [1, 10] {
        write(dir, &format!("nothing-{blocks}"), &nothing(blocks));
    }
    for (kind, act) in KINDS {
        for number in [1, 10, 100] {
            write(dir, &format!("{kind}-{number}"), &batch(number, act));
        }
    }
    // One call of each precompile, by a contract that keeps what comes of it; pairings that are not one by themselves.
    let mut seen = BTreeSet::new();
    // BLAKE2 pays by rounds.
    let mut rounds = liked().into_iter().find(|(precompile, _)| *precompile == 9).unwrap().1;
    rounds[..4].copy_from_slice(&ROUNDS.to_be_bytes());
    for (precompile, input) in liked().into_iter().chain([(9, rounds)]) {
        let what = match precompile {
            8 | 15 if said(precompile, &input) == [0; 32] => "-not-one",
            9 if input[..4] == ROUNDS.to_be_bytes() => "-10000-rounds",
            _ => "",
        };
        let name = format!("precompile-{precompile:#05x}{what}");
        if !seen.insert(name.clone()) {
            continue;
        }
        let mut world = World::new(1, &contracts::all());
        let target = B256::from(U256::from(precompile));
        let data = [target.as_slice(), &input].concat().into();
        let transactions = vec![world.call(0, contracts::CALLER.into(), 0, 2_000_000, data)];
        world.post(&[Plan { seconds: 12, anchors: 1, transactions, ..Plan::default() }], Place::Calldata);
        write(dir, &name, &world);
    }
}

/// Blocks that look at as much code as there can be for their gas, or call it, so that the EVM keeps all of it to the block's end:
/// 280 MB. With a folder in `DUPLEX_MEASURED` their bundles are written there, to see what the machine makes of them
/// (`docs/validity.md` §3).
#[test]
#[ignore = "takes 4 GB, and minutes"]
fn blocks_that_read_all_the_code_they_can() {
    let end = hex!("6001 01 80 6020 35 14 15 6002 57 00");
    // For each address from the first word of the input up to the second.
    let look = [&hex!("5f 35 5b 80 3b 50")[..], &end].concat();
    let call = [&hex!("5f 35 5b 5f 5f 5f 5f 5f 85 5f f1 50")[..], &end].concat();
    // 2,600 gas for each, and some for the loop.
    let each = 6_260;
    all_the_code("looked-at", look.into(), &[(0, each), (each, 11_245)], 1);
    all_the_code("called", call.clone().into(), &[(0, each), (each, 11_200)], 1);
    // What the first block leaves behind in the machine's memory must leave room for the second.
    all_the_code("called-in-two-blocks", call.clone().into(), &[(0, each), (each, 11_200)], 2);
    // More than is kept from one transaction to the next, and the same again: it has to be read again in the same order, however the
    // tables of who reads are ordered.
    all_the_code("called-again", call.into(), &[(0, 5_572), (0, 5_572)], 1);
}

/// Contracts, and blocks with a transaction for each of the ranges, which looks at these of them.
fn all_the_code(name: &str, looks: Bytes, ranges: &[(u64, u64)], blocks: u64) {
    let looker = Address::repeat_byte(0x74);
    let address = |nth: u64| Address::from_word(U256::from(nth + (1 << 40)).into());
    let code = |nth: u64| {
        // No two are the same. Every second one ends as the EVM wants it, the others have to be copied to be padded. A call is over at
        // once.
        let mut code = [&[0][..], &nth.to_be_bytes()].concat();
        code.resize(24_575, 0x5b);
        code.push(if nth.is_multiple_of(2) { 0x5b } else { 0 });
        (address(nth), code.into())
    };
    let contracts = ranges.iter().map(|(_, to)| *to).max().unwrap_or_default();
    let mut alloc: Vec<_> = (0..contracts).map(code).collect();
    alloc.push((looker, looks));
    let mut world = World::new(1, &alloc);
    let word = |nth: u64| address(nth).into_word();
    let call = |nth: usize, (from, to): (u64, u64)| {
        // What is left in the block.
        let gas = [1 << 24, if from == 0 { 14_960_000 } else { 13_200_000 }][nth];
        world.call(0, looker.into(), 0, gas, [word(from), word(to)].concat().into())
    };
    let plan = || {
        let transactions = ranges.iter().enumerate().map(|(nth, range)| call(nth, *range)).collect();
        Plan { seconds: 12, anchors: 1, transactions, ..Plan::default() }
    };
    let plans: Vec<_> = (0..blocks).map(|_| plan()).collect();
    world.post(&plans, Place::Calldata);
    for number in 1..=blocks {
        let block = world.chain.block(number).unwrap().unwrap();
        let gas: Vec<_> =
            (0..block.receipts.len()).map(|nth| (block.receipts[nth].success, block.gas_used(nth))).collect();
        assert!(gas.len() == 3 && gas.iter().all(|(success, _)| *success), "{name}: {gas:?}");
        let used = block.header().gas_used;
        assert!((29_700_000..30_000_000).contains(&used), "{name}: {used}");
    }
    let statement = world.range(1..=1);
    let (sections, output) = world.range_sections(&statement, SECTION);
    assert_eq!(output, statement.output);
    let blocks = blocks as usize;
    assert!(sections.len() > 60 * blocks, "{}", sections.len());
    let bytes = Bytes::from(bundle(&statement, &sections).unwrap());
    assert!(bytes.len() > 270_000_000 * blocks, "{}", bytes.len());
    for _ in 0..3 {
        let read = Bundle::decode(&bytes, holds).unwrap();
        assert_eq!(range_output(&read, &statement).unwrap(), statement.output);
    }
    if let Some(dir) = std::env::var_os("DUPLEX_MEASURED") {
        std::fs::write(Path::new(&dir).join(format!("{name}.bundle")), bytes).unwrap();
    }
}
