//! The Solidity twins: `contracts/test/vectors.json` is written by the contracts' own tests.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use duplex_primitives::{
    BatchHeader, L1Message, OutputRoot, Withdrawal, alias_l1_address, data_root, merkle_root,
    messages_accumulator, predeploys,
};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Vectors {
    aliases: Vec<Alias>,
    messages: Vec<Message>,
    data_roots: Vec<DataRoot>,
    batches: Vec<Batch>,
    #[serde(rename = "claims")]
    _claims: serde::de::IgnoredAny, // `ClaimContent` in crates/contracts
    withdrawals: Vec<Sent>,
    output_roots: Vec<Output>,
    tokens: Vec<Token>,
}

#[derive(Deserialize)]
struct Alias {
    l1: Address,
    l2: Address,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    from: Address,
    target: Address,
    mint: U256,
    value: U256,
    gas_limit: u64,
    data: Bytes,
    hash: B256,
    acc: B256,
}

#[derive(Deserialize)]
struct DataRoot {
    length: usize,
    root: B256,
}

#[derive(Deserialize)]
struct Batch {
    #[serde(flatten)]
    header: BatchHeader,
    hash: B256,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    nonce: U256,
    sender: Address,
    target: Address,
    value: U256,
    gas_limit: U256,
    data: Bytes,
    hash: B256,
    slot: B256,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    version: B256,
    state_root: B256,
    message_passer_storage_root: B256,
    latest_blockhash: B256,
    output_root: B256,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    l1_token: Address,
    l2_token: Address,
}

fn vectors() -> Vectors {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/test/vectors.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn aliases() {
    let aliases = vectors().aliases;
    assert_eq!(aliases.len(), 3);
    for Alias { l1, l2 } in aliases {
        assert_eq!(alias_l1_address(l1), l2);
    }
}

#[test]
fn messages() {
    let mut messages = Vec::new();
    for (index, vector) in (0..).zip(vectors().messages) {
        let message = L1Message {
            index,
            from: vector.from,
            target: vector.target,
            mint: vector.mint,
            value: vector.value,
            gas_limit: vector.gas_limit,
            data: vector.data,
            l1_block: 0,
            accumulator: vector.acc,
        };
        assert_eq!(message.hash(), vector.hash);
        messages.push(message);
        assert_eq!(messages_accumulator(B256::ZERO, &messages), vector.acc);
    }
    assert_eq!(messages.len(), 5);
    // The accumulator can be taken up anywhere.
    let middle = messages[1].accumulator;
    assert_eq!(messages_accumulator(middle, &messages[2..]), messages[4].accumulator);
    assert_eq!(messages_accumulator(middle, []), middle);
}

#[test]
fn data_roots() {
    let roots = vectors().data_roots;
    assert_eq!(roots.len(), 8);
    for DataRoot { length, root } in roots {
        let data: Vec<u8> = (0..length).map(|i| (i * 31 + 7) as u8).collect();
        assert_eq!(data_root(&data), root, "{length} bytes");
    }
}

#[test]
fn batch_hashes() {
    let batches = vectors().batches;
    assert_eq!(batches.len(), 3);
    for Batch { header, hash } in &batches {
        assert_eq!(header.hash(), *hash);
    }
    assert_eq!(batches[1].header.parentHash, batches[0].hash);
}

#[test]
fn withdrawals() {
    let withdrawals = vectors().withdrawals;
    assert_eq!(withdrawals.len(), 3);
    for vector in withdrawals {
        let withdrawal = Withdrawal {
            nonce: vector.nonce,
            sender: vector.sender,
            target: vector.target,
            value: vector.value,
            gasLimit: vector.gas_limit,
            data: vector.data,
        };
        assert_eq!(withdrawal.hash(), vector.hash);
        assert_eq!(withdrawal.storage_slot(), vector.slot);
    }
}

#[test]
fn output_roots() {
    let outputs = vectors().output_roots;
    assert_eq!(outputs.len(), 2);
    for vector in outputs {
        assert!(vector.version.is_zero(), "the only version");
        let output = OutputRoot {
            state_root: vector.state_root,
            message_passer_root: vector.message_passer_storage_root,
            block_hash: vector.latest_blockhash,
        };
        assert_eq!(output.hash(), vector.output_root);
    }
}

/// Bridged tokens are EIP-1167 clones by CREATE2; this also proves the two predeploy addresses.
#[test]
fn token_addresses() {
    let tokens = vectors().tokens;
    assert_eq!(tokens.len(), 3);
    let mut init = alloy_primitives::hex!("3d602d80600a3d3981f3363d3d373d3d3d363d73").to_vec();
    init.extend_from_slice(predeploys::BRIDGED_TOKEN.as_slice());
    init.extend_from_slice(&alloy_primitives::hex!("5af43d82803e903d91602b57fd5bf3"));
    for Token { l1_token, l2_token } in tokens {
        let created = predeploys::BRIDGED_TOKEN_FACTORY.create2(l1_token.into_word(), keccak256(&init));
        assert_eq!(created, l2_token);
    }
}

/// The tree by recursion: the left part holds the largest power of two below the whole.
fn tree(leaves: &[B256]) -> B256 {
    match leaves {
        [] => B256::ZERO,
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            keccak256([&[1u8][..], tree(left).as_slice(), tree(right).as_slice()].concat())
        }
    }
}

fn words(range: std::ops::Range<usize>) -> impl Strategy<Value = Vec<B256>> {
    prop::collection::vec(any::<[u8; 32]>().prop_map(B256::from), range)
}

proptest! {
    #[test]
    fn merkle_root_is_the_recursive_tree(leaves in words(0..70)) {
        prop_assert_eq!(merkle_root(leaves.clone()), tree(&leaves));
    }

    #[test]
    fn data_root_is_the_tree_over_chunks(data in prop::collection::vec(any::<u8>(), 0..20_000)) {
        let length = (data.len() as u64).to_be_bytes();
        let leaves: Vec<B256> =
            data.chunks(4096).map(|chunk| keccak256([&[0u8][..], &length, chunk].concat())).collect();
        prop_assert_eq!(data_root(&data), tree(&leaves));
    }

    /// Neither a prefix nor zeros appended give the root of other data.
    #[test]
    fn data_root_binds_the_length(data in prop::collection::vec(any::<u8>(), 1..9000), cut in 1usize..9000) {
        let mut longer = data.clone();
        longer.resize(data.len() + cut, 0);
        prop_assert_ne!(data_root(&data), data_root(&longer));
        prop_assert_ne!(data_root(&data), data_root(&data[..data.len() - cut.min(data.len())]));
    }

    #[test]
    fn aliases_wrap_around(bytes in any::<[u8; 20]>()) {
        let modulus = U256::from(1) << 160;
        let offset = U256::from_str_radix("1111000000000000000000000000000000001111", 16).unwrap();
        let sum = (U256::from_be_slice(&bytes) + offset) % modulus;
        let alias = alias_l1_address(Address::from(bytes));
        prop_assert_eq!(U256::from_be_slice(alias.as_slice()), sum);
    }
}
