//! How fast the pool takes transactions, feeds a block and follows one.
//!
//! `cargo run --release -p duplex-pool --example pool_speed`
#![allow(clippy::print_stdout)]

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_primitives::{Address, Signature, TxKind, U256};
use duplex_pool::{Pool, PoolConfig, PooledTx, SenderState};
use duplex_primitives::ChainConfig;
use std::{
    hint::black_box,
    io,
    time::{Duration, Instant},
};

const TXS: u64 = 100_000;
const BLOCK: usize = 1_400;
const GWEI: u128 = 1_000_000_000;

fn address(index: u64) -> Address {
    Address::left_padding_from(&(index + 1).to_be_bytes())
}

/// A number that looks random, the same in every run.
fn noise(index: u64) -> u64 {
    let mut x = (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ (x >> 31)
}

fn transactions(senders: u64, first_nonce: u64, equal_fees: bool) -> Vec<PooledTx> {
    let make = |index: u64| {
        let sender = address(index % senders);
        let noise = if equal_fees { 0 } else { u128::from(noise(index)) };
        // Every third pays one price, as legacy transactions do.
        let tip = GWEI + noise % GWEI;
        let cap = if noise % 3 == 0 { tip + GWEI } else { 3 * GWEI + (noise >> 32) % GWEI };
        let tx = TxEip1559 {
            chain_id: 42,
            nonce: first_nonce + index / senders,
            gas_limit: 21_000,
            max_fee_per_gas: cap,
            max_priority_fee_per_gas: if noise % 3 == 0 { cap } else { tip },
            to: TxKind::Call(sender),
            value: U256::from(1),
            ..Default::default()
        };
        PooledTx::new(tx.into_signed(Signature::test_signature()).into(), sender)
    };
    (0..TXS).map(make).collect()
}

fn measure(name: &str, senders: u64, equal_fees: bool) {
    let chain = ChainConfig::l2_dev(42);
    let config = PoolConfig { per_sender: TXS as usize, ..PoolConfig::new(chain) };
    let pool = Pool::new(config);
    pool.on_block([], [], GWEI as u64);
    let state = |nonce| SenderState { nonce, balance: U256::MAX >> 8, is_contract: false };
    let txs = transactions(senders, 0, equal_fees);

    let start = Instant::now();
    for tx in txs {
        pool.add(tx, |_| Ok::<_, io::Error>(state(0))).expect("admitted");
    }
    let adds = TXS as f64 / start.elapsed().as_secs_f64();

    let mut best = Duration::MAX;
    let mut block = Vec::new();
    for _ in 0..20 {
        let start = Instant::now();
        block = black_box(pool.best(GWEI as u64, 0).take(BLOCK).collect());
        best = best.min(start.elapsed());
    }

    let mut nonces = std::collections::HashMap::new();
    for tx in &block {
        nonces.insert(tx.sender(), state(tx.nonce() + 1));
    }
    let start = Instant::now();
    let mined = block.iter().map(|tx| (tx.hash(), tx.sender(), tx.nonce()));
    let update = pool.on_block(mined, nonces, GWEI as u64);
    let block_time = start.elapsed();
    assert_eq!(update.mined.len(), BLOCK);

    let start = Instant::now();
    pool.on_block([], [], (GWEI + GWEI / 8) as u64);
    let fee_time = start.elapsed();

    // A full pool: every newcomer displaces one.
    let fill = transactions(TXS, 0, true);
    for (index, tx) in fill.iter().take(BLOCK).enumerate() {
        let sender = Address::right_padding_from(&(index as u64 + 1).to_be_bytes());
        let tx = PooledTx::new(tx.tx().clone(), sender);
        pool.add(tx, |_| Ok::<_, io::Error>(state(0))).ok();
    }
    let rich: Vec<PooledTx> = (0..10_000u64)
        .map(|index| {
            let sender = Address::right_padding_from(&(index + 1_000_000).to_be_bytes());
            let tx = TxEip1559 {
                chain_id: 42,
                gas_limit: 21_000,
                max_fee_per_gas: 90 * GWEI,
                max_priority_fee_per_gas: 50 * GWEI,
                to: TxKind::Call(sender),
                ..Default::default()
            };
            PooledTx::new(tx.into_signed(Signature::test_signature()).into(), sender)
        })
        .collect();
    let start = Instant::now();
    let mut evicted = 0;
    for tx in rich {
        evicted += pool.add(tx, |_| Ok::<_, io::Error>(state(0))).expect("pays more").evicted.len();
    }
    let full = 10_000.0 / start.elapsed().as_secs_f64();
    assert!(evicted > 9_000, "{evicted}");

    println!(
        "{name:<28} {adds:>10.0} adds/s  best({BLOCK}) {best:>9.1?}  on_block {block_time:>9.1?}  \
         base fee +12.5% {fee_time:>9.1?}  adds to a full pool {full:>9.0}/s"
    );
}

fn main() {
    measure("100,000 senders", TXS, false);
    measure("100,000 senders, equal fees", TXS, true);
    measure("1,000 senders", 1_000, false);
    measure("1 sender", 1, false);
}
