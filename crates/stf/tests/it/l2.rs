//! The rollup's rules: deposits, fees, what is refused.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip4844};
use alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address};
use duplex_primitives::{Header, Transaction, anchor_deposit, predeploys};
use duplex_stf::{BlockError, Executor, TxError, TxStatus, open_header};
use op_alloy_consensus::TxDeposit;
use op_revm::transaction::estimate_tx_compressed_size;

use crate::state::{
    ALICE, BOB, ETHER, GWEI, HALT, Missing, REVERT, STORE, Scene, attributes, call, config, l2_state, parent,
    parent_hash, sign, signature,
};

/// An aliased contract that sends a message.
const SENDER: Address = address!("1111000000000000000000000000000000001234");

fn message(to: Address, mint: u128, value: u128) -> TxDeposit {
    TxDeposit {
        source_hash: B256::repeat_byte(1),
        from: SENDER,
        to: TxKind::Call(to),
        mint,
        value: U256::from(value),
        gas_limit: 100_000,
        is_system_transaction: false,
        input: Bytes::new(),
    }
}

fn transfer(nonce: u64, value: u128) -> Transaction {
    sign(call(&config(), nonce, TxKind::Call(BOB), value, Bytes::new()))
}

/// What the data of a transaction costs: its estimated compressed size, times 2.5 · 16 · the L1
/// base fee.
fn data_fee(transaction: &Transaction, l1_base_fee: u128) -> u128 {
    let size = u128::from(estimate_tx_compressed_size(&transaction.raw()));
    size * 16 * l1_base_fee * 2_500_000 / 1_000_000_000_000
}

#[test]
fn deposit_mints_and_pays() {
    let mut scene = Scene::l2();
    let result = scene.run(&message(BOB, 5 * ETHER, 2 * ETHER).into(), SENDER);
    assert!(result.is_success());
    assert_eq!(result.gas_used, 21_000);
    let before = scene.state.total();
    let (outcome, state) = scene.finish();
    assert_eq!((state.balance(SENDER), state.balance(BOB)), (3 * ETHER, 3 * ETHER));
    assert_eq!(state.nonce(SENDER), 1);
    assert_eq!(state.total(), before + 5 * ETHER);
    assert_eq!(outcome.receipts[0].deposit_nonce, Some(0));
    assert_eq!(outcome.receipts[0].tx_type, 0x7e);
    // Nobody pays a fee for it.
    for vault in [predeploys::SEQUENCER_FEE_VAULT, predeploys::BASE_FEE_VAULT, predeploys::L1_FEE_VAULT] {
        assert_eq!(state.balance(vault), 0);
    }
}

/// Whatever the call does, the mint is the sender's, the value stays, and the nonce counts.
#[test]
fn failed_deposits_keep_the_mint() {
    let poor = message(BOB, 0, 50 * ETHER);
    let starved = TxDeposit { gas_limit: 20_000, ..message(BOB, ETHER, ETHER) };
    let crowded = TxDeposit { input: vec![1; 3000].into(), gas_limit: 30_000, ..message(BOB, ETHER, ETHER) };
    let cases = [
        (message(REVERT, 5 * ETHER, 2 * ETHER), false),
        (message(HALT, 5 * ETHER, 2 * ETHER), true),
        (poor, true),
        (starved, true),
        (crowded, true),
    ];
    for (deposit, uses_all) in cases {
        let mut scene = Scene::l2();
        let (mint, limit) = (deposit.mint, deposit.gas_limit);
        let result = scene.run(&deposit.into(), SENDER);
        assert!(!result.is_success());
        assert_eq!(result.gas_used == limit, uses_all, "{result:?}");
        assert_eq!(matches!(result.status, TxStatus::Halt(_)), uses_all);
        let before = scene.state.total();
        let (outcome, state) = scene.finish();
        assert_eq!(state.balance(SENDER), mint);
        assert_eq!(state.nonce(SENDER), 1);
        assert_eq!(state.total(), before + mint);
        assert!(!outcome.receipts[0].success);
        assert_eq!(outcome.receipts[0].deposit_nonce, Some(0));
        assert_eq!(outcome.gas_used, outcome.receipts[0].cumulative_gas_used);
    }
}

