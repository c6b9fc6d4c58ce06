//! A whole state against maps.

mod common;

use alloy_primitives::{B256, Bytes, U256, address, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY, Nibbles, TrieAccount, proof::verify_proof, root};
use common::{Store, key};
use duplex_trie::{
    AccountUpdate, HashedState, NodeUpdates, Recorder, StateAccount, StateProof, StateTrie, TrieError,
    Witness, state_root_of,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

type Model = BTreeMap<B256, (StateAccount, BTreeMap<B256, U256>)>;

fn account() -> impl Strategy<Value = StateAccount> {
    (0..3u64, 0..100u64).prop_map(|(nonce, balance)| plain(nonce, balance))
}

fn plain(nonce: u64, balance: u64) -> StateAccount {
    StateAccount { nonce, balance: U256::from(balance), code_hash: KECCAK_EMPTY }
}

fn update() -> impl Strategy<Value = AccountUpdate> {
    let value = prop_oneof![
        2 => Just(U256::ZERO),
        3 => (1..200u64).prop_map(U256::from),
        1 => any::<[u8; 32]>().prop_map(U256::from_be_bytes),
    ];
    let slots = prop::collection::btree_map(key(), value, 0..8);
    (prop::option::weighted(0.85, account()), prop::bool::weighted(0.1), slots).prop_map(
        |(account, wipe_storage, storage)| AccountUpdate {
            account,
            wipe_storage,
            storage: storage.into_iter().collect(),
        },
    )
}

#[derive(Debug, Clone)]
enum Op {
    Block(HashedState),
    /// A block of which one node is missing.
    Torn(HashedState, prop::sample::Index),
    Read(B256, B256),
    Reload,
    Shrink(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let block = || prop::collection::btree_map(key(), update(), 0..6);
    prop_oneof![
        6 => block().prop_map(Op::Block),
        2 => (block(), any::<prop::sample::Index>()).prop_map(|(block, lost)| Op::Torn(block, lost)),
        3 => (key(), key()).prop_map(|(address, slot)| Op::Read(address, slot)),
        1 => Just(Op::Reload),
        2 => (0..60usize).prop_map(Op::Shrink),
    ]
}

fn apply_to_model(model: &mut Model, block: &HashedState) {
    for (address, update) in block {
        let Some(account) = update.account else {
            model.remove(address);
            continue;
        };
        let entry = model.entry(*address).or_insert((account, BTreeMap::new()));
        entry.0 = account;
        if update.wipe_storage {
            entry.1.clear();
        }
        for (slot, value) in &update.storage {
            entry.1.insert(*slot, *value);
        }
        entry.1.retain(|_, value| !value.is_zero());
    }
}

fn trie_account((account, storage): &(StateAccount, BTreeMap<B256, U256>)) -> TrieAccount {
    let storage_root = root::storage_root(storage.iter().map(|(slot, value)| (*slot, *value)));
    TrieAccount::new(account.nonce, account.balance, storage_root, account.code_hash)
}

fn model_root(model: &Model) -> B256 {
    root::state_root(model.iter().map(|(address, entry)| (*address, trie_account(entry))))
}

fn check_store(store: &Store, model: &Model) {
    let mut reachable = store.reachable(None, model_root(model));
    for (address, entry) in model {
        let root = trie_account(entry).storage_root;
        reachable.extend(store.reachable(Some(*address), root));
    }
    assert_eq!(store.0.keys().cloned().collect::<BTreeSet<_>>(), reachable);
}

fn verify(proof: &StateProof, root: B256, address: B256) {
    let account = proof.account.as_ref().map(alloy_rlp::encode);
    verify_proof(root, Nibbles::unpack(address), account, &proof.account_proof).unwrap();
    for slot in &proof.storage {
        let value = (!slot.value.is_zero()).then(|| alloy_rlp::encode(slot.value));
        let key = Nibbles::unpack(slot.hashed_slot);
        verify_proof(proof.storage_root, key, value, &slot.proof).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn behaves_like_maps(ops in prop::collection::vec(op(), 1..25)) {
        let mut state = StateTrie::new(EMPTY_ROOT_HASH);
        let (mut store, mut model) = (Store::default(), Model::new());
        for op in ops {
            match op {
                Op::Block(block) => {
                    // A stateless replica with nothing but what a recorded run has read.
                    let recorder = Recorder::new(&store);
                    let mut updates = NodeUpdates::new();
                    let recorded = StateTrie::new(state.root())
                        .apply(&block, &recorder, &mut updates).unwrap();
                    let witness = recorder.into_witness();
                    let mut replica = StateTrie::new(state.root());
                    let mut replica_updates = NodeUpdates::new();
                    let replayed = replica.apply(&block, &witness, &mut replica_updates).unwrap();
                    let unrecorded = StateTrie::new(state.root()).update(&block, &witness).unwrap();

                    let mut updates = NodeUpdates::new();
                    let root = state.apply(&block, &store, &mut updates).unwrap();
                    apply_to_model(&mut model, &block);
                    prop_assert_eq!(root, model_root(&model));
                    prop_assert_eq!(root, state.root());
                    prop_assert_eq!(root, recorded);
                    prop_assert_eq!(root, replayed);
                    prop_assert_eq!(root, unrecorded);
                    let mut other = store.clone();
                    store.apply(updates);
                    other.apply(replica_updates);
                    prop_assert_eq!(&store, &other);
                    check_store(&store, &model);
                }
                Op::Torn(block, lost) => {
                    if store.0.is_empty() {
                        continue;
                    }
                    let mut torn = store.clone();
                    let gone = torn.0.keys().nth(lost.index(torn.0.len())).cloned().unwrap();
                    torn.0.remove(&gone);
                    let before = state.root();
                    let mut updates = vec![(gone.clone(), None)];
                    let (mut attempt, mut unrecorded) = (state.clone(), state.clone());
                    let failed = attempt.apply(&block, &torn, &mut updates).is_err();
                    prop_assert_eq!(unrecorded.update(&block, &torn).is_err(), failed);
                    if failed {
                        prop_assert_eq!((unrecorded.root(), unrecorded.node_count()), (before, 0));
                        prop_assert_eq!(updates, vec![(gone, None)]);
                        prop_assert_eq!((attempt.root(), attempt.node_count()), (before, 0));
                        state = attempt;
                    }
                }
                Op::Read(address, slot) => {
                    let entry = model.get(&address);
                    let account = state.account(address, &store).unwrap();
                    prop_assert_eq!(account, entry.map(trie_account));
                    let expected = entry.and_then(|(_, storage)| storage.get(&slot).copied());
                    let expected = expected.unwrap_or_default();
                    prop_assert_eq!(state.storage(address, slot, &store).unwrap(), expected);
                    let proof = state.prove(address, &[slot, B256::ZERO], &store).unwrap();
                    prop_assert_eq!(&proof.account, &entry.map(trie_account));
                    prop_assert_eq!(proof.storage[0].value, expected);
                    verify(&proof, state.root(), address);
                }
                Op::Reload => state = StateTrie::new(state.root()),
                Op::Shrink(nodes) => {
                    state.shrink(nodes);
                    prop_assert!(state.node_count() <= nodes);
                }
            }
        }
        // With everything read, as many nodes are in memory as there are.
        let mut fresh = StateTrie::new(state.root());
        for (address, (_, storage)) in &model {
            for state in [&mut state, &mut fresh] {
                state.account(*address, &store).unwrap();
                for (slot, value) in storage {
                    prop_assert_eq!(state.storage(*address, *slot, &store).unwrap(), *value);
                }
            }
        }
        prop_assert_eq!(state.node_count(), fresh.node_count());
        let whole = model.iter().map(|(address, (account, storage))| {
            let storage = storage.iter().map(|(slot, value)| (*slot, *value)).collect();
            let update = AccountUpdate { account: Some(*account), wipe_storage: false, storage };
            (*address, update)
        });
        prop_assert_eq!(state_root_of(whole), state.root());
    }
}

#[test]
fn empty_state_proves_absence_with_nothing() {
    let mut state = StateTrie::new(EMPTY_ROOT_HASH);
    let proof = state.prove(B256::ZERO, &[B256::ZERO], &Witness::new()).unwrap();
    assert_eq!(proof.account, None);
    assert_eq!(proof.account_proof, Vec::<Bytes>::new());
    assert_eq!(proof.storage_root, EMPTY_ROOT_HASH);
    assert_eq!(proof.storage[0].proof, Vec::<Bytes>::new());
    verify(&proof, EMPTY_ROOT_HASH, B256::ZERO);
    assert_eq!((state.node_count(), state.is_empty()), (0, true));
    assert_eq!(state_root_of([]), EMPTY_ROOT_HASH);
}

/// One account, spelled out: `keccak(rlp([hex-prefix(key), rlp([0, 1, emptyRoot, emptyCode])]))`.
#[test]
fn one_account_is_one_leaf() {
    let hashed = keccak256(address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"));
    let account = AccountUpdate { account: Some(plain(0, 1)), ..Default::default() };
    let leaf = [
        &[0xf8, 0x6a, 0xa1, 0x20],
        hashed.as_slice(),
        &[0xb8, 0x46, 0xf8, 0x44, 0x80, 0x01, 0xa0],
        EMPTY_ROOT_HASH.as_slice(),
        &[0xa0],
        KECCAK_EMPTY.as_slice(),
    ];
    assert_eq!(state_root_of([(hashed, account)]), keccak256(leaf.concat()));
}

#[test]
fn values_that_are_not_accounts_are_errors() {
    let key = B256::repeat_byte(3);
    let (mut trie, mut updates) = (duplex_trie::Trie::new(None, EMPTY_ROOT_HASH), NodeUpdates::new());
    trie.insert(&key, &[0xc2, 1, 2], &Witness::new()).unwrap();
    let root = trie.commit(&mut updates);
    let witness: Witness = updates.into_iter().filter_map(|(_, rlp)| rlp).collect();
    let mut state = StateTrie::new(root);
    assert!(matches!(state.account(key, &witness), Err(TrieError::Value { key, .. })
        if key.owner.is_none() && key.path.len() == 64));
    assert!(matches!(state.storage(key, key, &witness), Err(TrieError::Value { .. })));
    let block = HashedState::from([(key, AccountUpdate::default())]);
    assert!(state.apply(&block, &witness, &mut NodeUpdates::new()).is_err());
    assert_eq!(state.root(), root);
}

#[test]
fn shrinking_forgets_storage_tries_that_are_not_used() {
    let (mut state, mut store) = (StateTrie::new(EMPTY_ROOT_HASH), Store::default());
    let slots: Vec<_> = (1..20u64).map(|n| (keccak256(n.to_be_bytes()), U256::from(n))).collect();
    let mut sorted = slots.clone();
    sorted.sort();
    let block = (0..100u64).map(|n| {
        let account = Some(plain(n, 1));
        let update = AccountUpdate { account, wipe_storage: false, storage: sorted.clone() };
        (keccak256(n.to_be_bytes()), update)
    });
    let mut updates = NodeUpdates::new();
    state.apply(&block.collect(), &store, &mut updates).unwrap();
    store.apply(updates);
    let full = state.node_count();
    assert!(full > 2000);
    let hot = keccak256(7u64.to_be_bytes());
    for _ in 0..5 {
        for (slot, value) in &slots {
            assert_eq!(state.storage(hot, *slot, &store).unwrap(), *value);
        }
        state.apply(&HashedState::new(), &store, &mut NodeUpdates::new()).unwrap();
    }
    state.shrink(full - 1);
    assert!(state.node_count() < 100, "{}", state.node_count());
    for (slot, value) in &slots {
        assert_eq!(state.storage(hot, *slot, &Witness::new()).unwrap(), *value);
    }
    state.shrink(0);
    assert_eq!(state.node_count(), 0);
}
