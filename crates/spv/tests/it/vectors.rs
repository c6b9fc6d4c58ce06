//! Proofs as long as those of Ethereum, for the contract's tests and its gas: `contracts/test/proof-vectors.json`.

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, Log, LogData, U256, keccak256};
use alloy_rlp::{Encodable, Header as Rlp};
use alloy_trie::TrieAccount;
use duplex_primitives::Header;
use duplex_spv::{Block, OrderedTrie, Outcome, Proof, Receipt, SlotProof, StorageProof};
use serde_json::{Value, json};

use crate::contract::{Contract, Said};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/test/proof-vectors.json");

/// Bytes that look random and are the same in every run.
fn noise(seed: u64, length: usize) -> Bytes {
    let words = (0..length.div_ceil(32) as u64)
        .flat_map(|i| keccak256(U256::from(seed << 32 | i).to_be_bytes::<32>()));
    words.take(length).collect::<Vec<u8>>().into()
}

fn word(seed: u64) -> B256 {
    B256::from_slice(&noise(seed, 32))
}

/// A header with every field that Ethereum's have now, of the length that they have.
fn header(change: impl FnOnce(&mut Header)) -> Header {
    let mut header = Header {
        parent_hash: word(1),
        beneficiary: Address::from_slice(&noise(2, 20)),
        logs_bloom: alloy_primitives::Bloom::from_slice(&noise(3, 256)),
        state_root: word(4),
        transactions_root: word(5),
        receipts_root: word(6),
        number: 23_000_000,
        gas_limit: 60_000_000,
        gas_used: 31_234_567,
        timestamp: 1_790_000_000,
        extra_data: noise(7, 20),
        mix_hash: word(8),
        base_fee_per_gas: Some(1_234_567_890),
        withdrawals_root: Some(word(9)),
        blob_gas_used: Some(6 << 17),
        excess_blob_gas: Some(1 << 24),
        parent_beacon_block_root: Some(word(10)),
        requests_hash: Some(word(11)),
        ..Default::default()
    };
    change(&mut header);
    header
}

/// A block with so many transactions, each with one event of three topics and `data` bytes.
fn block(count: u64, data: usize) -> Block {
    let receipts: Vec<Bytes> = (0..count)
        .map(|i| {
            let topics = vec![word(100 + i), word(200 + i), word(300 + i)];
            let data = LogData::new_unchecked(topics, noise(400 + i, data));
            let log = Log { address: Address::from_slice(&noise(500 + i, 20)), data };
            Receipt::new(2, Outcome::Success, 150_000 * (i + 1), vec![log]).encode()
        })
        .collect();
    let transactions: Vec<Bytes> =
        (0..count).map(|i| [&[0x50], &noise(600 + i, 180)[..]].concat().into()).collect();
    let header = header(|header| {
        header.receipts_root = OrderedTrie::new(&receipts).root();
        header.transactions_root = OrderedTrie::new(&transactions).root();
    });
    Block::new(header, transactions, receipts).unwrap()
}

fn list(fields: &[u8]) -> Bytes {
    let mut out = Vec::new();
    Rlp { list: true, payload_length: fields.len() }.encode(&mut out);
    out.extend(fields);
    out.into()
}

/// The nodes of a trie so large that `depth` full branches lead to this leaf, and its root.
fn deep(key: B256, value: &[u8], depth: usize) -> (B256, Vec<Bytes>) {
    let nibble = |i: usize| key[i / 2] >> (if i.is_multiple_of(2) { 4 } else { 0 }) & 0xf;
    // The compact form of what is left of the path (Yellow Paper, appendix C).
    let odd = (64 - depth) % 2 == 1;
    let mut path = vec![if odd { 0x30 | nibble(depth) } else { 0x20 }];
    path.extend((depth + usize::from(odd)..64).step_by(2).map(|i| nibble(i) << 4 | nibble(i + 1)));
    let mut fields = Vec::new();
    path[..].encode(&mut fields);
    value.encode(&mut fields);
    let mut nodes = vec![list(&fields)];
    for level in (0..depth).rev() {
        let child = keccak256(nodes.last().unwrap());
        let mut fields = Vec::new();
        for i in 0..16 {
            let hash = if i == nibble(level) { child } else { word((1000 * level) as u64 + u64::from(i)) };
            hash.encode(&mut fields);
        }
        fields.push(0x80);
        nodes.push(list(&fields));
    }
    nodes.reverse();
    (keccak256(&nodes[0]), nodes)
}

/// A slot, with so many full branches above the account and above the slot.
fn slot(accounts: usize, slots: usize) -> Proof {
    let (address, slot, value) =
        (Address::from_slice(&noise(12, 20)), word(13), U256::from_be_bytes(word(14).0));
    let (storage_root, proof) = deep(keccak256(slot), &alloy_rlp::encode(value), slots);
    let account = TrieAccount { nonce: 1, balance: U256::from(5), storage_root, code_hash: KECCAK256_EMPTY };
    let (state_root, account_proof) = deep(keccak256(address), &alloy_rlp::encode(account), accounts);
    Proof::Storage(StorageProof {
        header: alloy_rlp::encode(header(|header| header.state_root = state_root)).into(),
        address,
        account: Some(account),
        account_proof,
        slots: vec![SlotProof { slot, value, proof }],
    })
}

fn vectors() -> Vec<(&'static str, Proof)> {
    let (one, full) = (block(1, 480), block(250, 480));
    vec![
        ("transaction, one of 250", full.prove_transaction(200).unwrap()),
        ("receipt, alone in its block", one.prove_receipt(0).unwrap()),
        ("receipt, one of 250", full.prove_receipt(200).unwrap()),
        // A devnet's: hundreds of accounts, a dozen slots.
        ("slot, 3 and 2 nodes deep", slot(2, 1)),
        // Ethereum's: hundreds of millions, ten thousand.
        ("slot, 8 and 5 nodes deep", slot(7, 4)),
    ]
}

fn write(name: &str, proof: &Proof) -> Value {
    let (hash, number) = (keccak256(proof.header()), proof.check().unwrap().block_number);
    let empty = Vec::<Bytes>::new;
    match proof {
        Proof::Transaction(item) | Proof::Receipt(item) => json!({
            "name": name, "kind": if matches!(proof, Proof::Receipt(_)) { "receipt" } else { "transaction" },
            "blockHash": hash, "number": number, "header": item.header, "index": item.index, "value": item.value,
            "proof": item.proof, "account": Address::ZERO, "slotProof": empty(), "slot": B256::ZERO,
        }),
        Proof::Storage(storage) => json!({
            "name": name, "kind": "slot", "blockHash": hash, "number": number, "header": storage.header, "index": 0,
            "value": B256::from(storage.slots[0].value),
            "proof": storage.account_proof, "account": storage.address, "slotProof": storage.slots[0].proof,
            "slot": storage.slots[0].slot,
        }),
    }
}

#[test]
fn the_contracts_vectors_are_these() {
    let (vectors, mut contract) = (vectors(), Contract::new());
    for (name, proof) in &vectors {
        assert!(matches!(contract.check(proof), Said::Yes(..)), "{name}");
    }
    let lines: Vec<String> =
        vectors.iter().map(|(name, proof)| format!("  {}", write(name, proof))).collect();
    let text = format!("[\n{}\n]\n", lines.join(",\n"));
    if std::env::var_os("WRITE_VECTORS").is_some() {
        std::fs::write(FILE, &text).unwrap();
    }
    let there = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(there == text, "{FILE} differs; write it anew with WRITE_VECTORS=true");
}
