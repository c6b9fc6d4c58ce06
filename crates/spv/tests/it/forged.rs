//! Proofs with something changed: none of them holds.

use alloy_primitives::{B256, Bytes, Log, LogData, U256, keccak256};
use alloy_rlp::Encodable;
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

proptest! {
    #[test]
    fn short_nodes_are_within_others(lengths in vec(1..40usize, 1..300), at in any::<Index>()) {
        let items: Vec<Bytes> = lengths.iter().map(|length| vec![0x50; *length].into()).collect();
        let trie = OrderedTrie::new(&items);
        let header = Header { transactions_root: trie.root(), ..Default::default() };
        let index = at.index(items.len());
        let all = trie.proof(index);
        // As geth gives it, and with every node.
        let hashed = all.iter().enumerate().filter(|(i, node)| *i == 0 || node.len() >= 32);
        let hashed: Vec<Bytes> = hashed.map(|(_, node)| node.clone()).collect();
        for proof in [all, hashed] {
            let value = items[index].clone();
            let header = alloy_rlp::encode(&header).into();
            let proof = Proof::Transaction(ItemProof { header, index: index as u64, value, proof });
            prop_assert!(proof.check().is_ok(), "{:?}", proof.check());
            let said = Contract::new().check(&proof);
            prop_assert_eq!(said, Said::Yes(proof.check().unwrap().block_hash, items[index].clone()));
        }
    }

    #[test]
    fn any_nodes_are_walked_to_an_end(
        nodes in vec(vec(prop_oneof![3 => any::<u8>(), 1 => Just(0x80), 1 => Just(0xc0), 1 => Just(0xa0)], 0..80), 0..5),
        index in any::<u64>(),
    ) {
        // Each is bound to the one before where it has room for a hash.
        let mut proof: Vec<Bytes> = Vec::new();
        for node in nodes.into_iter().rev() {
            let mut node = node;
            if let Some(next) = proof.first() {
                node.extend_from_slice(&[&[0xa0], &keccak256(next)[..]].concat());
                let mut list = Vec::new();
                alloy_rlp::Header { list: true, payload_length: node.len() }.encode(&mut list);
                list.extend(node);
                node = list;
            }
            proof.insert(0, node.into());
        }
        let root = proof.first().map_or(B256::ZERO, keccak256);
        let header = Header { transactions_root: root, receipts_root: root, state_root: root, ..Default::default() };
        let header: Bytes = alloy_rlp::encode(&header).into();
        let item = ItemProof { header, index, value: Bytes::from_static(&[1]), proof };
        let _ = Proof::Transaction(item.clone()).check();
        prop_assert!(Proof::Receipt(item).check().is_err());
    }
}

/// An extension: its packed path, and its child.
fn extension(path: &[u8], child: B256) -> Bytes {
    let mut fields = Vec::new();
    path.encode(&mut fields);
    child.encode(&mut fields);
    let mut node = Vec::new();
    alloy_rlp::Header { list: true, payload_length: fields.len() }.encode(&mut node);
    [node, fields].concat().into()
}

#[test]
fn paths_longer_than_any_key_are_refused() {
    let leaf = extension(&[0x20], B256::repeat_byte(1));
    // 64 nibbles, then more; and at once more than 64.
    for stretch in [1, 32, 33, 100, 4000] {
        let path = [&[0x00], &vec![0; stretch][..]].concat();
        let below = extension(&path, keccak256(&leaf));
        let above = extension(&path, keccak256(&below));
        let root = keccak256(&above);
        let header = Header { state_root: root, receipts_root: root, ..Default::default() };
        let header: Bytes = alloy_rlp::encode(&header).into();
        let nodes = vec![above, below, leaf.clone()];
        let item = ItemProof { header, index: 0, value: Bytes::from_static(&[1]), proof: nodes };
        assert!(Proof::Receipt(item.clone()).check().is_err());
        assert_eq!(Contract::new().check(&Proof::Receipt(item)), Said::No);
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
