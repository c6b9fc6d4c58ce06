//! Random blocks through the overlay, and through revm's own database: the same state.

use alloy_eips::eip7702::{Authorization, RecoveredAuthority, RecoveredAuthorization};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex, keccak256};
use duplex_primitives::ChainConfig;
use duplex_stf::{Machine, Overlay, Relaxed, block_env};
use op_revm::OpTransaction;
use proptest::prelude::*;
use revm::{
    Context, DatabaseCommit, DatabaseRef, ExecuteCommitEvm, MainBuilder, MainContext,
    bytecode::Bytecode,
    context::{CfgEnv, TxEnv},
    context_interface::either::Either,
    database::InMemoryDB,
    primitives::hardfork::SpecId,
    state::AccountInfo,
};

use crate::state::{ALICE, BOB, ETHER, HALT, REVERT, STORE, State, parent, people};

/// Creates with its input as init code, by CREATE2 with salt 0, forwarding its value.
const FACTORY: Address = Address::repeat_byte(0xfa);

/// One transaction.
#[derive(Debug, Clone)]
enum Step {
    /// Sends wei.
    Pay { from: usize, to: usize, value: u128 },
    /// Stores a word in a contract, or in an account that delegated to it.
    Store { to: usize, slot: u8, value: u8 },
    /// Creates a contract.
    Create { kind: usize, value: u128 },
    /// Has the factory create one, at the same address each time.
    Create2 { kind: usize, value: u128 },
    /// Makes an account's code another's (EIP-7702); to the zero address clears it.
    Delegate { authority: usize, to: usize },
    /// Ends the block.
    Seal,
}

/// Init code: stores 5 in slot 1 and 0 in slot 2, then …
fn init_code(kind: usize) -> Bytes {
    let store = hex!("60056001555f600255");
    let rest: &[u8] = match kind % 4 {
        // … leaves code that does what STORE does.
        0 => &hex!("666020355f3555005f5260076019f3"),
        // … leaves code that destroys itself when called.
        1 => &hex!("6133ff5f526002601ef3"),
        // … destroys itself for BOB.
        2 => &hex!("610b0bff"),
        // … reverts.
        _ => &hex!("5f5ffd"),
    };
    [&store[..], rest].concat().into()
}

fn people_with_factory() -> State {
    // calldatacopy(0, 0, size); create2(value, 0, size, 0)
    people().with(FACTORY, 1, 0, &hex!("365f5f375f365f34f500")).with(Address::repeat_byte(0xee), 0, 0, &[])
}

/// Everybody that a step can name.
fn addresses() -> Vec<Address> {
    let mut all = vec![ALICE, BOB, STORE, REVERT, HALT, FACTORY, Address::ZERO, Address::repeat_byte(0xee)];
    all.extend((0..4).map(|kind| FACTORY.create2(B256::ZERO, keccak256(init_code(kind)))));
    all.extend((0..12).map(|nonce| ALICE.create(nonce)));
    all
}

fn step() -> impl Strategy<Value = Step> {
    let wei = || prop_oneof![Just(0), Just(1), Just(ETHER), Just(1000 * ETHER)];
    prop_oneof![
        3 => (0usize..2, any::<usize>(), wei()).prop_map(|(from, to, value)| Step::Pay { from, to, value }),
        4 => (any::<bool>(), any::<usize>(), 0u8..4, 0u8..3).prop_map(|(direct, to, slot, value)| {
            Step::Store { to: if direct { 2 } else { to }, slot, value }
        }),
        2 => (0usize..4, wei()).prop_map(|(kind, value)| Step::Create { kind, value }),
        3 => (0usize..4, wei()).prop_map(|(kind, value)| Step::Create2 { kind, value }),
        2 => (0usize..2, prop_oneof![Just(2usize), Just(6), any::<usize>()])
            .prop_map(|(authority, to)| Step::Delegate { authority, to }),
        1 => Just(Step::Seal),
    ]
}

