//! Commits 200 full blocks to a chain of 100,000 accounts and times commits and reads.
//!
//! `cargo run --release -p duplex-storage --example commit_speed -- [archive|window] [nosync]`
//!
//! A block has 1,400 transactions, changes 2,800 accounts and writes the trie nodes above them.
#![allow(clippy::print_stdout, reason = "the result of an example is what it prints")]

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::Nibbles;
use duplex_storage::{BlockRecord, Database, History, Options};
use duplex_trie::{AccountUpdate, NodeKey, StateAccount};
use std::{
    collections::BTreeMap,
    error::Error,
    time::{Duration, Instant},
};

const ACCOUNTS: u64 = 100_000;
const TRANSACTIONS: u64 = 1_400;
const BLOCKS: u64 = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let has = |word: &str| std::env::args().any(|arg| arg == word);
    let options = Options {
        history: if has("window") { History::Window(64) } else { History::Archive },
        sync: !has("nosync"),
        ..Default::default()
    };
    let dir = tempfile::tempdir_in(".")?;
    let database = Database::open(dir.path(), B256::ZERO, options)?;

    let start = Instant::now();
    database.commit(&block(0))?;
    database.settle()?;
    println!("genesis of {ACCOUNTS} accounts: {:.0?}", start.elapsed());

    let mut times = Vec::new();
    let mut written = 0;
    let (start, mut making) = (Instant::now(), Duration::ZERO);
    for number in 1..=BLOCKS {
        let before = Instant::now();
        let record = block(number);
        written += record.nodes.len();
        making += before.elapsed();
        let before = Instant::now();
        database.commit(&record)?;
        times.push(before.elapsed());
    }
    let total = start.elapsed() - making;
    times.sort();
    let mean = times.iter().sum::<Duration>() / times.len() as u32;
    println!(
        "{BLOCKS} blocks, {} nodes each: commit mean {mean:.1?}, median {:.1?}, p99 {:.1?}, worst {:.1?}",
        written as u64 / BLOCKS,
        times[times.len() / 2],
        times[times.len() * 99 / 100],
        times[times.len() - 1]
    );
    let before = Instant::now();
    database.settle()?;
    println!("all at full speed {total:.1?}, the rest of folding {:.1?}", before.elapsed());
    for name in ["blocks.redb", "state.redb"] {
        println!("{name}: {} MB", dir.path().join(name).metadata()?.len() >> 20);
    }
    // One layer short of a fold, so that reads pass through as many as they can at rest.
    reads(&database, "tables only", BLOCKS)?;
    for number in BLOCKS + 1..BLOCKS + options.fold_blocks as u64 {
        database.commit(&block(number))?;
    }
    reads(&database, "under 15 layers", BLOCKS)?;
    let before = Instant::now();
    drop(database);
    let database = Database::open(dir.path(), B256::ZERO, options)?;
    println!("close and open with 15 layers: {:.0?}", before.elapsed());
    drop(database);
    Ok(())
}

fn reads(database: &Database, name: &str, blocks: u64) -> Result<(), Box<dyn Error>> {
    const READS: u64 = 200_000;
    let reader = database.reader();
    let head = reader.head().unwrap_or_default();
    let before = Instant::now();
    for index in 0..READS {
        reader.account(&account(index * 7919 % ACCOUNTS), head)?.ok_or("an account is missing")?;
    }
    let accounts = READS as f64 / before.elapsed().as_secs_f64();
    let before = Instant::now();
    for index in 0..READS {
        let path = Nibbles::unpack(account(index * 7919 % ACCOUNTS)).slice(..index as usize % 5);
        reader.node(&NodeKey { owner: None, path }, head)?.ok_or("a node is missing")?;
    }
    let nodes = READS as f64 / before.elapsed().as_secs_f64();
    let before = Instant::now();
    for _ in 0..READS {
        std::hint::black_box(database.reader());
    }
    let readers = READS as f64 / before.elapsed().as_secs_f64();
    println!(
        "reads at head {head} of {blocks}+ ({name}): {:.0}k accounts/s, {:.0}k nodes/s, {:.1}M readers/s",
        accounts / 1e3,
        nodes / 1e3,
        readers / 1e6
    );
    Ok(())
}

fn account(index: u64) -> B256 {
    keccak256(index.to_be_bytes())
}

fn block(number: u64) -> BlockRecord {
    let of = |tag: &str, index: u64| keccak256(format!("{tag} {number} {index}"));
    let (transactions, touched) = match number {
        0 => (0, (0..ACCOUNTS).collect()),
        _ => {
            let pick = |index| u64::from_be_bytes(*of("account", index).first_chunk().unwrap()) % ACCOUNTS;
            (TRANSACTIONS, (0..2 * TRANSACTIONS).map(pick).collect::<Vec<_>>())
        }
    };
    let mut state = BTreeMap::new();
    let mut nodes = BTreeMap::new();
    for index in touched {
        let hashed = account(index);
        let account = StateAccount {
            nonce: number,
            balance: U256::from_be_slice(&of("balance", index)[..9]),
            code_hash: KECCAK256_EMPTY,
        };
        state.insert(hashed, AccountUpdate { account: Some(account), ..Default::default() });
        // As deep as a trie of 100,000 leaves: nearly full branches, then sparse ones, then leaves.
        let path = Nibbles::unpack(hashed);
        for (depth, length) in [(0, 532), (1, 532), (2, 532), (3, 500), (4, 150), (5, 110)] {
            nodes.entry(path.slice(..depth)).or_insert_with(|| {
                let seed = of("node", index);
                Some(seed.iter().copied().cycle().take(length).collect::<Bytes>())
            });
        }
    }
    BlockRecord {
        number,
        hash: of("hash", 0),
        header: vec![1; 600].into(),
        body: vec![2; transactions as usize * 112].into(),
        receipts: vec![3; transactions as usize * 40].into(),
        senders: (0..transactions).map(|index| Address::from_word(of("sender", index))).collect(),
        tx_hashes: (0..transactions).map(|index| of("tx", index)).collect(),
        state,
        nodes: nodes.into_iter().map(|(path, rlp)| (NodeKey { owner: None, path }, rlp)).collect(),
        codes: Vec::new(),
    }
}