#[test]
fn deposits_count_their_senders_nonce() {
    let mut scene = Scene::l2();
    for to in [BOB, REVERT, HALT, BOB] {
        scene.run(&message(to, 1, 0).into(), SENDER);
    }
    let (outcome, state) = scene.finish();
    let nonces: Vec<_> = outcome.receipts.iter().map(|receipt| receipt.deposit_nonce).collect();
    assert_eq!(nonces, [Some(0), Some(1), Some(2), Some(3)]);
    assert_eq!((state.nonce(SENDER), state.balance(SENDER)), (4, 4));
}

/// A sender with code may still send messages: its alias may be a contract on L2.
#[test]
fn deposits_come_from_contracts_too() {
    let mut scene = Scene::new(&config(), l2_state().with(SENDER, 1, 0, &[0x00]));
    assert!(scene.run(&message(BOB, 9, 9).into(), SENDER).is_success());
}

#[test]
fn fees_go_to_their_vaults() {
    let mut scene = Scene::l2();
    let transaction = transfer(0, ETHER);
    let result = scene.run(&transaction, ALICE);
    assert_eq!(result.gas_used, 21_000);
    let before = scene.state.total();
    let (outcome, state) = scene.finish();
    let data = data_fee(&transaction, GWEI.into());
    assert!(data > 0);
    assert_eq!(state.balance(predeploys::L1_FEE_VAULT), data);
    assert_eq!(state.balance(predeploys::BASE_FEE_VAULT), 21_000 * 1000);
    assert_eq!(state.balance(predeploys::SEQUENCER_FEE_VAULT), 21_000 * 7);
    assert_eq!(state.balance(ALICE), 100 * ETHER - ETHER - data - 21_000 * 1007);
    assert_eq!(state.balance(BOB), 2 * ETHER);
    assert_eq!(state.total(), before, "nothing is burnt or made");
    assert_eq!(outcome.receipts[0].deposit_nonce, None);
}

/// The anchor of the block itself prices the data of its transactions.
#[test]
fn new_anchor_prices_at_once() {
    let mut scene = Scene::l2();
    let anchor = Header { number: 71, timestamp: 5, base_fee_per_gas: Some(3 * GWEI), ..Default::default() };
    let hash = anchor.hash_slow();
    let update = anchor_deposit(&anchor, hash, scene.header.number, 9);
    assert!(scene.run(&update, predeploys::DEPOSITOR).is_success());
    let transaction = transfer(0, 0);
    scene.run(&transaction, ALICE);
    let (_, state) = scene.finish();
    assert_eq!(state.balance(predeploys::L1_FEE_VAULT), data_fee(&transaction, u128::from(3 * GWEI)));
    let slot = |slot: u64| state.slot(predeploys::L1_BLOCK, U256::from(slot));
    assert_eq!(slot(0), U256::from(71) | U256::from(5) << 64);
    assert_eq!(
        (slot(1), slot(2), slot(7)),
        (U256::from(3 * GWEI), U256::from_be_bytes(hash.0), U256::from(9))
    );
    assert_eq!(slot(3), U256::from(2_500_000) << 96, "the scalars stay");
    assert_eq!(slot(9 + 71), U256::from_be_bytes(hash.0));
    assert_eq!(state.nonce(predeploys::DEPOSITOR), 1);
}

#[test]
fn only_the_depositor_sets_the_anchor() {
    let mut scene = Scene::l2();
    let update = anchor_deposit(&Header { number: 71, ..Default::default() }, B256::repeat_byte(3), 9, 1);
    let forged = TxDeposit { from: SENDER, ..update.as_deposit().unwrap().inner().clone() };
    assert_eq!(scene.run(&forged.into(), SENDER).status, TxStatus::Revert);
}

