//! A store by path, and a plain model to hold tries against.
#![allow(dead_code, unreachable_pub, missing_docs)]

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, Nibbles, nodes::TrieNode};
use duplex_trie::{NodeKey, NodeSource, NodeUpdates};
use proptest::{prelude::*, sample::select};
use std::collections::{BTreeMap, BTreeSet};

/// What a database makes of node updates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Store(pub BTreeMap<NodeKey, Bytes>);

impl Store {
    pub fn apply(&mut self, updates: NodeUpdates) {
        let mut seen = BTreeSet::new();
        for (key, rlp) in updates {
            assert!(seen.insert(key.clone()), "{key} occurs twice");
            match rlp {
                Some(rlp) => drop(self.0.insert(key, rlp)),
                None => assert!(self.0.remove(&key).is_some(), "{key} was not stored"),
            }
        }
    }

    /// Every stored node below a root, found by walking with another decoder. Panics if one is
    /// missing or is not what its parent names.
    pub fn reachable(&self, owner: Option<B256>, root: B256) -> BTreeSet<NodeKey> {
        let mut found = BTreeSet::new();
        if root != EMPTY_ROOT_HASH {
            self.walk(owner, Nibbles::new(), &hash_rlp(root), &mut found);
        }
        found
    }

    fn walk(&self, owner: Option<B256>, path: Nibbles, name: &[u8], found: &mut BTreeSet<NodeKey>) {
        let node = if name.len() == 33 {
            let key = NodeKey { owner, path };
            let rlp = self.0.get(&key).unwrap_or_else(|| panic!("{key} is missing"));
            assert_eq!(keccak256(rlp), B256::from_slice(&name[1..]), "{key} is stale");
            found.insert(key);
            rlp.to_vec()
        } else {
            name.to_vec()
        };
        match alloy_rlp::decode_exact::<TrieNode>(&node).expect("valid node") {
            TrieNode::EmptyRoot => panic!("empty node below a root"),
            TrieNode::Leaf(leaf) => assert_eq!(path.len() + leaf.key.len(), 64),
            TrieNode::Extension(node) => {
                self.walk(owner, path.join(&node.key), &node.child, found);
            }
            TrieNode::Branch(node) => {
                for (n, child) in node.as_ref().children() {
                    if let Some(child) = child {
                        let mut path = path;
                        path.push(n);
                        self.walk(owner, path, child, found);
                    }
                }
            }
        }
    }
}

fn hash_rlp(hash: B256) -> Vec<u8> {
    [&[0xa0], hash.as_slice()].concat()
}

impl NodeSource for Store {
    type Error = String;

    fn node(&self, key: &NodeKey, hash: &B256) -> Result<Option<Bytes>, String> {
        match self.0.get(key) {
            Some(rlp) if keccak256(rlp) != *hash => Err(format!("{key} is not {hash}")),
            found => Ok(found.cloned()),
        }
    }
}

/// The root of a trie with these entries, computed by alloy.
pub fn reference_root(entries: &BTreeMap<B256, Vec<u8>>) -> B256 {
    let mut builder = HashBuilder::default();
    entries.iter().for_each(|(key, value)| builder.add_leaf(Nibbles::unpack(key), value));
    builder.root()
}

/// Keys from a small set of close relatives (so that they meet again, share up to 63 nibbles and
/// inline their leaves), now and then one that is far from all.
pub fn key() -> impl Strategy<Value = B256> {
    let place = select(vec![0usize, 1, 15, 16, 30, 31, 31, 31]);
    let byte = select(vec![0u8, 1, 2, 0x10, 0x11, 0x12, 0xf0, 0xff]);
    let near = prop::collection::vec((place, byte), 0..3).prop_map(|changes| {
        let mut key = B256::ZERO;
        changes.into_iter().for_each(|(place, byte)| key[place] = byte);
        key
    });
    prop_oneof![4 => near, 1 => (0..200u64).prop_map(|n| keccak256(n.to_be_bytes()))]
}

/// Mostly values so short that their leaf may be inlined.
pub fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::collection::vec(1..=255u8, 1),
        1 => prop::collection::vec(any::<u8>(), 1..34),
        1 => prop::collection::vec(any::<u8>(), 60..120),
    ]
}
