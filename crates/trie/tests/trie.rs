//! One trie against a map.

mod common;

use alloy_primitives::{B256, Bytes, b256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles, proof::verify_proof};
use common::{Store, key, reference_root, value};
use duplex_trie::{NodeKey, NodeUpdates, Trie, TrieError, Witness};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Op {
    Insert(B256, Vec<u8>),
    Remove(B256),
    /// Removes the present key that is next to this one.
    RemoveNear(B256),
    Get(B256),
    Prove(B256),
    Clear,
    Commit,
    Reload,
    Shrink(usize),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (key(), value()).prop_map(|(key, value)| Op::Insert(key, value)),
        2 => key().prop_map(Op::Remove),
        8 => key().prop_map(Op::RemoveNear),
        2 => key().prop_map(Op::Get),
        2 => key().prop_map(Op::Prove),
        1 => prop_oneof![9 => Just(Op::Commit), 1 => Just(Op::Clear)],
        2 => Just(Op::Commit),
        2 => Just(Op::Reload),
        2 => (0..40usize).prop_map(Op::Shrink),
    ]
}

/// The trie under test with everything it should agree with.
struct Bench {
    trie: Trie,
    store: Store,
    model: BTreeMap<B256, Vec<u8>>,
}

const OWNER: Option<B256> = Some(B256::repeat_byte(7));

impl Bench {
    fn new() -> Self {
        let trie = Trie::new(OWNER, EMPTY_ROOT_HASH);
        Self { trie, store: Store::default(), model: BTreeMap::new() }
    }

    fn remove(&mut self, key: &B256) {
        let was = self.model.remove(key).is_some();
        assert_eq!(self.trie.remove(key, &self.store).unwrap(), was);
    }