#[test]
fn who_cannot_pay_for_data_is_refused() {
    let transaction = transfer(0, 0);
    let gas = 500_000 * 3 * u128::from(GWEI);
    let enough = gas + data_fee(&transaction, GWEI.into());
    for (balance, accepted) in [(gas, false), (enough - 1, false), (enough, true)] {
        let mut scene = Scene::new(&config(), l2_state().with(ALICE, 0, balance, &[]));
        let result = scene.executor.execute(&transaction, ALICE);
        assert_eq!(result.is_ok(), accepted);
        if let Err(error) = result {
            assert!(matches!(error, TxError::Invalid(_)), "{error}");
            let (outcome, state) = scene.finish();
            assert_eq!((outcome.receipts.len(), state.balance(ALICE)), (0, balance));
        }
    }
}

#[test]
fn deposits_come_first() {
    let mut scene = Scene::l2();
    scene.run(&message(BOB, 1, 0).into(), SENDER);
    scene.run(&message(BOB, 1, 0).into(), SENDER);
    scene.run(&transfer(0, 1), ALICE);
    let late = scene.executor.execute(&message(BOB, 1, 0).into(), SENDER);
    assert_eq!(late, Err(TxError::Type(0x7e)));
    let (outcome, state) = scene.finish();
    assert_eq!((outcome.receipts.len(), state.balance(SENDER)), (3, 2));
}

#[test]
fn blobs_are_refused() {
    let blob = TxEip4844 {
        chain_id: config().chain_id,
        blob_versioned_hashes: vec![B256::repeat_byte(1)],
        ..Default::default()
    };
    let refused = Scene::l2().executor.execute(&blob.into_signed(signature()).into(), ALICE);
    assert_eq!(refused, Err(TxError::Type(3)));
}

#[test]
fn block_gas_runs_out() {
    let mut scene = Scene::l2();
    let limit = config().gas_limit;
    assert_eq!(scene.executor.gas_left(), limit);
    let too_much = TxDeposit { gas_limit: limit + 1, ..message(BOB, 0, 0) };
    let refused = scene.executor.execute(&too_much.into(), SENDER);
    assert_eq!(refused, Err(TxError::BlockGas { needed: limit + 1, left: limit }));

    let all_but = TxDeposit { gas_limit: limit - 30_000, ..message(HALT, 0, 0) };
    scene.run(&all_but.into(), SENDER);
    assert_eq!(scene.executor.gas_left(), 30_000);
    let refused = scene.executor.execute(&transfer(0, 0), ALICE);
    assert_eq!(refused, Err(TxError::BlockGas { needed: 500_000, left: 30_000 }));
    let fits = TxEip1559 { gas_limit: 30_000, ..call(&config(), 0, TxKind::Call(BOB), 0, Bytes::new()) };
    scene.run(&sign(fits), ALICE);
    assert_eq!(scene.executor.gas_left(), 9_000);
    let (outcome, _) = scene.finish();
    assert_eq!(outcome.gas_used, limit - 9_000);
    assert_eq!(outcome.receipts[1].cumulative_gas_used, limit - 9_000);
}

/// Users' transactions keep Osaka's cap on gas (EIP-7825).
#[test]
fn transactions_have_a_gas_cap() {
    let rich = l2_state().with(ALICE, 0, u128::MAX, &[]);
    for (gas_limit, accepted) in [(1 << 24, true), ((1 << 24) + 1, false)] {
        let mut scene = Scene::new(&config(), rich.clone());
        let tx = TxEip1559 { gas_limit, ..call(&config(), 0, TxKind::Call(BOB), 0, Bytes::new()) };
        assert_eq!(scene.executor.execute(&sign(tx), ALICE).is_ok(), accepted);
    }
}

