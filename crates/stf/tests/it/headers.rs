//! A valid block of each chain, and everything that can be wrong with one.

use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, EMPTY_ROOT_HASH};
use alloy_eips::{
    eip4788,
    eip4895::{Withdrawal, Withdrawals},
    eip7002, eip7251,
    eip7685::EMPTY_REQUESTS_HASH,
};
use alloy_primitives::{Address, B64, B256, Bloom, Bytes, TxKind, U256};
use duplex_primitives::{
    BaseFeeRule, Block, BlockAttributes, BlockBody, ChainConfig, Header, L2Extra, RecoveredBlock, predeploys,
    transactions_root,
};
use duplex_stf::{
    BlockError, Executor, TxError, blob_base_fee, execute_block, next_base_fee, open_header, seal_header,
    validate_header,
};

use crate::state::{ALICE, BOB, GWEI, Missing, State, attributes, call, l2_state, parent, people, sign};

fn l1() -> ChainConfig {
    ChainConfig { gas_limit: 30_000_000, ..ChainConfig::l1_dev(900) }
}

fn l2() -> ChainConfig {
    crate::state::config()
}

fn state(config: &ChainConfig) -> State {
    if config.is_l2() {
        return l2_state();
    }
    people()
        .with(eip4788::BEACON_ROOTS_ADDRESS, 1, 0, &eip4788::BEACON_ROOTS_CODE)
        .with(
            eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
            1,
            0,
            &eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_CODE,
        )
        .with(
            eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
            1,
            0,
            &eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_CODE,
        )
}

/// A valid block with one transfer.
fn valid(config: &ChainConfig) -> RecoveredBlock {
    let withdrawals = if config.is_l2() {
        vec![]
    } else {
        vec![Withdrawal { address: BOB, amount: 1, ..Default::default() }]
    };
    let attributes = BlockAttributes { withdrawals: withdrawals.clone(), beneficiary: BOB, ..attributes() };
    let open = open_header(config, &parent(), parent().hash_slow(), &attributes);
    let mut executor = Executor::new(config, &open, state(config)).unwrap();
    let transaction = sign(call(config, 0, TxKind::Call(BOB), 1, Bytes::new()));
    executor.execute(&transaction, ALICE).unwrap();
    let outcome = executor.finish(&withdrawals).unwrap();
    let transactions = vec![transaction];
    let root = transactions_root(&transactions);
    let header = seal_header(config, open, &outcome, root, B256::repeat_byte(1), B256::repeat_byte(2));
    let body =
        BlockBody { transactions, ommers: Vec::new(), withdrawals: Some(Withdrawals::new(withdrawals)) };
    RecoveredBlock { hash: header.hash_slow(), block: Block { header, body }, senders: vec![ALICE] }
}

fn execute(config: &ChainConfig, block: &RecoveredBlock) -> Result<(), BlockError<Missing>> {
    execute_block(config, &parent(), parent().hash_slow(), block, state(config)).map(drop)
}

