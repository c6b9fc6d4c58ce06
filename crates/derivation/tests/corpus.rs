//! Replays what the fuzzers start from, so that every test run covers it.
#![allow(missing_docs)]

#[path = "../../../fuzz/checks.rs"]
mod checks;

use std::{fs, path::PathBuf};

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::{
    eip2930::{AccessList, AccessListItem},
    eip7702::{Authorization, SignedAuthorization},
};
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256};
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
    replay("derive", |seed| {
        checks::derive(seed);
    });
}

/// Transactions of every kind, calls and creations.
fn transaction(nonce: u64) -> Transaction {
    let chain_id = 42_424;
    let signature = Signature::new(U256::from(nonce + 1), U256::from(7), nonce.is_multiple_of(2));
    let to = match nonce % 7 {
        6 => TxKind::Create,
        _ => Address::with_last_byte(nonce as u8).into(),
    };
    let value = U256::from(nonce) << (nonce % 200);
    let input: Bytes = vec![nonce as u8; nonce as usize % 40].into();
    let item = AccessListItem { address: Address::ZERO, storage_keys: vec![Default::default()] };
    let access_list = AccessList(vec![item; nonce as usize % 2]);
    match nonce % 5 {
        0 | 1 => {
            let chain_id = nonce.is_multiple_of(5).then_some(chain_id);
            let tx = TxLegacy { chain_id, nonce, gas_price: 9, gas_limit: 21_000, to, value, input };
            tx.into_signed(signature).into()
        }
        2 => {
            let tx =
                TxEip2930 { chain_id, nonce, gas_price: 9, gas_limit: 50_000, to, access_list, value, input };
            tx.into_signed(signature).into()
        }
        3 => {
            let tx = TxEip1559 {
                chain_id,
                nonce,
                gas_limit: 50_000,
                max_fee_per_gas: 1000,
                max_priority_fee_per_gas: 1,
                to,
                value,
                access_list,
                input,
            };
            tx.into_signed(signature).into()
        }
        _ => {
            let one = Authorization { chain_id: U256::from(chain_id), address: Address::ZERO, nonce };
            let one = SignedAuthorization::new_unchecked(one, 1, U256::from(nonce), U256::from(8));
            let tx = TxEip7702 {
                chain_id,
                nonce,
                gas_limit: 70_000,
                max_fee_per_gas: u128::MAX,
                max_priority_fee_per_gas: 1,
                to: Address::with_last_byte(4),
                value,
                access_list,
                authorization_list: vec![one; nonce as usize % 3],
                input,
            };
            tx.into_signed(signature).into()
        }
    }
}

/// Blocks whose columns all differ.
fn batch(blocks: u64, transactions: u64) -> BatchContent {
    let block = |i| BlockContent {
        timestamp_delta: i,
        anchor_delta: i % 2,
        messages: i % 3,
        transactions: (0..transactions).map(|n| transaction(n + i)).collect(),
    };
    BatchContent { blocks: (0..blocks).map(block).collect() }
}

/// The start of an input of `derive` whose batch ends where `content` does.
fn fitting(content: &BatchContent, compressed: bool) -> Vec<u8> {
    let sum = |part: fn(&BlockContent) -> u64| content.blocks.iter().map(part).sum::<u64>() as u8;
    let messages = sum(|block| block.messages);
    // Parent: anchor, messages, number, time. Batch: blocks, anchor's way.
    let mut out = vec![7, 3, 9, 200, content.blocks.len() as u8 - 1, sum(|block| block.anchor_delta)];
    out.push(messages);
    // Gas, and L1 blocks before the anchor.
    out.extend((0..messages).flat_map(|i| [i.wrapping_mul(20), 3]));
    out.extend([sum(|block| block.timestamp_delta), compressed.into()]);
    out
}

/// `WRITE_CORPUS=true` writes the seeds anew.
#[test]
fn seeds() {
    let mut seeds: Vec<(&str, Vec<u8>)> =
        vec![("content", Vec::new()), ("blob", vec![0; 2]), ("derive", vec![0; 16])];
    for (blocks, transactions) in [(1, 0), (1, 1), (2, 3), (6, 0), (3, 12), (6, 5), (40, 1)] {
        let content = batch(blocks, transactions);
        let columns = content.columns(42_424).unwrap();
        let encoded = content.encode(42_424).unwrap();
        // Batches of `derive` have at most 6 blocks; more are void.
        for (start, rest) in [(fitting(&content, false), &columns), (fitting(&content, true), &encoded)] {
            let seed = [&start[..], &rest[..]].concat();
            assert_eq!(checks::derive(&seed), blocks <= 6, "{blocks} blocks of {transactions}");
            seeds.push(("derive", seed));
        }
        seeds.push(("blob", [&[blocks as u8, transactions as u8][..], &encoded[..]].concat()));
        seeds.extend([("content", columns), ("content", encoded)]);
    }
    // The largest numbers in each column of a block.
    let most = [255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
    for column in 0..3 {
        let mut columns = vec![1];
        for at in 0..3 {
            if at == column {
                columns.extend(most)
            } else {
                columns.push(0)
            };
        }
        columns.push(0);
        let start = fitting(&batch(1, 0), false);
        seeds.push(("derive", [&start[..], &columns[..]].concat()));
        seeds.push(("content", columns));
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
            // Whether it is valid was looked at above.
            _ => _ = checks::derive(seed),
        }
    }
}
