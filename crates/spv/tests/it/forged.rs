//! Proofs with something changed: none of them holds.

use alloy_primitives::{B256, Bytes, Log, LogData, U256};
use duplex_primitives::Header;
use duplex_spv::{Block, ItemProof, OrderedTrie, Outcome, Proof, Receipt};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::contract::{Contract, Said};

/// A block of receipts of random lengths.
fn block(lengths: &[usize]) -> Block {
    let receipts: Vec<Bytes> = lengths
        .iter()
        .enumerate()
        .map(|(i, length)| {
            let data = LogData::new_unchecked(vec![B256::from(U256::from(i))], vec![7; *length].into());
            let log = Log { address: Default::default(), data };
            Receipt::new((i % 5) as u8, Outcome::Success, 21_000 * i as u64, vec![log]).encode()
        })
        .collect();
    // Not transactions, but the trie does not care.
    let transactions: Vec<Bytes> = lengths.iter().map(|length| vec![3; *length + 40].into()).collect();
    let header = Header {
        transactions_root: OrderedTrie::new(&transactions).root(),
        receipts_root: OrderedTrie::new(&receipts).root(),
        ..Default::default()
    };
    Block::new(header, transactions, receipts).unwrap()
}

fn item(proof: &mut Proof) -> &mut ItemProof {
    match proof {
        Proof::Receipt(item) | Proof::Transaction(item) => item,
        Proof::Storage(_) => panic!("no item"),
    }
}

proptest! {
    #[test]
    fn receipts_are_proved_and_nothing_else(
        lengths in vec(0..300usize, 1..400),
        at in any::<Index>(),
        node in any::<Index>(),
        byte in any::<Index>(),
        flip in 1..=255u8,
    ) {
        let block = block(&lengths);
        let index = at.index(lengths.len());
        let good = block.prove_receipt(index).unwrap();
        prop_assert!(good.check().is_ok());
        let mut contract = Contract::new();
        let truth = Said::Yes(block.hash(), block.receipts()[index].clone());
        prop_assert_eq!(contract.check(&good), truth.clone());
        // Refused by both.
        let mut changed = |change: &dyn Fn(&mut ItemProof)| {
            let mut proof = good.clone();
            change(item(&mut proof));
            let said = contract.check(&proof);
            // The contract is not given the value: it says it.
            let expected = match &proof {
                Proof::Receipt(item) if item.value != block.receipts()[index] => truth.clone(),
                _ => Said::No,
            };
            match said == expected {
                true => proof.check().map(|_| ()),
                false => Ok(()),
            }
        };
        // A byte of a node, of the value, of the header.
        let refused = changed(&|item| {
            let at = node.index(item.proof.len());
            let mut bytes = item.proof[at].to_vec();
            let place = byte.index(bytes.len());
            bytes[place] ^= flip;
            item.proof[at] = bytes.into();
        });
        prop_assert!(refused.is_err());
        let refused = changed(&|item| {
            let mut bytes = item.value.to_vec();
            let place = byte.index(bytes.len());
            bytes[place] ^= flip;
            item.value = bytes.into();
        });
        prop_assert!(refused.is_err());
        // Nodes that are missing, twice, in another order; one more.
        let without = changed(&|item| { item.proof.remove(node.index(item.proof.len())); });
        prop_assert!(without.is_err());
        let twice = changed(&|item| {
            let at = node.index(item.proof.len());
            item.proof.insert(at, item.proof[at].clone());
        });
        prop_assert!(twice.is_err());
        let more = changed(&|item| item.proof.push(Bytes::from_static(&[0xc0])));
        prop_assert!(more.is_err());
        // Of another index, of a list of another kind.
        for other in [index + 1, index + 128, index + 256, usize::MAX] {
            let refused = changed(&|item| item.index = other as u64);
            prop_assert!(refused.is_err());
        }
        let Proof::Receipt(same) = good.clone() else { unreachable!() };
        prop_assert!(Proof::Transaction(same.clone()).check().is_err());
        prop_assert_eq!(Contract::new().check(&Proof::Transaction(same)), Said::No);
        // A header with something after it.
        let longer = changed(&|item| item.header = [&item.header[..], &[0]].concat().into());
        prop_assert!(longer.is_err());
    }

    #[test]
    fn files_are_what_was_written(lengths in vec(0..300usize, 1..20), at in any::<Index>()) {
        let block = block(&lengths);
        let proof = block.prove_receipt(at.index(lengths.len())).unwrap();
        let text = serde_json::to_string(&proof).unwrap();
        prop_assert_eq!(serde_json::from_str::<Proof>(&text).unwrap(), proof);
    }
}

#[test]
fn a_node_is_no_value() {
    // A branch's bytes, given as the value that they are not: 64 bytes of two hashes look like none.
    let block = block(&[10; 40]);
    let mut proof = block.prove_receipt(5).unwrap();
    let inner = item(&mut proof).proof[1].clone();
    let short = item(&mut proof);
    short.proof.truncate(1);
    short.value = inner;
    assert!(proof.check().is_err());
}

#[test]
fn blocks_whose_parts_are_not_of_each_other_are_refused() {
    let good = block(&[1, 2, 3]);
    let (header, transactions, receipts) =
        (good.header().clone(), good.transactions().to_vec(), good.receipts().to_vec());
    assert!(Block::new(header.clone(), transactions.clone(), receipts.clone()).is_ok());
    assert!(Block::new(header.clone(), receipts.clone(), receipts.clone()).is_err());
    assert!(Block::new(header.clone(), transactions.clone(), transactions.clone()).is_err());
    assert!(Block::new(header, transactions[..2].to_vec(), receipts).is_err());
}
