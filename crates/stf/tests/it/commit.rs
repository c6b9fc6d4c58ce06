//! What the overlay makes of the EVM's changes, one case at a time.

use alloy_consensus::constants::KECCAK_EMPTY;
use alloy_primitives::{Address, U256, keccak256};
use duplex_stf::Overlay;
use duplex_trie::StateAccount;
use revm::{
    Database, DatabaseCommit, DatabaseRef,
    bytecode::Bytecode,
    state::{Account, AccountInfo, EvmState, EvmStorageSlot},
};

use crate::state::{State, hashed};

const HOME: Address = Address::repeat_byte(0x42);

fn n(n: u64) -> U256 {
    U256::from(n)
}

fn info(nonce: u64, balance: u64, code: &[u8]) -> AccountInfo {
    AccountInfo { nonce, balance: n(balance), ..Default::default() }
        .with_code(Bytecode::new_raw(code.to_vec().into()))
}

/// An account as the EVM leaves it, with slots `(key, before the transaction, after it)`.
fn touched(info: AccountInfo, slots: &[(u64, u64, u64)]) -> Account {
    let mut account = Account::from(info);
    account.mark_touch();
    for (key, original, present) in slots {
        account.storage.insert(n(*key), EvmStorageSlot::new_changed(n(*original), n(*present), 0));
    }
    account
}

/// A state with a contract that has code, 7 wei, and 5 in slot 1.
fn state() -> State {
    State::default().with(HOME, 1, 7, &[0xfe]).with_slot(HOME, 1, n(5))
}

/// An overlay on which transactions that each did this to the account were committed; what it
/// reads like, and what becomes of the state.
fn after(state: State, transactions: Vec<Account>) -> (Overlay<State>, State) {
    let mut overlay = Overlay::new(state.clone());
    // The EVM reads before it writes.
    overlay.basic(HOME).unwrap();
    for account in transactions {
        overlay.commit(EvmState::from_iter([(HOME, account)]));
    }
    let mut state = state;
    state.apply(&overlay.changes());
    (overlay, state)
}

fn slots(overlay: &mut Overlay<State>, keys: impl IntoIterator<Item = u64>) -> Vec<u64> {
    keys.into_iter()
        .map(|key| {
            let without_memory = overlay.storage_ref(HOME, n(key)).unwrap();
            assert_eq!(overlay.storage(HOME, n(key)).unwrap(), without_memory);
            without_memory.to()
        })
        .collect()
}

#[test]
fn reading_changes_nothing() {
    let mut overlay = Overlay::new(state());
    overlay.basic(HOME).unwrap();
    overlay.basic(Address::ZERO).unwrap();
    assert_eq!(slots(&mut overlay, [1, 2, 1]), [5, 0, 5]);
    assert_eq!(overlay.changes(), Default::default());
    // What was only looked at by the EVM changes nothing either.
    let mut seen = Account::from(info(9, 9, &[]));
    seen.storage.insert(n(1), EvmStorageSlot::new_changed(n(5), n(6), 0));
    overlay.commit(EvmState::from_iter([(HOME, seen)]));
    overlay.commit(EvmState::from_iter([(HOME, touched(info(1, 7, &[0xfe]), &[(1, 5, 5)]))]));
    assert_eq!(overlay.changes(), Default::default());
}

/// A slot that one transaction changes and the next changes back ends as it was.
#[test]
fn slots_that_go_back() {
    let there = touched(info(1, 7, &[0xfe]), &[(1, 5, 6), (2, 0, 3)]);
    let back = touched(info(1, 7, &[0xfe]), &[(1, 6, 5), (2, 3, 0)]);
    let (mut overlay, after) = after(state(), vec![there, back]);
    assert_eq!(slots(&mut overlay, [1, 2]), [5, 0]);
    assert_eq!(after, state());
}

#[test]
fn balances_that_go_back() {
    let (_, after) =
        after(state(), vec![touched(info(1, 8, &[0xfe]), &[]), touched(info(1, 7, &[0xfe]), &[])]);
    assert_eq!(after, state());
}

#[test]
fn created_over_a_balance() {
    let state = State::default().with(HOME, 0, 7, &[]);
    let mut created = touched(info(1, 9, &[0xfe]), &[(1, 0, 5), (2, 0, 0)]);
    created.mark_created();
    let (mut overlay, after) = after(state, vec![created]);
    assert_eq!(slots(&mut overlay, [1, 2, 3]), [5, 0, 0]);
    assert_eq!(after.accounts[&HOME], (1, n(9), keccak256([0xfe])));
    assert_eq!(after.storage[&HOME].len(), 1);
    let changes = overlay.changes();
    assert_eq!(changes.codes, [(keccak256([0xfe]), [0xfe].into())]);
    let update = &changes.state[&keccak256(HOME)];
    assert_eq!(update.storage, [(hashed(n(1)), n(5))]);
    assert_eq!(update.account, Some(StateAccount { nonce: 1, balance: n(9), code_hash: keccak256([0xfe]) }));
}

#[test]
fn created_and_destroyed_at_once() {
    for prior in [State::default(), State::default().with(HOME, 0, 7, &[])] {
        let mut account = touched(info(1, 0, &[]), &[(1, 0, 5)]);
        account.mark_created();
        account.mark_selfdestruct();
        let (mut overlay, after) = after(prior, vec![account]);
        assert_eq!(overlay.basic(HOME).unwrap(), None);
        assert_eq!(slots(&mut overlay, [1]), [0]);
        assert!(after.accounts.is_empty() && after.storage.is_empty());
        assert!(overlay.changes().codes.is_empty());
    }
}

