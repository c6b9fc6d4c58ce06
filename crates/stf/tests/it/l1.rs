//! Ethereum's own rules, as far as the conformance suite leaves them out.

use alloy_eips::{
    eip4788,
    eip4895::Withdrawal,
    eip6110::MAINNET_DEPOSIT_CONTRACT_ADDRESS,
    eip7002, eip7251,
    eip7685::{EMPTY_REQUESTS_HASH, Requests},
};
use alloy_primitives::{Address, Bytes, TxKind, U256, b256, hex};
use duplex_primitives::{ChainConfig, Transaction};
use duplex_stf::{BlockError, TxError};
use op_alloy_consensus::TxDeposit;
use revm::{Database, bytecode::Bytecode, state::AccountInfo};

use crate::state::{ALICE, BOB, ETHER, Missing, Scene, State, attributes, call, people, sign};

fn config() -> ChainConfig {
    ChainConfig { gas_limit: 30_000_000, ..ChainConfig::l1_dev(900) }
}

/// Logs its input under the topic of the deposit contract.
fn deposit_contract() -> Vec<u8> {
    let topic = b256!("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5");
    [&hex!("365f5f377f")[..], topic.as_slice(), &hex!("365fa100")].concat()
}

fn state() -> State {
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
        .with(MAINNET_DEPOSIT_CONTRACT_ADDRESS, 1, 0, &deposit_contract())
}

fn scene() -> Scene {
    Scene::new(&config(), state())
}

fn to(target: Address, input: Vec<u8>) -> Transaction {
    sign(call(&config(), 0, TxKind::Call(target), 0, input.into()))
}

/// A deposit event as the contract writes it.
fn event() -> Vec<u8> {
    let mut data = Vec::new();
    for offset in [160u64, 256, 320, 384, 512] {
        data.extend(U256::from(offset).to_be_bytes::<32>());
    }
    for (length, fill) in [(48usize, 1u8), (32, 2), (8, 3), (96, 4), (8, 5)] {
        data.extend(U256::from(length).to_be_bytes::<32>());
        data.extend(vec![fill; length]);
        data.resize(data.len().next_multiple_of(32), 0);
    }
    assert_eq!(data.len(), 576);
    data
}

#[test]
fn rollup_deposits_are_refused() {
    let deposit = TxDeposit { to: TxKind::Call(BOB), mint: ETHER, gas_limit: 21_000, ..Default::default() };
    assert_eq!(scene().executor.execute(&deposit.into(), ALICE), Err(TxError::Type(0x7e)));
}

#[test]
fn no_data_fee_on_l1() {
    let mut scene = scene();
    let base_fee = u128::from(scene.header.base_fee_per_gas.unwrap());
    scene.run(&to(BOB, Vec::new()), ALICE);
    let before = scene.state.total();
    let (_, state) = scene.finish();
    assert_eq!(state.balance(ALICE), 100 * ETHER - 21_000 * (base_fee + 7));
    assert_eq!(state.total(), before - 21_000 * base_fee, "the base fee is burnt");
}

#[test]
fn beacon_root_is_stored() {
    let (_, state) = scene().finish();
    let slot = U256::from(attributes().timestamp % 8191);
    assert_eq!(state.slot(eip4788::BEACON_ROOTS_ADDRESS, slot), U256::from(attributes().timestamp));
    assert_eq!(
        state.slot(eip4788::BEACON_ROOTS_ADDRESS, slot + U256::from(8191)),
        U256::from_be_bytes(attributes().beacon_root.0)
    );
}

#[test]
fn withdrawals_credit_accounts() {
    let new = Address::repeat_byte(0x77);
    let untouched = Address::repeat_byte(0x78);
    let withdrawal = |address, amount| Withdrawal { address, amount, ..Default::default() };
    let scene = scene();
    let mut state = scene.state;
    let outcome = scene
        .executor
        .finish(&[withdrawal(new, 3), withdrawal(BOB, 2), withdrawal(new, 4), withdrawal(untouched, 0)])
        .unwrap();
    state.apply(&outcome.changes);
    assert_eq!(state.balance(new), 7_000_000_000);
    assert_eq!(state.balance(BOB), ETHER + 2_000_000_000);
    assert!(!state.accounts.contains_key(&untouched));
}

