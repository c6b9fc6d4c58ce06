//! One Merkle-Patricia trie over 32-byte keys.

use crate::{
    NodeKey, NodeSource, NodeUpdates, TrieError,
    commit::Commit,
    decode::Expect,
    edit::Edit,
    error::Result,
    fetch::Fetch,
    node::{KEY_NIBBLES, Link, Node, follows, has, nibble, prefix, slot},
    shrink::{self, Ages},
};
use alloc::{boxed::Box, collections::BTreeSet, vec::Vec};
use alloy_primitives::{B256, Bytes};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles};
use core::{fmt, mem};

/// A Merkle-Patricia trie over 32-byte keys, of which the touched part is in memory.
///
/// Changes become part of [`root`](Self::root) at the next [`commit`](Self::commit). If a call
/// fails, the trie is as it was before.
#[derive(Clone)]
pub struct Trie {
    owner: Option<B256>,
    link: Link,
    root: B256,
    nodes: usize,
    epoch: u32,
    removed: BTreeSet<Nibbles>,
}

impl Trie {
    /// The trie with the given root, for which nothing is fetched yet. `owner` is what its nodes
    /// will carry in [`NodeKey::owner`].
    pub fn new(owner: Option<B256>, root: B256) -> Self {
        let mut link = Link::stub(&root);
        if root == EMPTY_ROOT_HASH {
            link.node = Node::Empty;
            link.stored = false;
        }
        Self { owner, link, root, nodes: 0, epoch: 0, removed: BTreeSet::new() }
    }

    /// The root hash as of the last commit.
    pub const fn root(&self) -> B256 {
        self.root
    }

    /// The number of nodes in memory.
    pub const fn node_count(&self) -> usize {
        self.nodes
    }

    /// Whether the trie, with its uncommitted changes, has no entries.
    pub const fn is_empty(&self) -> bool {
        matches!(self.link.node, Node::Empty)
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// If a node on the way to the key cannot be had.
    pub fn get<S: NodeSource>(&mut self, key: &B256, source: &S) -> Result<Option<&[u8]>, S::Error> {
        self.walk(key, source, |_, _| Ok(()))
    }

    /// The nodes from the root to `key`, or to where it turns out to be absent, as in
    /// `eth_getProof` (EIP-1186): nodes that are inlined in their parent are not listed, and an
    /// empty trie gives an empty proof.
    ///
    /// # Errors
    /// If a node on the way to the key cannot be had, or if there are uncommitted changes.
    pub fn prove<S: NodeSource>(&mut self, key: &B256, source: &S) -> Result<Vec<Bytes>, S::Error> {
        let mut proof = Vec::new();
        self.walk(key, source, |link, depth| {
            if !link.reference.is_known() {
                return Err(TrieError::Uncommitted);
            }
            if link.reference.is_hash() && !matches!(link.node, Node::Empty) {
                proof.push(link.node.rlp(depth));
            }
            Ok(())
        })?;
        Ok(proof)
    }

    /// Follows `key` down, showing each node and its depth to `visit`.
    fn walk<S: NodeSource>(
        &mut self,
        key: &B256,
        source: &S,
        mut visit: impl FnMut(&Link, usize) -> Result<(), S::Error>,
    ) -> Result<Option<&[u8]>, S::Error> {
        let fetch = Fetch { owner: self.owner, source, epoch: self.epoch };
        let (mut link, mut depth, mut expect) = (&mut self.link, 0, Expect::Any);
        loop {
            self.nodes += fetch.touch(link, || prefix(key, depth), expect)?;
            visit(link, depth)?;
            match &mut link.node {
                Node::Stub => unreachable!("just touched"),
                Node::Empty => return Ok(None),
                Node::Leaf(leaf) => return Ok(leaf.is(key).then(|| leaf.value())),
                Node::Extension(extension) => {
                    if follows(&extension.key, key, depth) < extension.key.len() {
                        return Ok(None);
                    }
                    depth += extension.key.len();
                    expect = Expect::Branch;
                    link = &mut extension.child;
                }
                Node::Branch { mask, links } => {
                    let n = nibble(key, depth);
                    if !has(*mask, n) {
                        return Ok(None);
                    }
                    depth += 1;
                    expect = Expect::Any;
                    link = &mut links[slot(*mask, n)];
                }
            }
        }
    }

    /// Sets the value of `key`. An empty value means removal, as for Ethereum's tries. Returns
    /// whether anything changed.
    ///
    /// # Errors
    /// If a node on the way to the key cannot be had.
    pub fn insert<S: NodeSource>(&mut self, key: &B256, value: &[u8], source: &S) -> Result<bool, S::Error> {
        if value.is_empty() {
            return self.remove(key, source);
        }
        let (mut edit, link) = self.edit(key, source);
        edit.insert(link, 0, Expect::Any, value)
    }

    /// Removes `key`. Returns whether it was there.
    ///
    /// # Errors
    /// If a node on the way to the key cannot be had, or one that must be joined with its parent
    /// because it is the last child.
    pub fn remove<S: NodeSource>(&mut self, key: &B256, source: &S) -> Result<bool, S::Error> {
        let (mut edit, link) = self.edit(key, source);
        edit.remove(link, 0, Expect::Any)
    }

    /// Removes everything. The whole trie is read, so that the next commit can name every node
    /// that goes away.
    ///
    /// # Errors
    /// If any node cannot be had.
    pub fn clear<S: NodeSource>(&mut self, source: &S) -> Result<(), S::Error> {
        let mut removed = BTreeSet::new();
        let (mut edit, link) = self.edit(&B256::ZERO, source);
        edit.removed = &mut removed;
        edit.forget_all(link, Nibbles::new(), Expect::Any)?;
        self.removed.append(&mut removed);
        self.link = Link::new(Node::Empty, self.epoch);
        self.nodes = 0;
        Ok(())
    }

    fn edit<'a, S: NodeSource>(&'a mut self, key: &'a B256, source: &'a S) -> (Edit<'a, S>, &'a mut Link) {
        let fetch = Fetch { owner: self.owner, source, epoch: self.epoch };
        let (nodes, removed) = (&mut self.nodes, &mut self.removed);
        (Edit { fetch, key, nodes, removed }, &mut self.link)
    }