/// The transaction of a step; its sender's nonce comes from `nonce`.
fn transaction(step: &Step, nonce: impl Fn(Address) -> u64) -> TxEnv {
    let all = addresses();
    let who = |index: &usize| all[index % all.len()];
    let mut tx = TxEnv {
        tx_type: 2,
        caller: ALICE,
        gas_limit: 1_000_000,
        gas_price: 2_000_000_000,
        gas_priority_fee: Some(1),
        chain_id: Some(900),
        ..Default::default()
    };
    match step {
        Step::Pay { from, to, value } => {
            tx.caller = who(from);
            (tx.kind, tx.value) = (TxKind::Call(who(to)), U256::from(*value));
        }
        Step::Store { to, slot, value } => {
            tx.kind = TxKind::Call(who(to));
            tx.data =
                [U256::from(*slot), U256::from(*value)].map(|word| word.to_be_bytes::<32>()).concat().into();
        }
        Step::Create { kind, value } => {
            (tx.kind, tx.value, tx.data) = (TxKind::Create, U256::from(*value), init_code(*kind));
        }
        Step::Create2 { kind, value } => {
            (tx.kind, tx.value, tx.data) = (TxKind::Call(FACTORY), U256::from(*value), init_code(*kind));
        }
        Step::Delegate { authority, to } => {
            let authority = who(authority);
            let next = nonce(authority) + u64::from(authority == ALICE);
            let inner = Authorization { chain_id: U256::ZERO, address: who(to), nonce: next };
            let signed = RecoveredAuthorization::new_unchecked(inner, RecoveredAuthority::Valid(authority));
            tx.tx_type = 4;
            tx.kind = TxKind::Call(BOB);
            tx.authorization_list = vec![Either::Right(signed)];
        }
        Step::Seal => {}
    }
    tx.nonce = nonce(tx.caller);
    tx
}

/// The same people in revm's database.
fn reference(state: &State) -> InMemoryDB {
    let mut db = InMemoryDB::default();
    for (address, (nonce, balance, code_hash)) in &state.accounts {
        let code = Bytecode::new_raw(state.codes[code_hash].clone());
        db.insert_account_info(
            *address,
            AccountInfo { nonce: *nonce, balance: *balance, ..Default::default() }.with_code(code),
        );
    }
    db
}

proptest! {
    #[test]
    fn overlay_is_revms_database(steps in prop::collection::vec(step(), 1..25)) {
        let config = ChainConfig::l1_dev(900);
        let env = block_env(&config, &parent());
        let mut state = people_with_factory();
        let mut cfg = CfgEnv::new_with_spec(SpecId::OSAKA);
        cfg.chain_id = 900;
        let mut theirs =
            Context::mainnet().with_cfg(cfg).with_block(env.clone()).with_db(reference(&state)).build_mainnet();
        let machine = |state: State| -> Machine<State> {
            Machine::new(&config, env.clone(), Overlay::new(state), Relaxed::default(), ())
        };
        let mut ours = machine(state.clone());

        for step in steps.iter().chain([&Step::Seal]) {
            if matches!(step, Step::Seal) {
                state.apply(&ours.state().changes());
                ours = machine(state.clone());
                continue;
            }
            let nonce = |address| {
                ours.state().basic_ref(address).unwrap().map_or(0, |info| info.nonce)
            };
            let tx = transaction(step, nonce);
            let expected = theirs.transact_commit(tx.clone());
            match ours.transact(OpTransaction { base: tx, ..Default::default() }) {
                Ok((result, changes)) => {
                    ours.state_mut().commit(changes);
                    let expected = expected.unwrap();
                    prop_assert_eq!(result.gas_used, expected.tx_gas_used());
                    prop_assert_eq!(result.is_success(), expected.is_success());
                }
                Err(error) => prop_assert!(expected.is_err(), "{error}"),
            }
        }

        let db = &theirs.ctx.journaled_state.database;
        for address in addresses() {
            let expected = db.basic_ref(address).unwrap().filter(|info| !info.is_empty());
            let expected = expected.map(|info| (info.nonce, info.balance, info.code_hash));
            // An empty account that nobody touched may stay.
            let empty = (0, U256::ZERO, keccak256([]));
            let found = state.accounts.get(&address).filter(|account| **account != empty);
            prop_assert_eq!(found, expected.as_ref(), "{}", address);
            for slot in (0..5).map(U256::from) {
                prop_assert_eq!(state.slot(address, slot), db.storage_ref(address, slot).unwrap(), "{} {}", address, slot);
            }
        }
    }
}
