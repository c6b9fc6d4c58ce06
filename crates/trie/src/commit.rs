//! Hashing what changed, and telling the store.

use crate::{
    NodeKey, NodeUpdates,
    node::{Link, Node, Reference, child_path, nibbles},
};
use alloc::{collections::BTreeSet, vec::Vec};
use alloy_primitives::{B256, Bytes, keccak256};
use alloy_trie::Nibbles;

/// One pass over the changed part of a trie, from the leaves up.
pub(crate) struct Commit<'a> {
    pub(crate) owner: Option<B256>,
    /// The RLP of the node at hand; kept to save allocations.
    pub(crate) rlp: Vec<u8>,
    /// Who wants to know what is to be stored, if anybody does.
    pub(crate) updates: Option<&'a mut NodeUpdates>,
    /// Paths whose stored node went away, less those that are written again.
    pub(crate) removed: BTreeSet<Nibbles>,
}

impl Commit<'_> {
    /// Learns the reference of `link`, which is at `path`, and of everything below it.
    pub(crate) fn link(&mut self, link: &mut Link, path: &Nibbles) {
        if link.reference.is_known() {
            return;
        }
        match &mut link.node {
            Node::Empty | Node::Stub | Node::Leaf(_) => {}
            Node::Extension(extension) => {
                let path = path.join(&extension.key);
                self.link(&mut extension.child, &path);
            }
            Node::Branch { mask, links } => {
                for (n, link) in nibbles(*mask).zip(links.iter_mut()) {
                    if !link.reference.is_known() {
                        self.link(link, &child_path(path, n));
                    }
                }
            }
        }
        self.rlp.clear();
        link.node.encode(path.len(), &mut self.rlp);
        // A root is never short: it has a 32-byte key in it, or one or more hashes.
        if self.rlp.len() >= 32 {
            link.reference = Reference::hash(&keccak256(&self.rlp));
            link.stored = true;
            if !self.removed.is_empty() {
                self.removed.remove(path);
            }
            if let Some(updates) = &mut self.updates {
                let key = NodeKey { owner: self.owner, path: *path };
                updates.push((key, Some(Bytes::copy_from_slice(&self.rlp))));
            }
        } else {
            link.reference = Reference::inline(&self.rlp);
            if core::mem::take(&mut link.stored) {
                self.removed.insert(*path);
            }
        }
    }

    /// Reports the nodes that are gone.
    pub(crate) fn finish(self) {
        if let Some(updates) = self.updates {
            updates.extend(self.removed.into_iter().map(|path| (NodeKey { owner: self.owner, path }, None)));
        }
    }
}
