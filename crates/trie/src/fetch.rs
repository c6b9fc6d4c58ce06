//! Bringing stubs to life.

use crate::{
    NodeKey, NodeSource, TrieError,
    decode::{Expect, decode},
    error::Result,
    node::{Link, Node},
};
use alloc::boxed::Box;
use alloy_primitives::B256;
use alloy_trie::Nibbles;

/// Where one trie's nodes come from, and what time it is there.
pub(crate) struct Fetch<'a, S> {
    pub(crate) owner: Option<B256>,
    pub(crate) source: &'a S,
    pub(crate) epoch: u32,
}

impl<S: NodeSource> Fetch<'_, S> {
    /// Marks the link as used and makes sure that its node is in memory. Returns how many nodes
    /// came into memory. An error leaves the link as it was.
    #[inline]
    pub(crate) fn touch(
        &self,
        link: &mut Link,
        path: impl FnOnce() -> Nibbles,
        expect: Expect,
    ) -> Result<usize, S::Error> {
        link.stamp = self.epoch;
        if matches!(link.node, Node::Stub) { self.load(link, path(), expect) } else { Ok(0) }
    }

    #[cold]
    fn load(&self, link: &mut Link, path: Nibbles, expect: Expect) -> Result<usize, S::Error> {
        let key = NodeKey { owner: self.owner, path };
        let Some(hash) = link.reference.as_hash() else { unreachable!("a stub is referenced by its hash") };
        let rlp = self.source.node(&key, &hash).map_err(TrieError::Source)?;
        let Some(rlp) = rlp else {
            return Err(TrieError::Missing { key: Box::new(key), hash });
        };
        let (node, nodes) = decode(&rlp, &key.path, expect).map_err(|reason| TrieError::Decode {
            key: Box::new(key),
            hash,
            reason,
        })?;
        link.node = node;
        Ok(nodes)
    }
}
