//! Every transaction and receipt of real Ethereum blocks.
//!
//! The blocks lie in `mainnet-blocks` of the folder that `DUPLEX_DATA` names (`cargo xtask test --data`).

use std::{collections::BTreeSet, path::PathBuf};

use alloy_primitives::U256;
use duplex_contracts::bindings::IProofReader;
use duplex_spv::{Block, Outcome, Proof, What, read_block};

use crate::contract::{Contract, Said};

/// The blocks, or nothing where they are not.
pub(crate) fn blocks() -> Vec<Block> {
    let Some(data) = std::env::var_os("DUPLEX_DATA").map(PathBuf::from) else {
        println!("skipped: DUPLEX_DATA names no folder with mainnet-blocks");
        return Vec::new();
    };
    let folder = data.join("mainnet-blocks");
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut blocks = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        let block = read_block(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(path.to_string_lossy().contains(&block.header().number.to_string()));
        blocks.push(block);
    }
    assert!(!blocks.is_empty());
    blocks
}

#[test]
fn every_transaction_and_receipt_is_proved() {
    let mut types = BTreeSet::new();
    let (blocks, mut contract) = (blocks(), Contract::new());
    let (mut items, mut logs) = (0, 0);
    for block in &blocks {
        for index in 0..block.transactions().len() {
            let proof = block.prove_transaction(index).unwrap();
            assert_eq!(contract.check(&proof), Said::Yes(block.hash(), block.transactions()[index].clone()));
            let proven = proof.check().unwrap();
            assert_eq!((proven.block_hash, proven.block_number), (block.hash(), block.header().number));
            let What::Transaction { hash, tx_type, .. } = proven.what else { panic!() };
            assert_eq!(block.index_of(hash), Some(index));
            types.insert(tx_type);
            let proof = block.prove_receipt(index).unwrap();
            assert_eq!(contract.check(&proof), Said::Yes(block.hash(), block.receipts()[index].clone()));
            let What::Receipt { receipt, .. } = proof.check().unwrap().what else { panic!() };
            assert_eq!(receipt.tx_type, tx_type);
            assert_eq!(receipt.encode(), block.receipts()[index]);
            let Proof::Receipt(item) = proof else { panic!() };
            let mut call = IProofReader::logCall {
                header: item.header,
                index: U256::from(index),
                proof: item.proof,
                logIndex: U256::from(receipt.logs.len()),
            };
            assert!(contract.call(&call).is_none(), "one event more than there are");
            for (i, log) in receipt.logs.iter().enumerate() {
                call.logIndex = U256::from(i);
                let said = contract.call(&call).unwrap();
                assert_eq!((said.blockHash, said.emitter), (block.hash(), log.address));
                assert_eq!((said.topics, said.data), (log.topics().to_vec(), log.data.data.clone()));
                assert_eq!(said.success, receipt.outcome == Outcome::Success);
                logs += 1;
            }
            items += 2;
        }
        let count = block.transactions().len();
        assert!(block.prove_receipt(count).is_err() && block.prove_transaction(count).is_err());
    }
    println!("{items} items, {logs} events; the dearest call took {} gas", contract.most);
    println!("types of transactions: {types:?}");
    assert!(blocks.is_empty() || types.is_superset(&BTreeSet::from([0, 2, 3])), "{types:?}");
}