/// Destroyed in one transaction, there again in the next: nothing of the old storage shows.
#[test]
fn destroyed_and_created_again() {
    let mut gone = touched(info(1, 0, &[0xfe]), &[(1, 5, 8), (2, 0, 9)]);
    gone.mark_selfdestruct();
    let mut again = touched(info(1, 3, &[0xfd]), &[(3, 0, 4)]);
    again.mark_created();
    let (mut overlay, after) = after(state(), vec![gone.clone(), again.clone()]);
    assert_eq!(slots(&mut overlay, [1, 2, 3]), [0, 0, 4]);
    assert_eq!(after.accounts[&HOME], (1, n(3), keccak256([0xfd])));
    assert_eq!(after.storage[&HOME], [(hashed(n(3)), n(4))].into());

    // And destroyed once more.
    let mut last = touched(info(1, 0, &[]), &[]);
    last.mark_selfdestruct();
    let (mut overlay, after) = self::after(state(), vec![gone, again, last]);
    assert_eq!(slots(&mut overlay, [1, 2, 3]), [0, 0, 0]);
    assert!(after.accounts.is_empty() && after.storage.is_empty());
}

/// EIP-161: an empty account that was touched is gone, whether it was there before or not.
#[test]
fn touched_empty_accounts() {
    let empty = State::default().with(HOME, 0, 0, &[]);
    assert_eq!(after(empty, vec![touched(AccountInfo::default(), &[])]).1.accounts.len(), 0);
    let (overlay, after) = after(State::default(), vec![touched(AccountInfo::default(), &[])]);
    assert!(after.accounts.is_empty());
    assert!(overlay.changes().accounts.is_empty(), "what was not there and is not there did not change");
}

#[test]
fn emptied_and_filled_again() {
    let state = State::default().with(HOME, 0, 7, &[]);
    let transactions = vec![touched(AccountInfo::default(), &[]), touched(info(0, 3, &[]), &[])];
    let (_, after) = after(state, transactions);
    assert_eq!(after.accounts[&HOME], (0, n(3), KECCAK_EMPTY));
}

/// EIP-7702: an account with a key gets code, other code, and none, and keeps its storage.
#[test]
fn delegations_come_and_go() {
    let state = State::default().with(HOME, 3, 7, &[]).with_slot(HOME, 1, n(5));
    let delegated = |nonce, to| {
        let code = Bytecode::new_eip7702(Address::repeat_byte(to));
        AccountInfo { nonce, balance: n(7), ..Default::default() }.with_code(code)
    };
    let (overlay, after_set) =
        after(state.clone(), vec![touched(delegated(4, 1), &[(2, 0, 6)]), touched(delegated(5, 2), &[])]);
    let code = Bytecode::new_eip7702(Address::repeat_byte(2)).original_bytes();
    assert_eq!(code[..3], [0xef, 0x01, 0x00]);
    assert_eq!(after_set.accounts[&HOME], (5, n(7), keccak256(&code)));
    assert_eq!(after_set.codes[&keccak256(&code)], code);
    assert_eq!(overlay.code_by_hash_ref(keccak256(&code)).unwrap().original_bytes(), code);
    assert_eq!(after_set.storage[&HOME].len(), 2);

    let (_, cleared) = after(after_set, vec![touched(info(6, 7, &[]), &[(2, 6, 0)])]);
    assert_eq!(cleared.accounts[&HOME], (6, n(7), KECCAK_EMPTY));
    assert_eq!(cleared.storage, state.storage);

    let (_, both) = after(state.clone(), vec![touched(delegated(4, 1), &[]), touched(info(5, 7, &[]), &[])]);
    assert_eq!(both.accounts[&HOME], (5, n(7), KECCAK_EMPTY));
}

#[test]
fn credits() {
    let mut overlay = Overlay::new(state());
    let nobody = Address::repeat_byte(1);
    overlay.credit(nobody, U256::ZERO).unwrap();
    assert!(overlay.changes().accounts.is_empty());
    overlay.credit(nobody, n(1)).unwrap();
    overlay.credit(nobody, n(2)).unwrap();
    overlay.credit(HOME, n(3)).unwrap();
    let mut after = state();
    after.apply(&overlay.changes());
    assert_eq!(after.accounts[&nobody], (0, n(3), KECCAK_EMPTY));
    assert_eq!(after.accounts[&HOME], (1, n(10), keccak256([0xfe])));
    assert_eq!(after.storage, state().storage);
}

/// What simulations override.
#[test]
fn overrides() {
    let mut overlay = Overlay::new(state());
    overlay.basic(HOME).unwrap();
    overlay.set_slot(HOME, n(2), n(9));
    assert_eq!(slots(&mut overlay, [1, 2]), [5, 9]);
    overlay.wipe_storage(HOME);
    overlay.set_slot(HOME, n(3), n(1));
    assert_eq!(slots(&mut overlay, [1, 2, 3]), [0, 0, 1]);
    overlay.set_account(HOME, info(8, 8, &[0xaa]));
    assert_eq!(overlay.code_by_hash(keccak256([0xaa])).unwrap().original_bytes()[..], [0xaa]);
    let mut after = state();
    after.apply(&overlay.changes());
    assert_eq!(after.accounts[&HOME], (8, n(8), keccak256([0xaa])));
    assert_eq!(after.storage[&HOME], [(hashed(n(3)), n(1))].into());
}