    /// Hashes what changed since the last commit and returns the new root. Appends to `updates`
    /// the nodes to write and those to delete; no key occurs twice.
    pub fn commit(&mut self, updates: &mut NodeUpdates) -> B256 {
        self.commit_to(Some(updates))
    }

    /// The same; nobody needs to be told where there is no store.
    pub(crate) fn commit_to(&mut self, updates: Option<&mut NodeUpdates>) -> B256 {
        let removed = mem::take(&mut self.removed);
        let rlp = Vec::with_capacity(600);
        let mut commit = Commit { owner: self.owner, rlp, updates, removed };
        commit.link(&mut self.link, &Nibbles::new());
        commit.finish();
        self.epoch = self.epoch.wrapping_add(1);
        self.root = match self.link.reference.as_hash() {
            Some(hash) if !self.is_empty() => hash,
            _ => EMPTY_ROOT_HASH,
        };
        self.root
    }

    /// If more than `max_nodes` are in memory, forgets those that were not used for longest, as
    /// far as they are committed, until at most three quarters of `max_nodes` remain (so that the
    /// next calls are cheap).
    pub fn shrink(&mut self, max_nodes: usize) {
        if self.nodes > max_nodes {
            let mut ages = [0; 33];
            self.count_ages(&mut ages);
            self.forget(shrink::keep(&ages, max_nodes - max_nodes / 4));
        }
    }

    pub(crate) fn count_ages(&self, ages: &mut Ages) {
        shrink::count(&self.link, self.epoch, 0, ages);
    }

    pub(crate) fn forget(&mut self, keep: usize) {
        self.nodes = shrink::forget(&mut self.link, self.epoch, keep);
    }

    pub(crate) const fn epoch(&self) -> u32 {
        self.epoch
    }

    pub(crate) const fn set_epoch(&mut self, epoch: u32) {
        self.epoch = epoch;
    }

    /// The error for a value that is not what this trie's leaves should hold.
    pub(crate) fn bad_value<E>(owner: Option<B256>, key: &B256, reason: alloy_rlp::Error) -> TrieError<E> {
        let path = prefix(key, KEY_NIBBLES);
        TrieError::Value { key: Box::new(NodeKey { owner, path }), reason }
    }
}

impl fmt::Debug for Trie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trie")
            .field("owner", &self.owner)
            .field("root", &self.root)
            .field("nodes", &self.nodes)
            .finish_non_exhaustive()
    }
}
