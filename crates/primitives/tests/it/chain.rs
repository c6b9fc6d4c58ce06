//! Configuration, genesis and block helpers.

use std::collections::BTreeMap;

use alloy_consensus::constants::{EMPTY_WITHDRAWALS, KECCAK_EMPTY};
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{Address, B256, Bytes, U256};
use duplex_primitives::{
    Block, BlockBody, ChainConfig, Genesis, GenesisAccount, Header, L2Extra, OutputRoot, RecoveredBlock,
    Rules,
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use crate::strategies::{deposit, legacy};

proptest! {
    #[test]
    fn l2_extra_round_trips(anchor_number in any::<u64>(), message_count in any::<u64>()) {
        let extra = L2Extra { anchor_number, message_count };
        let bytes = extra.encode();
        prop_assert_eq!(&bytes[..], &[anchor_number.to_be_bytes(), message_count.to_be_bytes()].concat()[..]);
        prop_assert_eq!(L2Extra::decode(&bytes), Some(extra));
    }

    #[test]
    fn l2_extra_has_sixteen_bytes(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        prop_assert_eq!(L2Extra::decode(&bytes).is_some(), bytes.len() == 16);
    }
}

fn genesis(config: ChainConfig) -> Genesis {
    Genesis {
        config,
        timestamp: 1_800_000_000,
        anchor_number: 77,
        anchor_hash: B256::repeat_byte(7),
        alloc: BTreeMap::from([(
            Address::repeat_byte(1),
            GenesisAccount {
                balance: U256::from(5),
                nonce: 3,
                code: Bytes::from_static(&[0xfe]),
                storage: BTreeMap::from([(B256::ZERO, B256::repeat_byte(2))]),
            },
        )]),
        header: None,
    }
}

#[test]
fn genesis_header_of_l2() {
    let genesis = genesis(ChainConfig::l2_dev(901));
    let header = genesis.header(B256::repeat_byte(1), B256::repeat_byte(2));
    let expected = Header {
        state_root: B256::repeat_byte(1),
        withdrawals_root: Some(B256::repeat_byte(2)),
        parent_beacon_block_root: Some(genesis.anchor_hash),
        extra_data: L2Extra { anchor_number: 77, message_count: 0 }.encode(),
        timestamp: genesis.timestamp,
        gas_limit: genesis.config.gas_limit,
        base_fee_per_gas: Some(genesis.config.base_fee.min),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Default::default()
    };
    assert_eq!(header, expected);
    let output = OutputRoot::of(&header, header.hash_slow());
    assert_eq!((output.state_root, output.message_passer_root), (B256::repeat_byte(1), B256::repeat_byte(2)));
    assert_eq!(output.block_hash, header.hash_slow());
}

#[test]
fn genesis_header_of_l1() {
    let genesis = genesis(ChainConfig::l1_dev(900));
    let header = genesis.header(B256::repeat_byte(1), B256::repeat_byte(2));
    assert_eq!(header.withdrawals_root, Some(EMPTY_WITHDRAWALS));
    assert_eq!(header.parent_beacon_block_root, Some(B256::ZERO));
    assert_eq!(genesis.config.rules, Rules::L1);
    assert!(!genesis.config.is_l2());
}

#[test]
fn genesis_made_elsewhere_keeps_its_header() {
    let header = Header {
        number: 0,
        gas_limit: 5000,
        extra_data: Bytes::from_static(b"mainnet"),
        ..Default::default()
    };
    let genesis = Genesis { header: Some(header.clone()), ..genesis(ChainConfig::l1_dev(1)) };
    assert_eq!(genesis.header(KECCAK_EMPTY, B256::ZERO), Header { state_root: KECCAK_EMPTY, ..header });
}

#[test]
fn genesis_json_round_trips() {
    for config in [ChainConfig::l1_dev(u64::MAX), ChainConfig::l2_dev(901)] {
        let genesis = genesis(config);
        let json = serde_json::to_string(&genesis).unwrap();
        assert_eq!(serde_json::from_str::<Genesis>(&json).unwrap(), genesis);
    }
}

#[test]
fn blocks_are_recovered_whole_or_not_at_all() {
    let mut runner = TestRunner::deterministic();
    let deposit = deposit().new_tree(&mut runner).unwrap().current();
    let block = |transactions| Block {
        header: Header { number: 4, ..Default::default() },
        body: BlockBody { transactions, ..Default::default() },
    };
    let recovered = RecoveredBlock::recover(block(vec![deposit.clone()])).unwrap();
    assert_eq!(recovered.hash, recovered.block.header.hash_slow());
    assert_eq!(recovered.senders, [deposit.as_deposit().unwrap().from]);

    let unsigned = std::iter::repeat_with(|| legacy().new_tree(&mut runner).unwrap().current())
        .find(|transaction| transaction.sender().is_none())
        .unwrap();
    assert_eq!(RecoveredBlock::recover(block(vec![deposit, unsigned])), None);
}
