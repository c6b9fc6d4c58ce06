//! How long a block takes: updates of 3,000 random accounts out of 100,000, and the new root.
//!
//! `cargo run --release -p duplex-trie --example update_speed`
#![allow(clippy::print_stdout)]

use alloy_primitives::{B256, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY};
use duplex_trie::{AccountUpdate, HashedState, NodeUpdates, StateAccount, StateTrie, Witness};
use std::time::{Duration, Instant};

const ACCOUNTS: u64 = 100_000;
const UPDATES: u64 = 3_000;
const ROUNDS: u64 = 50;

fn update(nonce: u64, balance: u64) -> AccountUpdate {
    let account = Some(StateAccount { nonce, balance: U256::from(balance), code_hash: KECCAK_EMPTY });
    AccountUpdate { account, ..Default::default() }
}

fn main() {
    let keys: Vec<B256> = (0..ACCOUNTS).map(|n| keccak256(n.to_be_bytes())).collect();
    let genesis = keys.iter().map(|key| (*key, update(0, 1_000_000_000_000_000_000)));
    let genesis: HashedState = genesis.collect();
    let mut state = StateTrie::new(EMPTY_ROOT_HASH);
    let start = Instant::now();
    state.apply(&genesis, &Witness::new(), &mut NodeUpdates::new()).expect("nothing to fetch");
    println!("build {ACCOUNTS} accounts: {:?}, {} nodes", start.elapsed(), state.node_count());

    let (mut times, mut written) = (Vec::new(), 0);
    for round in 1..=ROUNDS {
        let picks = (0..UPDATES).map(|n| {
            let random = keccak256((round << 32 | n).to_be_bytes());
            let pick = u64::from_be_bytes(*random.first_chunk().expect("32 bytes")) % ACCOUNTS;
            (keys[pick as usize], update(round, 1_000_000_000_000_000_000 - round * n))
        });
        let block: HashedState = picks.collect();
        let mut updates = NodeUpdates::new();
        let start = Instant::now();
        state.apply(&block, &Witness::new(), &mut updates).expect("all in memory");
        times.push(start.elapsed());
        written += updates.len();
    }
    times.sort();
    let mean = times.iter().sum::<Duration>() / ROUNDS as u32;
    println!(
        "update {UPDATES} of {ACCOUNTS}: median {:?}, mean {mean:?}, min {:?}, max {:?}",
        times[times.len() / 2],
        times[0],
        times[times.len() - 1]
    );
    println!("nodes hashed a round: {}", written / ROUNDS as usize);

    let hashes = 100_000u32;
    let start = Instant::now();
    let mut hash = B256::ZERO;
    for _ in 0..hashes {
        hash = keccak256(hash);
    }
    println!("keccak256 of one block: {:?} ({hash})", start.elapsed() / hashes);
    let start = Instant::now();
    let copy = state.clone();
    println!("clone: {:?} ({} nodes)", start.elapsed(), copy.node_count());
    let start = Instant::now();
    state.shrink(50_000);
    println!("shrink: {:?} ({} nodes stay)", start.elapsed(), state.node_count());
}