/// The field that a change to the valid block is refused for.
fn refused(config: &ChainConfig, change: impl Fn(&mut Block)) -> &'static str {
    let mut block = valid(config);
    change(&mut block.block);
    match execute(config, &block) {
        Err(BlockError::Header { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn valid_blocks_are_valid() {
    for config in [l1(), l2()] {
        assert_eq!(execute(&config, &valid(&config)), Ok(()));
    }
    let header = valid(&l2()).block.header;
    assert_eq!(header.beneficiary, predeploys::SEQUENCER_FEE_VAULT);
    assert_eq!(header.withdrawals_root, Some(B256::repeat_byte(2)), "the MessagePasser's storage root");
    assert_eq!(header.parent_beacon_block_root, Some(attributes().beacon_root), "the anchor's hash");
    assert_eq!(L2Extra::decode(&header.extra_data), Some(attributes().l2));
    assert_eq!(header.requests_hash, Some(EMPTY_REQUESTS_HASH));
}

/// A change to a valid block, and the field that it is refused for.
type Case = (&'static str, fn(&mut Block));

#[test]
fn every_field_is_checked() {
    let cases: &[Case] = &[
        ("parentHash", |b| b.header.parent_hash = B256::ZERO),
        ("number", |b| b.header.number += 1),
        ("number", |b| b.header.number -= 1),
        ("difficulty", |b| b.header.difficulty = U256::from(1)),
        ("nonce", |b| b.header.nonce = B64::repeat_byte(1)),
        ("sha3Uncles", |b| b.header.ommers_hash = B256::ZERO),
        ("uncles", |b| b.body.ommers.push(Header::default())),
        ("transactionsRoot", |b| b.header.transactions_root = EMPTY_ROOT_HASH),
        ("transactionsRoot", |b| b.body.transactions.clear()),
        ("timestamp", |b| b.header.timestamp = parent().timestamp - 1),
        ("baseFeePerGas", |b| b.header.base_fee_per_gas = Some(1)),
        ("baseFeePerGas", |b| b.header.base_fee_per_gas = None),
        ("excessBlobGas", |b| b.header.excess_blob_gas = Some(5)),
        ("excessBlobGas", |b| b.header.excess_blob_gas = None),
        ("optional fields", |b| b.header.parent_beacon_block_root = None),
        ("optional fields", |b| b.header.requests_hash = None),
        ("optional fields", |b| b.header.withdrawals_root = None),
        ("blockAccessListHash", |b| b.header.block_access_list_hash = Some(B256::ZERO)),
        ("slotNumber", |b| b.header.slot_number = Some(0)),
        ("gasUsed", |b| b.header.gas_used += 1),
        ("blobGasUsed", |b| b.header.blob_gas_used = Some(131_072)),
        ("blobGasUsed", |b| b.header.blob_gas_used = None),
        ("receiptsRoot", |b| b.header.receipts_root = EMPTY_ROOT_HASH),
        ("logsBloom", |b| b.header.logs_bloom = Bloom::repeat_byte(1)),
        ("requestsHash", |b| b.header.requests_hash = Some(B256::ZERO)),
        ("sha3Uncles", |b| {
            assert_eq!(b.header.ommers_hash, EMPTY_OMMER_ROOT_HASH);
            b.header.ommers_hash.0[0] ^= 1;
        }),
    ];
    for config in [l1(), l2()] {
        for (field, change) in cases {
            assert_eq!(refused(&config, change), *field);
        }
    }
}

#[test]
fn l2_fields() {
    let cases: &[Case] = &[
        ("gasLimit", |b| b.header.gas_limit -= 1),
        ("gasLimit", |b| b.header.gas_limit += 1),
        ("miner", |b| b.header.beneficiary = BOB),
        ("withdrawals", |b| b.body.withdrawals = None),
        ("withdrawals", |b| b.body.withdrawals = Some(Withdrawals::new(vec![Withdrawal::default()]))),
        ("extraData", |b| b.header.extra_data = Bytes::new()),
        ("extraData", |b| b.header.extra_data = vec![0xff; 15].into()),
        ("extraData", |b| b.header.extra_data = vec![0xff; 17].into()),
        ("extraData", |b| b.header.extra_data = L2Extra { anchor_number: 69, message_count: 3 }.encode()),
        ("extraData", |b| b.header.extra_data = L2Extra { anchor_number: 70, message_count: 2 }.encode()),
    ];
    for (field, change) in cases {
        assert_eq!(refused(&l2(), change), *field);
    }
    // Neither the anchor nor the messages have to move.
    let mut block = valid(&l2());
    block.block.header.extra_data = L2Extra { anchor_number: 70, message_count: 3 }.encode();
    assert_eq!(execute(&l2(), &block), Ok(()));
}

#[test]
fn l1_fields() {
    let cases: &[Case] = &[
        ("gasLimit", |b| b.header.gas_limit += parent().gas_limit / 1024),
        ("gasLimit", |b| b.header.gas_limit -= parent().gas_limit / 1024),
        ("extraData", |b| b.header.extra_data = vec![0; 33].into()),
        ("withdrawalsRoot", |b| b.header.withdrawals_root = Some(EMPTY_ROOT_HASH)),
        ("withdrawalsRoot", |b| b.body.withdrawals = Some(Withdrawals::default())),
        ("withdrawalsRoot", |b| b.body.withdrawals = None),
    ];
    for (field, change) in cases {
        assert_eq!(refused(&l1(), change), *field);
    }
    for edge in [
        parent().gas_limit + parent().gas_limit / 1024 - 1,
        parent().gas_limit - parent().gas_limit / 1024 + 1,
    ] {
        let mut block = valid(&l1());
        block.block.header.gas_limit = edge;
        assert_eq!(execute(&l1(), &block), Ok(()));
    }
    // The lowest gas limit, from a parent that is already there.
    let low = Header { gas_limit: 5000, ..parent() };
    let header = |gas_limit| {
        let config = ChainConfig { gas_limit, ..l1() };
        let open = open_header(&config, &low, low.hash_slow(), &attributes());
        let header = Header { gas_limit, transactions_root: EMPTY_ROOT_HASH, ..open };
        Block { header, body: BlockBody { withdrawals: Some(Withdrawals::default()), ..Default::default() } }
    };
    assert_eq!(validate_header::<Missing>(&l1(), &low, low.hash_slow(), &header(5000)), Ok(()));
    let refused = validate_header::<Missing>(&l1(), &low, low.hash_slow(), &header(4999));
    assert!(matches!(refused, Err(BlockError::Header { field: "gasLimit", .. })));
}

/// L2 seals blocks when they are full, so several may have the same second. L1 has slots.
#[test]
fn equal_timestamps() {
    let at_parent = BlockAttributes { timestamp: parent().timestamp, ..attributes() };
    for config in [l1(), l2()] {
        let open = open_header(&config, &parent(), parent().hash_slow(), &at_parent);
        let header = Header { transactions_root: EMPTY_ROOT_HASH, ..open };
        let body = BlockBody { withdrawals: Some(Withdrawals::default()), ..Default::default() };
        let result =
            validate_header::<Missing>(&config, &parent(), parent().hash_slow(), &Block { header, body });
        match config.is_l2() {
            true => assert_eq!(result, Ok(())),
            false => assert!(matches!(result, Err(BlockError::Header { field: "timestamp", .. }))),
        }
    }
}

/// EIP-7934.
#[test]
fn l1_blocks_have_a_longest() {
    let mut block = valid(&l1());
    let config = l1();
    let longest = 10_485_760 - 2_097_152;
    let fill = |bytes: usize| {
        vec![sign(alloy_consensus::TxEip1559 {
            input: vec![0; bytes].into(),
            ..call(&config, 0, TxKind::Call(BOB), 1, Bytes::new())
        })]
    };
    block.block.body.transactions = fill(longest - 2000);
    let length = alloy_rlp::Encodable::length(&block.block);
    for (extra, too_long) in [(longest - length, false), (longest - length + 1, true)] {
        block.block.body.transactions = fill(longest - 2000 + extra);
        block.block.header.transactions_root = transactions_root(&block.block.body.transactions);
        let result = validate_header::<Missing>(&config, &parent(), parent().hash_slow(), &block.block);
        assert_eq!(result, if too_long { Err(BlockError::TooLong(longest + 1)) } else { Ok(()) });
    }
}

#[test]
fn invalid_transactions_are_named() {
    let mut block = valid(&l2());
    let bad = sign(call(&l2(), 7, TxKind::Call(BOB), 1, Bytes::new()));
    block.block.body.transactions.push(bad.clone());
    block.senders.push(ALICE);
    block.block.header.transactions_root = transactions_root(&block.block.body.transactions);
    match execute(&l2(), &block) {
        Err(BlockError::Transaction { index: 1, hash, error: TxError::Invalid(_) }) => {
            assert_eq!(hash, bad.hash())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn base_fees() {
    // L1: EIP-1559. An empty parent lowers the fee by an eighth, a full one raises it by one.
    let fee = |gas_used| next_base_fee(&l1(), &Header { gas_used, ..parent() }, 0);
    assert_eq!(fee(0), GWEI - GWEI / 8);
    assert_eq!(fee(parent().gas_limit / 2), GWEI);
    assert_eq!(fee(parent().gas_limit), GWEI + GWEI / 8);
    // L2: by time.
    let rule = BaseFeeRule { min: 1_000_000, target_per_second: 1000, damping: 30_000_000 };
    let config = ChainConfig { base_fee: rule, ..l2() };
    let busy = Header { gas_used: 30_000_000, ..parent() };
    assert_eq!(next_base_fee(&config, &busy, parent().timestamp), 2_718_281);
    assert_eq!(next_base_fee(&config, &busy, parent().timestamp + 30_000), 1_000_000);
    assert_eq!(blob_base_fee(&l2(), &Header { excess_blob_gas: Some(u64::MAX), ..parent() }), 1);
    assert!(blob_base_fee(&l1(), &Header { excess_blob_gas: Some(100_000_000), ..parent() }) > 1);
}

/// The L1 gas limit walks to the configured one in the steps that its rules allow.
#[test]
fn gas_limit_walks() {
    let config = ChainConfig { gas_limit: 60_000_000, ..l1() };
    let mut parent = Header { gas_limit: 30_000_000, ..parent() };
    let mut blocks = 0;
    while parent.gas_limit != config.gas_limit {
        let open = open_header(
            &config,
            &parent,
            parent.hash_slow(),
            &BlockAttributes { timestamp: parent.timestamp + 1, ..attributes() },
        );
        assert!(
            open.gas_limit > parent.gas_limit && open.gas_limit - parent.gas_limit < parent.gas_limit / 1024
        );
        parent = open;
        blocks += 1;
    }
    assert!(blocks < 800, "{blocks}");
    assert_eq!(open_header(&l2(), &parent, B256::ZERO, &attributes()).gas_limit, l2().gas_limit);
    assert_eq!(
        open_header(&l2(), &parent, B256::ZERO, &attributes()).beneficiary,
        predeploys::SEQUENCER_FEE_VAULT
    );
    assert_eq!(open_header(&l1(), &parent, B256::ZERO, &attributes()).beneficiary, Address::ZERO);
}