    fn commit(&mut self) {
        let mut updates = NodeUpdates::new();
        let root = self.trie.commit(&mut updates);
        assert_eq!(root, self.trie.root());
        assert_eq!(root, reference_root(&self.model));
        self.store.apply(updates);
        let reachable = self.store.reachable(OWNER, root);
        assert!(self.store.0.keys().eq(reachable.iter()), "unreachable nodes in the store");

        let mut fresh = (Trie::new(OWNER, EMPTY_ROOT_HASH), NodeUpdates::new(), Store::default());
        for (key, value) in self.model.iter().rev() {
            fresh.0.insert(key, value, &Witness::new()).unwrap();
        }
        fresh.0.commit(&mut fresh.1);
        fresh.2.apply(fresh.1);
        assert_eq!(self.store, fresh.2);
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Insert(key, value) => {
                let changed = self.model.insert(key, value.clone()).as_ref() != Some(&value);
                assert_eq!(self.trie.insert(&key, &value, &self.store).unwrap(), changed);
            }
            Op::Remove(key) => self.remove(&key),
            Op::RemoveNear(key) => {
                if let Some(key) = self.model.range(key..).next().map(|(key, _)| *key) {
                    self.remove(&key);
                }
            }
            Op::Get(key) => {
                let got = self.trie.get(&key, &self.store).unwrap();
                assert_eq!(got, self.model.get(&key).map(Vec::as_slice));
            }
            Op::Prove(key) => {
                self.commit();
                let proof = self.trie.prove(&key, &self.store).unwrap();
                let value = self.model.get(&key).cloned();
                verify_proof(self.trie.root(), Nibbles::unpack(key), value, &proof).unwrap();
                assert_eq!(proof.is_empty(), self.model.is_empty());
            }
            Op::Clear => {
                self.trie.clear(&self.store).unwrap();
                self.model.clear();
            }
            Op::Commit => self.commit(),
            Op::Reload => {
                self.commit();
                self.trie = Trie::new(OWNER, self.trie.root());
            }
            Op::Shrink(nodes) => {
                self.commit();
                self.trie.shrink(nodes);
                assert!(self.trie.node_count() <= nodes);
            }
        }
        assert_eq!(self.trie.is_empty(), self.model.is_empty());
    }

    /// The count of nodes in memory is that of a trie into which everything was just read.
    fn check_len(&mut self) {
        self.commit();
        let mut fresh = Trie::new(OWNER, self.trie.root());
        for key in self.model.keys() {
            fresh.get(key, &self.store).unwrap();
            self.trie.get(key, &self.store).unwrap();
        }
        assert_eq!(self.trie.node_count(), fresh.node_count());
        fresh.shrink(0);
        assert_eq!(fresh.node_count(), 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn behaves_like_a_map(ops in prop::collection::vec(op(), 1..80)) {
        let mut bench = Bench::new();
        for op in ops {
            if matches!(op, Op::Shrink(_) | Op::Reload) {
                bench.check_len();
            }
            bench.run(op);
        }
        bench.check_len();
    }

    /// A node that cannot be had makes the call fail and changes nothing.
    #[test]
    fn errors_change_nothing(
        entries in prop::collection::btree_map(key(), value(), 1..30),
        ops in prop::collection::vec((key(), prop::option::of(value())), 1..30),
        lost in any::<prop::sample::Index>(),
    ) {
        let mut bench = Bench::new();
        for (key, value) in entries {
            bench.run(Op::Insert(key, value));
        }
        bench.run(Op::Reload);
        let mut torn = bench.store.clone();
        let gone = torn.0.keys().nth(lost.index(torn.0.len())).cloned().unwrap();
        torn.0.remove(&gone);
        for (key, value) in ops {
            let result = match &value {
                Some(value) => bench.trie.insert(&key, value, &torn),
                None => bench.trie.remove(&key, &torn),
            };
            match (result, value) {
                (Ok(_), Some(value)) => drop(bench.model.insert(key, value)),
                (Ok(_), None) => drop(bench.model.remove(&key)),
                (Err(TrieError::Missing { key, .. }), _) => prop_assert_eq!(*key, gone.clone()),
                (Err(other), _) => panic!("{other}"),
            }
        }
        if bench.trie.clone().clear(&torn).is_err() {
            prop_assert!(bench.trie.clear(&torn).is_err());
        }
        bench.check_len();
    }
}

#[test]
fn empty_trie() {
    let mut trie = Trie::new(None, EMPTY_ROOT_HASH);
    let nothing = Witness::new();
    assert!(trie.is_empty());
    assert_eq!(trie.get(&B256::ZERO, &nothing).unwrap(), None);
    assert!(!trie.remove(&B256::ZERO, &nothing).unwrap());
    assert_eq!(trie.prove(&B256::ZERO, &nothing).unwrap(), Vec::<Bytes>::new());
    let mut updates = NodeUpdates::new();
    assert_eq!(trie.commit(&mut updates), EMPTY_ROOT_HASH);
    assert_eq!(updates, []);
    assert!(trie.insert(&B256::ZERO, &[1], &nothing).unwrap());
    assert!(trie.insert(&B256::ZERO, &[], &nothing).unwrap(), "an empty value removes");
    assert_eq!(trie.commit(&mut updates), EMPTY_ROOT_HASH);
    assert_eq!(updates, []);
}

/// The storage of one slot: slot 0 = 1, as many a contract has. keccak256(0) and the root can be
/// checked with any client.
#[test]
fn single_leaf_and_its_proof() {
    let slot = keccak256(B256::ZERO);
    assert_eq!(slot, b256!("290decd9548b62a8d60345a988386fc84ba6bc95484008f6362f93160ef3e563"));
    let (mut trie, mut updates) = (Trie::new(None, EMPTY_ROOT_HASH), NodeUpdates::new());
    trie.insert(&slot, &[1], &Witness::new()).unwrap();
    assert_eq!(trie.prove(&slot, &Witness::new()), Err(TrieError::Uncommitted));
    let root = trie.commit(&mut updates);
    assert_eq!(root, b256!("821e2556a290c86405f8160a2d662042a431ba456b9db265c79bb837c04be5f0"));
    let key = NodeKey { owner: None, path: Nibbles::new() };
    let [(at, Some(rlp))] = &updates[..] else { panic!("{updates:?}") };
    assert_eq!(at, &key);
    assert_eq!(keccak256(rlp), root);
    for (key, value) in [(slot, Some(vec![1])), (B256::ZERO, None)] {
        let proof = trie.prove(&key, &Witness::new()).unwrap();
        assert_eq!(proof, core::slice::from_ref(rlp));
        verify_proof(root, Nibbles::unpack(key), value, &proof).unwrap();
    }
    trie.remove(&slot, &Witness::new()).unwrap();
    updates.clear();
    assert_eq!(trie.commit(&mut updates), EMPTY_ROOT_HASH);
    assert_eq!(updates, [(key, None)]);
}

#[test]
fn short_nodes_are_inlined_and_not_reported() {
    let (mut trie, mut updates) = (Trie::new(None, EMPTY_ROOT_HASH), NodeUpdates::new());
    for last in [1, 2, 3] {
        trie.insert(&B256::with_last_byte(last), &[last], &Witness::new()).unwrap();
    }
    trie.commit(&mut updates);
    assert_eq!(updates.len(), 1, "branch and leaves are inlined in the extension");
    assert_eq!(trie.node_count(), 5);
}

#[test]
fn corrupt_and_missing_nodes_are_named() {
    let key = B256::repeat_byte(0x11);
    let mut trie = Trie::new(None, key);
    let Err(error) = trie.get(&key, &Witness::new()) else { panic!("found something") };
    assert_eq!(
        error.to_string(),
        format!(
            "node {key} of the account trie at 0x is missing from the source; use a source that \
             holds this state"
        )
    );
    let mut witness = Witness::new();
    let root = witness.insert(Bytes::from_static(b"not a node"));
    let mut trie = Trie::new(OWNER, root);
    assert!(matches!(
        trie.insert(&key, &[1], &witness),
        Err(TrieError::Decode { key, hash, .. }) if key.owner == OWNER && hash == root
    ));
    assert!(matches!(trie.remove(&key, &witness), Err(TrieError::Decode { .. })));
    assert!(matches!(trie.prove(&key, &witness), Err(TrieError::Decode { .. })));
    assert!(matches!(trie.clear(&witness), Err(TrieError::Decode { .. })));
    assert_eq!((trie.root(), trie.node_count()), (root, 0));

    let mut store = Store::default();
    store.0.insert(NodeKey { owner: OWNER, path: Nibbles::new() }, Bytes::from_static(&[0xc0]));
    assert!(matches!(trie.get(&key, &store), Err(TrieError::Source(why)) if why.contains("is not")));
}

#[test]
fn shrink_keeps_what_was_used_last() {
    let mut bench = Bench::new();
    let keys: Vec<B256> = (0..2000u64).map(|n| keccak256(n.to_be_bytes())).collect();
    for key in &keys {
        bench.run(Op::Insert(*key, vec![9; 40]));
    }
    bench.commit();
    for _ in 0..10 {
        for key in &keys[..50] {
            bench.run(Op::Get(*key));
        }
        bench.trie.commit(&mut NodeUpdates::new());
    }
    bench.trie.shrink(500);
    assert!(bench.trie.node_count() <= 375, "{}", bench.trie.node_count());
    assert!(bench.trie.node_count() > 50);
    for key in &keys[..50] {
        assert!(bench.trie.get(key, &Witness::new()).unwrap().is_some(), "still in memory");
    }
    for key in keys {
        bench.run(Op::Get(key));
    }
}

/// The leaf that remains must be fetched before anything is changed.
#[test]
fn removal_without_the_sibling_changes_nothing() {
    let mut bench = Bench::new();
    let keys = [B256::repeat_byte(0x11), B256::repeat_byte(0x22)];
    for key in keys {
        bench.run(Op::Insert(key, vec![7; 40]));
    }
    bench.run(Op::Reload);
    let mut torn = bench.store.clone();
    let gone = NodeKey { owner: OWNER, path: Nibbles::from_nibbles([2]) };
    torn.0.remove(&gone).unwrap();
    assert!(matches!(
        bench.trie.remove(&keys[0], &torn),
        Err(TrieError::Missing { key, .. }) if *key == gone
    ));
    let mut updates = NodeUpdates::new();
    let root = bench.trie.root();
    assert_eq!(bench.trie.commit(&mut updates), root);
    assert_eq!(updates, []);
    bench.run(Op::RemoveNear(keys[0]));
    bench.commit();
}

/// An inlined node has nowhere to be fetched from but its parent.
#[test]
fn shrink_keeps_inlined_nodes_with_their_parent() {
    let mut bench = Bench::new();
    let [near, inlined] = [B256::with_last_byte(1), B256::with_last_byte(2)];
    let far = [0x10, 0x20, 0x30, 0x40, 0x50, 0x60].map(B256::repeat_byte);
    for key in far.into_iter().chain([near, inlined]) {
        bench.run(Op::Insert(key, vec![5]));
    }
    for _ in 0..100 {
        bench.commit();
        bench.run(Op::Get(near));
    }
    let all = bench.trie.node_count();
    bench.trie.shrink(all - 1);
    assert_eq!(bench.trie.node_count(), all - far.len(), "the far leaves go");
    assert_eq!(bench.trie.get(&inlined, &Witness::new()).unwrap(), Some(&[5][..]));
    assert!(bench.trie.get(&far[0], &Witness::new()).is_err());
    bench.check_len();
}