#[test]
fn withdrawals_reach_emptied_accounts() {
    // Bob spends all he has in the block, and then is credited.
    let mut scene = scene();
    let config = config();
    let base_fee = u128::from(scene.header.base_fee_per_gas.unwrap());
    let mut tx = call(&config, 0, TxKind::Call(ALICE), 0, Bytes::new());
    (tx.gas_limit, tx.max_fee_per_gas, tx.max_priority_fee_per_gas) = (21_000, base_fee, 0);
    tx.value = U256::from(ETHER - 21_000 * base_fee);
    scene.run(&sign(tx), BOB);
    let mut state = scene.state;
    let credit = Withdrawal { address: BOB, amount: 1, ..Default::default() };
    state.apply(&scene.executor.finish(&[credit]).unwrap().changes);
    assert_eq!((state.balance(BOB), state.nonce(BOB)), (1_000_000_000, 1));
}

#[test]
fn deposit_events_become_requests() {
    let mut scene = scene();
    assert!(scene.run(&to(MAINNET_DEPOSIT_CONTRACT_ADDRESS, event()), ALICE).is_success());
    let (outcome, _) = scene.finish();
    let mut fields = Vec::new();
    for (length, fill) in [(48usize, 1u8), (32, 2), (8, 3), (96, 4), (8, 5)] {
        fields.extend(vec![fill; length]);
    }
    let mut requests = Requests::default();
    requests.push_request_with_type(0, fields);
    assert_eq!(outcome.requests_hash, requests.requests_hash());
    assert_eq!(self::scene().finish().0.requests_hash, EMPTY_REQUESTS_HASH);
}

/// An event with any other layout makes the block invalid (EIP-6110).
#[test]
fn deposit_events_with_another_layout() {
    let mut cases = vec![Vec::new(), event()[..575].to_vec(), [event(), vec![0]].concat()];
    // Every word of the layout counts: five offsets, five lengths.
    for word in [0, 32, 64, 96, 128, 160, 256, 320, 384, 512] {
        for byte in [word, word + 31] {
            let mut data = event();
            data[byte] ^= 1;
            cases.push(data);
        }
    }
    for data in cases {
        let mut scene = scene();
        assert!(scene.run(&to(MAINNET_DEPOSIT_CONTRACT_ADDRESS, data), ALICE).is_success());
        assert_eq!(scene.executor.finish(&[]).unwrap_err(), BlockError::DepositEvent);
    }
}

#[test]
fn missing_request_contracts_make_the_block_invalid() {
    for contract in
        [eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS]
    {
        let mut without = state();
        without.accounts.remove(&contract);
        let empty = state().with(contract, 1, 5, &[]);
        let failing = state().with(contract, 1, 0, &hex!("5f5ffd"));
        for state in [without, empty, failing] {
            let executor = Scene::new(&config(), state).executor;
            assert_eq!(executor.finish(&[]).unwrap_err(), BlockError::SystemCall(contract));
        }
        let mut broken = scene();
        broken.executor = {
            let mut state = state();
            state.broken = Some(contract);
            Scene::new(&config(), state).executor
        };
        assert_eq!(broken.executor.finish(&[]).unwrap_err(), BlockError::Source(Missing(contract)));
    }
}

/// What counts is the state after the transactions, not the one below the block.
#[test]
fn request_contracts_may_come_with_the_block() {
    let contract = eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS;
    let mut without = state();
    without.accounts.remove(&contract);
    let mut executor = Scene::new(&config(), without).executor;
    executor.state_mut().basic(contract).unwrap();
    let code = Bytecode::new_raw(eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_CODE.clone());
    executor
        .state_mut()
        .set_account(contract, AccountInfo { nonce: 1, ..Default::default() }.with_code(code));
    assert_eq!(executor.finish(&[]).unwrap().requests_hash, EMPTY_REQUESTS_HASH);
}
