//! Insertion and removal of one key.

use crate::{
    NodeSource,
    decode::Expect,
    error::Result,
    fetch::Fetch,
    node::{
        Extension, Leaf, Link, Node, Reference, child_path, common_prefix, follows, has, nibble, nibbles,
        prefix, slot,
    },
};
use alloc::collections::BTreeSet;
use alloy_primitives::B256;
use alloy_trie::Nibbles;
use core::mem;

/// A change of one key, on its way down a trie. Everything that can fail happens before anything
/// is changed, so that an error leaves the trie as it was.
pub(crate) struct Edit<'a, S> {
    pub(crate) fetch: Fetch<'a, S>,
    pub(crate) key: &'a B256,
    /// The trie's count of nodes in memory.
    pub(crate) nodes: &'a mut usize,
    /// Paths whose stored node went away.
    pub(crate) removed: &'a mut BTreeSet<Nibbles>,
}

impl<S: NodeSource> Edit<'_, S> {
    fn touch(&mut self, link: &mut Link, depth: usize, expect: Expect) -> Result<(), S::Error> {
        *self.nodes += self.fetch.touch(link, || prefix(self.key, depth), expect)?;
        Ok(())
    }

    fn fresh(&self, node: Node) -> Link {
        Link::new(node, self.fetch.epoch)
    }

    /// Puts the value below `link`, which hangs at `depth`. Returns whether anything changed.
    pub(crate) fn insert(
        &mut self,
        link: &mut Link,
        depth: usize,
        expect: Expect,
        value: &[u8],
    ) -> Result<bool, S::Error> {
        self.touch(link, depth, expect)?;
        let changed = match &mut link.node {
            Node::Stub => unreachable!("just touched"),
            Node::Empty => {
                link.node = Node::Leaf(Leaf::new(self.key, value));
                *self.nodes += 1;
                true
            }
            Node::Leaf(leaf) if leaf.is(self.key) => leaf.set(value),
            Node::Leaf(leaf) => {
                let other = leaf.key();
                let at = common_prefix(&other, self.key);
                let old = self.fresh(mem::take(&mut link.node));
                let new = self.fresh(Node::Leaf(Leaf::new(self.key, value)));
                let fork = Node::fork((nibble(&other, at), old), (nibble(self.key, at), new));
                *self.nodes += 2;
                link.node = self.extend(prefix(self.key, at).slice(depth..), fork);
                true
            }
            Node::Extension(extension) => {
                let shared = follows(&extension.key, self.key, depth);
                let end = depth + extension.key.len();
                if shared == extension.key.len() {
                    self.insert(&mut extension.child, end, Expect::Branch, value)?
                } else {
                    link.node = self.split(mem::take(&mut link.node), depth, shared, value);
                    true
                }
            }
            Node::Branch { mask, links } => {
                let n = nibble(self.key, depth);
                let slot = slot(*mask, n);
                if has(*mask, n) {
                    self.insert(&mut links[slot], depth + 1, Expect::Any, value)?
                } else {
                    let mut grown = mem::take(links).into_vec();
                    grown.reserve_exact(1);
                    grown.insert(slot, self.fresh(Node::Leaf(Leaf::new(self.key, value))));
                    *links = grown.into_boxed_slice();
                    *mask |= 1 << n;
                    *self.nodes += 1;
                    true
                }
            }
        };
        if changed {
            link.reference = Reference::UNKNOWN;
        }
        Ok(changed)
    }

    /// `node`, behind an extension if `key` is not empty.
    fn extend(&mut self, key: Nibbles, node: Node) -> Node {
        if key.is_empty() {
            return node;
        }
        *self.nodes += 1;
        Node::extension(key, self.fresh(node))
    }

    /// Forks the extension at `depth` after the `shared` nibbles that the new key has too. The
    /// extension's child keeps its path, so its link moves as it is.
    fn split(&mut self, node: Node, depth: usize, shared: usize, value: &[u8]) -> Node {
        let Node::Extension(extension) = node else { unreachable!("only extensions are split") };
        let Extension { key, child } = *extension;
        *self.nodes -= 1;
        let tail = key.slice(shared + 1..);
        let old = if tail.is_empty() {
            child
        } else {
            *self.nodes += 1;
            self.fresh(Node::extension(tail, child))
        };
        let new = self.fresh(Node::Leaf(Leaf::new(self.key, value)));
        *self.nodes += 2;
        let ways = (key.get_unchecked(shared), nibble(self.key, depth + shared));
        self.extend(key.slice(..shared), Node::fork((ways.0, old), (ways.1, new)))
    }

    /// Removes the key from below `link`, which hangs at `depth`. Returns whether it was there.
    pub(crate) fn remove(&mut self, link: &mut Link, depth: usize, expect: Expect) -> Result<bool, S::Error> {
        self.touch(link, depth, expect)?;
        let removed = match &mut link.node {
            Node::Stub => unreachable!("just touched"),
            Node::Empty => false,
            Node::Leaf(leaf) => {
                // Only the root: a branch removes its leaves itself.
                let found = leaf.is(self.key);
                if found {
                    link.node = Node::Empty;
                    *self.nodes -= 1;
                    self.forget(link, Nibbles::new);
                }
                found
            }
            Node::Extension(extension) => {
                let end = depth + extension.key.len();
                if follows(&extension.key, self.key, depth) < extension.key.len()
                    || !self.remove(&mut extension.child, end, Expect::Branch)?
                {
                    return Ok(false);
                }
                let Extension { key, child } = extension.as_mut();
                if !matches!(child.node, Node::Branch { .. }) {
                    // The branch became a leaf or an extension: draw it up into this node.
                    self.forget(child, || prefix(self.key, end));
                    let key = *key;
                    let below = mem::take(&mut child.node);
                    link.node = self.draw_up(key, below);
                }
                true
            }
            Node::Branch { mask, links } => {
                let n = nibble(self.key, depth);
                if !has(*mask, n) {
                    return Ok(false);
                }
                let slot = slot(*mask, n);
                self.touch(&mut links[slot], depth + 1, Expect::Any)?;
                match &links[slot].node {
                    Node::Leaf(leaf) if leaf.is(self.key) => {
                        self.remove_child(&mut link.node, depth, n)?;
                        true
                    }
                    Node::Leaf(_) => false,
                    _ => self.remove(&mut links[slot], depth + 1, Expect::Any)?,
                }
            }
        };
        if removed {
            link.reference = Reference::UNKNOWN;
        }
        Ok(removed)
    }

    /// Takes the leaf at nibble `n` out of a branch at `depth`. Of a branch that is left with one
    /// child, nothing remains but the child, with a longer key.
    fn remove_child(&mut self, branch: &mut Node, depth: usize, n: u8) -> Result<(), S::Error> {
        let Node::Branch { mask, links } = branch else { unreachable!("called on branches") };
        let slot = slot(*mask, n);
        let rest = *mask & !(1 << n);
        let path = prefix(self.key, depth);
        if let [a, b] = &mut links[..] {
            let (gone, last) = if slot == 0 { (a, b) } else { (b, a) };
            let way = rest.trailing_zeros() as u8;
            // What the last child is decides what becomes of it.
            let last_path = child_path(&path, way);
            *self.nodes += self.fetch.touch(last, || last_path, Expect::Any)?;
            self.forget(gone, || child_path(&path, n));
            *self.nodes -= 1;
            let key = Nibbles::from_nibbles([way]);
            if matches!(last.node, Node::Branch { .. }) {
                let last = mem::replace(last, Link::new(Node::Empty, 0));
                *branch = Node::extension(key, last);
            } else {
                self.forget(last, || last_path);
                let last = mem::take(&mut last.node);
                *branch = self.draw_up(key, last);
            }
        } else {
            self.forget(&mut links[slot], || child_path(&path, n));
            *self.nodes -= 1;
            let mut shrunk = mem::take(links).into_vec();
            shrunk.remove(slot);
            *links = shrunk.into_boxed_slice();
            *mask = rest;
        }
        Ok(())
    }

    /// Joins a leaf or an extension to the nibbles above it. One node remains where two were.
    fn draw_up(&mut self, above: Nibbles, node: Node) -> Node {
        *self.nodes -= 1;
        match node {
            Node::Extension(mut extension) => {
                extension.key = above.join(&extension.key);
                Node::Extension(extension)
            }
            leaf => leaf,
        }
    }

    /// Notes that the link's path will hold no node any more.
    fn forget(&mut self, link: &mut Link, path: impl FnOnce() -> Nibbles) {
        if mem::take(&mut link.stored) {
            self.removed.insert(path());
        }
    }

    /// Notes that no path at or below `link` will hold a node any more. Fetches what is not in
    /// memory, to learn the paths.
    pub(crate) fn forget_all(
        &mut self,
        link: &mut Link,
        path: Nibbles,
        expect: Expect,
    ) -> Result<(), S::Error> {
        *self.nodes += self.fetch.touch(link, || path, expect)?;
        if link.stored {
            self.removed.insert(path);
        }
        match &mut link.node {
            Node::Empty | Node::Leaf(_) | Node::Stub => {}
            Node::Extension(extension) => {
                let Extension { key, child } = extension.as_mut();
                self.forget_all(child, path.join(key), Expect::Branch)?;
            }
            Node::Branch { mask, links } => {
                for (n, link) in nibbles(*mask).zip(links.iter_mut()) {
                    self.forget_all(link, child_path(&path, n), Expect::Any)?;
                }
            }
        }
        Ok(())
    }
}