#[test]
fn what_ethereum_refuses_is_refused() {
    let good = call(&config(), 0, TxKind::Call(BOB), 1, Bytes::new());
    let cases = [
        TxEip1559 { nonce: 1, ..good.clone() },
        TxEip1559 { chain_id: 1, ..good.clone() },
        TxEip1559 { max_fee_per_gas: 999, max_priority_fee_per_gas: 0, ..good.clone() },
        TxEip1559 { max_priority_fee_per_gas: 4 * u128::from(GWEI), ..good.clone() },
        TxEip1559 { gas_limit: 20_999, ..good.clone() },
        TxEip1559 { value: U256::from(101 * ETHER), ..good.clone() },
        TxEip1559 { value: U256::MAX, ..good },
    ];
    for tx in cases {
        let mut scene = Scene::l2();
        let result = scene.executor.execute(&sign(tx.clone()), ALICE);
        assert!(matches!(result, Err(TxError::Invalid(_))), "{tx:?}: {result:?}");
        let (outcome, state) = scene.finish();
        assert_eq!((outcome.gas_used, state.balance(ALICE), state.nonce(ALICE)), (0, 100 * ETHER, 0));
    }
}

/// The block goes on after a transaction that was refused.
#[test]
fn refusals_leave_no_trace() {
    let run = |refuse: bool| {
        let mut scene = Scene::l2();
        scene.run(&transfer(0, 5), ALICE);
        if refuse {
            scene.executor.execute(&transfer(9, 5), ALICE).unwrap_err();
            scene.executor.execute(&transfer(0, 5), BOB).map(drop).ok();
        } else {
            scene.run(&transfer(0, 5), BOB);
        }
        let input = [U256::from(1).to_be_bytes::<32>(), U256::from(2).to_be_bytes::<32>()].concat();
        scene.run(&sign(call(&config(), 1, TxKind::Call(STORE), 0, input.into())), ALICE);
        scene.finish()
    };
    assert_eq!(run(true), run(false));
}

/// EIP-2935: the parent's hash is in the state before the first transaction.
#[test]
fn parent_hash_is_stored() {
    let (outcome, state) = Scene::l2().finish();
    assert_eq!(
        state.slot(HISTORY_STORAGE_ADDRESS, U256::from(parent().number)),
        U256::from_be_bytes(parent_hash().0)
    );
    assert_eq!(outcome.changes.accounts.len(), 1, "and nothing else changes");
    assert!(outcome.receipts.is_empty());
}

#[test]
fn no_history_contract_is_fine() {
    let mut state = l2_state();
    state.accounts.remove(&HISTORY_STORAGE_ADDRESS);
    let (outcome, _) = Scene::new(&config(), state).finish();
    assert!(outcome.changes.accounts.is_empty());
}

/// A source that fails says nothing about the block or the transaction.
#[test]
fn source_errors_are_no_verdict() {
    let header = open_header(&config(), &parent(), parent_hash(), &attributes());
    let mut state = l2_state();
    state.broken = Some(HISTORY_STORAGE_ADDRESS);
    let broken = Executor::new(&config(), &header, state).map(drop);
    assert_eq!(broken, Err(BlockError::Source(Missing(HISTORY_STORAGE_ADDRESS))));

    for (transaction, sender, missing) in [
        (transfer(0, 0), ALICE, BOB),
        (transfer(0, 0), ALICE, ALICE),
        (transfer(0, 0), ALICE, predeploys::L1_BLOCK),
        (message(BOB, 1, 0).into(), SENDER, BOB),
        (message(BOB, 1, 0).into(), SENDER, SENDER),
    ] {
        let mut state = l2_state();
        state.broken = Some(missing);
        let mut executor = Executor::new(&config(), &header, state).unwrap();
        assert_eq!(executor.execute(&transaction, sender), Err(TxError::Source(Missing(missing))));
    }
}

/// The data fee is not charged to deposits whatever their bytes.
#[test]
fn creating_deposits_work() {
    let mut scene = Scene::l2();
    let deposit = TxDeposit {
        to: TxKind::Create,
        // Returns one byte of code, 0x00.
        input: Bytes::from_static(&[0x60, 0x01, 0x5f, 0xf3]),
        ..message(BOB, ETHER, 7)
    };
    let result = scene.run(&deposit.into(), SENDER);
    assert_eq!(result.created, Some(SENDER.create(0)));
    let (_, state) = scene.finish();
    assert_eq!(state.balance(SENDER.create(0)), 7);
    assert_eq!((state.balance(SENDER), state.nonce(SENDER)), (ETHER - 7, 1));
}
