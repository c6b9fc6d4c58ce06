//! Replays what the fuzzers start from, so that every test run covers it.
#![allow(missing_docs)]

#[path = "../../../fuzz/checks.rs"]
mod checks;

use std::{fs, path::PathBuf};

use alloy_consensus::{SignableTransaction, TxEip1559, TxLegacy};
use alloy_primitives::{Address, Signature, U256};
use duplex_primitives::{BatchContent, BlockContent, Transaction};

fn corpus(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target)
}

fn replay(target: &str, check: fn(&[u8])) {
    let mut count = 0;
    for entry in fs::read_dir(corpus(target)).unwrap() {
        check(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count >= 8, "{target} has {count} seeds");
}

#[test]
fn content() {
    replay("content", checks::content);
}

#[test]
fn blob() {
    replay("blob", checks::blob);
}

#[test]
fn derive() {
    replay("derive", checks::derive);
}

fn transaction(nonce: u64) -> Transaction {
    let signature = Signature::new(U256::from(nonce + 1), U256::from(7), nonce.is_multiple_of(2));
    if nonce.is_multiple_of(3) {
        let tx =
            TxLegacy { chain_id: Some(42_424), nonce, gas_price: 9, gas_limit: 21_000, ..Default::default() };
        return Transaction::Ethereum(tx.into_signed(signature).into());
    }
    let tx = TxEip1559 {
        chain_id: 42_424,
        nonce,
        gas_limit: 50_000,
        max_fee_per_gas: 1000,
        max_priority_fee_per_gas: 1,
        to: Address::with_last_byte(nonce as u8).into(),
        value: U256::from(nonce) << (nonce % 200),
        input: vec![nonce as u8; nonce as usize % 40].into(),
        ..Default::default()
    };
    Transaction::Ethereum(tx.into_signed(signature).into())
}

/// `WRITE_CORPUS=true` writes the seeds anew.
#[test]
fn seeds() {
    let blocks = |count: u64, txs: u64| -> Vec<BlockContent> {
        let block = |i| BlockContent {
            timestamp_delta: i,
            anchor_delta: i % 2,
            messages: i % 3,
            transactions: (0..txs).map(transaction).collect(),
        };
        (0..count).map(block).collect()
    };
    let mut seeds: Vec<(&str, Vec<u8>)> =
        vec![("content", Vec::new()), ("blob", vec![0; 2]), ("derive", vec![0; 16])];
    for (count, txs) in [(1, 0), (1, 1), (2, 3), (6, 0), (3, 12), (40, 1)] {
        let content = BatchContent { blocks: blocks(count, txs) };
        let columns = content.columns(42_424).unwrap();
        let encoded = content.encode(42_424).unwrap();
        // Header: parent's anchor, messages, number, time; blocks, anchor's move, messages, time.
        let mut valid = vec![7, 3, 9, 200, count as u8 - 1, (count / 2) as u8, 0, 100, 0];
        valid.extend_from_slice(&columns);
        let mut compressed = vec![7, 3, 9, 200, count as u8 - 1, 1, 2, 40, 0, 80, 1, 100, 1];
        compressed.extend_from_slice(&encoded);
        seeds.extend([
            ("content", columns),
            ("content", encoded.clone()),
            ("derive", valid),
            ("derive", compressed),
        ]);
        seeds.push(("blob", [&[count as u8, txs as u8][..], &encoded[..]].concat()));
    }
    for mode in 0..4u8 {
        seeds.push(("blob", [&[200, mode][..], &[0, 0, 1, 44], &[mode; 64]].concat()));
    }
    if std::env::var_os("WRITE_CORPUS").is_some() {
        for (i, (target, seed)) in seeds.iter().enumerate() {
            fs::create_dir_all(corpus(target)).unwrap();
            fs::write(corpus(target).join(format!("seed-{i:02}")), seed).unwrap();
        }
    }
    for (target, seed) in &seeds {
        match *target {
            "content" => checks::content(seed),
            "blob" => checks::blob(seed),
            _ => checks::derive(seed),
        }
    }
}
