//! Node sources made of what an execution read.

use crate::{NodeKey, NodeSource};
use alloc::collections::BTreeMap;
use alloy_primitives::{B256, Bytes, keccak256};
use core::{cell::RefCell, convert::Infallible};

/// Preimages by their keccak hash: trie nodes, and whatever else is named by hash (code, headers).
///
/// It computes every hash itself, so what it answers is what was asked for, whoever made it. The
/// order is that of the hashes: equal witnesses serialize to equal bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Witness {
    preimages: BTreeMap<B256, Bytes>,
}

impl Witness {
    /// An empty witness: a source that has nothing, enough for a trie that starts empty.
    pub const fn new() -> Self {
        Self { preimages: BTreeMap::new() }
    }

    /// Adds a preimage and returns its hash.
    pub fn insert(&mut self, preimage: Bytes) -> B256 {
        let hash = keccak256(&preimage);
        self.preimages.insert(hash, preimage);
        hash
    }

    /// The preimage of `hash`.
    pub fn get(&self, hash: &B256) -> Option<&Bytes> {
        self.preimages.get(hash)
    }

    /// The number of preimages.
    pub fn len(&self) -> usize {
        self.preimages.len()
    }

    /// Whether there are no preimages.
    pub fn is_empty(&self) -> bool {
        self.preimages.is_empty()
    }

    /// All preimages with their hashes, in order of the hashes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&B256, &Bytes)> {
        self.preimages.iter()
    }

    /// The preimages, in order of their hashes.
    pub fn into_preimages(self) -> impl ExactSizeIterator<Item = Bytes> {
        self.preimages.into_values()
    }
}

impl Extend<Bytes> for Witness {
    fn extend<I: IntoIterator<Item = Bytes>>(&mut self, preimages: I) {
        for preimage in preimages {
            self.insert(preimage);
        }
    }
}

impl FromIterator<Bytes> for Witness {
    fn from_iter<I: IntoIterator<Item = Bytes>>(preimages: I) -> Self {
        let mut witness = Self::new();
        witness.extend(preimages);
        witness
    }
}

impl NodeSource for Witness {
    type Error = Infallible;

    fn node(&self, _: &NodeKey, hash: &B256) -> Result<Option<Bytes>, Infallible> {
        Ok(self.get(hash).cloned())
    }
}

/// A source that remembers every node it handed out.
///
/// Execute a block on a [`StateTrie`](crate::StateTrie) fresh from
/// [`StateTrie::new`](crate::StateTrie::new) over a recorder, compute the new root, and the
/// recorder has the witness with which anyone can do the same.
#[derive(Debug, Default)]
pub struct Recorder<S> {
    source: S,
    seen: RefCell<BTreeMap<B256, Bytes>>,
}

impl<S> Recorder<S> {
    /// A recorder that asks `source`, which must give each node for its hash.
    pub const fn new(source: S) -> Self {
        Self { source, seen: RefCell::new(BTreeMap::new()) }
    }

    /// The nodes handed out so far.
    pub fn witness(&self) -> Witness {
        Witness { preimages: self.seen.borrow().clone() }
    }

    /// The nodes handed out.
    pub fn into_witness(self) -> Witness {
        Witness { preimages: self.seen.into_inner() }
    }

    /// The source behind the recorder.
    pub const fn source(&self) -> &S {
        &self.source
    }
}

impl<S: NodeSource> NodeSource for Recorder<S> {
    type Error = S::Error;

    fn node(&self, key: &NodeKey, hash: &B256) -> Result<Option<Bytes>, S::Error> {
        let rlp = self.source.node(key, hash)?;
        if let Some(rlp) = &rlp {
            self.seen.borrow_mut().insert(*hash, rlp.clone());
        }
        Ok(rlp)
    }
}
