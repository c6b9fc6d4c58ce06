//! Proofs of accounts and slots against a plain model: maps.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_trie::{HashBuilder, Nibbles, TrieAccount, proof::ProofRetainer};
use duplex_primitives::Header;
use duplex_spv::{Proof, SlotProof, StorageProof, What};
use proptest::{collection::btree_map, prelude::*, sample::Index};

use crate::contract::{Contract, Said};

/// A trie whose keys are hashes; gives its root and the proof of one key, present or not.
fn trie(entries: &BTreeMap<B256, Vec<u8>>, key: B256) -> (B256, Vec<Bytes>) {
    let target = Nibbles::unpack(key);
    let mut builder = HashBuilder::default().with_proof_retainer(ProofRetainer::new(vec![target]));
    for (key, value) in entries {
        builder.add_leaf(Nibbles::unpack(key), value);
    }
    let root = builder.root();
    let nodes = builder.take_proof_nodes().matching_nodes_sorted(&target);
    (root, nodes.into_iter().map(|(_, node)| node).collect())
}

fn slot(number: u64) -> B256 {
    U256::from(number).into()
}

/// A state of accounts that all have these slots, and the proof of one slot of one account.
fn prove(slots: &BTreeMap<u64, U256>, accounts: u64, who: u64, which: u64) -> Proof {
    let address = |number: u64| Address::left_padding_from(&number.to_be_bytes());
    let entries = slots.iter().filter(|(_, value)| !value.is_zero());
    let entries = entries.map(|(key, value)| (keccak256(slot(*key)), alloy_rlp::encode(value))).collect();
    let (storage_root, proof) = trie(&entries, keccak256(slot(which)));
    let account = TrieAccount { nonce: 1, balance: U256::from(7), storage_root, code_hash: KECCAK256_EMPTY };
    let state = (0..accounts).map(|i| (keccak256(address(i)), alloy_rlp::encode(account))).collect();
    let (state_root, account_proof) = trie(&state, keccak256(address(who)));
    let header = Header { state_root, ..Default::default() };
    let there = who < accounts;
    let value = slots.get(&which).copied().filter(|_| there).unwrap_or_default();
    // Of an account that is not there, no slot needs a proof.
    let proof = if there { proof } else { Vec::new() };
    Proof::Storage(StorageProof {
        header: alloy_rlp::encode(&header).into(),
        address: address(who),
        account: there.then_some(account),
        account_proof,
        slots: vec![SlotProof { slot: slot(which), value, proof }],
    })
}

fn storage(proof: &mut Proof) -> &mut StorageProof {
    match proof {
        Proof::Storage(storage) => storage,
        _ => panic!("no storage"),
    }
}

proptest! {
    #[test]
    fn slots_are_what_the_map_says(
        slots in btree_map(0..500u64, prop_oneof![Just(U256::ZERO), any::<u64>().prop_map(U256::from)], 0..300),
        accounts in 1..200u64,
        who in 0..220u64,
        which in 0..520u64,
        node in any::<Index>(),
        byte in any::<Index>(),
        flip in 1..=255u8,
    ) {
        let good = prove(&slots, accounts, who, which);
        let mut contract = Contract::new();
        let proven = good.check().unwrap();
        let What::Account { account, slots: shown, .. } = proven.what else { unreachable!() };
        prop_assert_eq!(account.is_some(), who < accounts);
        let value = slots.get(&which).copied().filter(|_| who < accounts).unwrap_or_default();
        prop_assert_eq!(shown, [(slot(which), value)]);
        // The contract shows only what is there.
        let word = Bytes::copy_from_slice(&value.to_be_bytes::<32>());
        let truth = if value.is_zero() { Said::No } else { Said::Yes(proven.block_hash, word) };
        prop_assert_eq!(contract.check(&good), truth.clone());

        let mut refused = |change: &dyn Fn(&mut StorageProof)| {
            let mut proof = good.clone();
            change(storage(&mut proof));
            // Saying another value changes nothing for the contract, which is not told.
            (proof.check().is_err(), contract.check(&proof))
        };
        let (wrong, said) = refused(&|storage| storage.slots[0].value += U256::from(1));
        prop_assert!(wrong && said == truth);
        if !value.is_zero() {
            // That nothing is there where something is: also with a proof that is cut off.
            for length in 0..=2 {
                let (wrong, said) = refused(&|storage| {
                    storage.slots[0].value = U256::ZERO;
                    storage.slots[0].proof.truncate(length);
                });
                prop_assert!(wrong, "{length}");
                prop_assert!(said == Said::No || said == truth);
            }
            let (wrong, _) = refused(&|storage| {
                (storage.account, storage.slots[0].value) = (None, U256::ZERO);
            });
            prop_assert!(wrong);
            let (wrong, said) = refused(&|storage| storage.slots[0].slot = slot(which + 1000));
            prop_assert!(wrong && said == Said::No);
            let (wrong, said) = refused(&|storage| storage.address = Address::repeat_byte(0xee));
            prop_assert!(wrong && said == Said::No);
        }
        let (wrong, said) = refused(&|storage| {
            let at = node.index(storage.account_proof.len());
            let mut bytes = storage.account_proof[at].to_vec();
            let place = byte.index(bytes.len());
            bytes[place] ^= flip;
            storage.account_proof[at] = bytes.into();
        });
        prop_assert!(wrong && said == Said::No);
        let (wrong, said) = refused(&|storage| {
            if let Some(account) = &mut storage.account {
                account.storage_root.0[31] ^= 1;
            } else {
                storage.account = Some(TrieAccount::default());
            }
        });
        prop_assert!(wrong && (said == truth || said == Said::No));
    }
}
