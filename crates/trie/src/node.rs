//! Nodes in memory and their RLP.
//!
//! A node lives in the [`Link`] of its parent, next to the reference by which the parent's RLP
//! names it. Hashing a parent therefore reads one contiguous block and touches no child that did
//! not change, and following a path costs one dereference a level.

use alloc::{boxed::Box, vec::Vec};
use alloy_primitives::{B256, Bytes};
use alloy_rlp::{EMPTY_STRING_CODE, Encodable, Header};
use alloy_trie::Nibbles;

/// Nibbles in a key: the depth below every leaf.
pub(crate) const KEY_NIBBLES: usize = 64;

/// The nibble of `key` at `depth`, which must be less than [`KEY_NIBBLES`].
#[inline]
pub(crate) fn nibble(key: &B256, depth: usize) -> u8 {
    let byte = key[depth / 2];
    if depth.is_multiple_of(2) { byte >> 4 } else { byte & 0x0f }
}

/// The path of the first `depth` nibbles of `key`.
#[inline]
pub(crate) fn prefix(key: &B256, depth: usize) -> Nibbles {
    Nibbles::unpack_array(&key.0).slice(..depth)
}

/// `path` followed by `nibble`.
#[inline]
pub(crate) fn child_path(path: &Nibbles, nibble: u8) -> Nibbles {
    let mut path = *path;
    path.push(nibble);
    path
}

/// How many leading nibbles two keys share.
pub(crate) fn common_prefix(a: &B256, b: &B256) -> usize {
    Nibbles::unpack_array(&a.0).common_prefix_length(&Nibbles::unpack_array(&b.0))
}

/// How many leading nibbles of `segment` the key follows from `depth` on.
pub(crate) fn follows(segment: &Nibbles, key: &B256, depth: usize) -> usize {
    (0..segment.len()).take_while(|&i| segment.get_unchecked(i) == nibble(key, depth + i)).count()
}

/// How a parent names a node: by its hash, or by its RLP where that is shorter than a hash.
#[derive(Clone, Copy)]
pub(crate) struct Reference {
    len: u8,
    bytes: [u8; 32],
}

impl Reference {
    /// The node changed since it was last hashed.
    pub(crate) const UNKNOWN: Self = Self { len: u8::MAX, bytes: [0; 32] };

    pub(crate) const fn hash(hash: &B256) -> Self {
        Self { len: 32, bytes: hash.0 }
    }

    /// `rlp` must be shorter than 32 bytes.
    pub(crate) fn inline(rlp: &[u8]) -> Self {
        debug_assert!(rlp.len() < 32, "longer nodes are referenced by hash");
        let mut bytes = [0; 32];
        bytes[..rlp.len()].copy_from_slice(rlp);
        Self { len: rlp.len() as u8, bytes }
    }

    #[inline]
    pub(crate) const fn is_known(&self) -> bool {
        self.len != u8::MAX
    }

    #[inline]
    pub(crate) const fn is_hash(&self) -> bool {
        self.len == 32
    }

    #[inline]
    pub(crate) fn as_hash(&self) -> Option<B256> {
        self.is_hash().then_some(B256::new(self.bytes))
    }

    #[inline]
    fn encoded_len(&self) -> usize {
        debug_assert!(self.is_known(), "children are hashed before their parent");
        if self.is_hash() { 33 } else { self.len as usize }
    }

    #[inline]
    fn encode(&self, out: &mut Vec<u8>) {
        if self.is_hash() {
            out.push(EMPTY_STRING_CODE + 32);
            out.extend_from_slice(&self.bytes);
        } else {
            out.extend_from_slice(&self.bytes[..self.len as usize]);
        }
    }
}

/// A node, or a stub that stands for it, in the place where its parent refers to it.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) node: Node,
    /// When the node was last used, in commits; tells [`crate::Trie::shrink`] what to forget.
    pub(crate) stamp: u32,
    pub(crate) reference: Reference,
    /// The store holds a node at this path (possibly an older one).
    pub(crate) stored: bool,
}

impl Link {
    /// A node that was not here at the last commit.
    pub(crate) const fn new(node: Node, stamp: u32) -> Self {
        Self { node, stamp, reference: Reference::UNKNOWN, stored: false }
    }

    /// A node that the store has and memory has not.
    pub(crate) const fn stub(hash: &B256) -> Self {
        Self { node: Node::Stub, stamp: 0, reference: Reference::hash(hash), stored: true }
    }
}

/// A trie node. Held to 24 bytes (and [`Link`] to 64, a cache line).
#[derive(Clone, Default)]
pub(crate) enum Node {
    /// Nothing: only ever the root of an empty trie.
    #[default]
    Empty,
    /// A node that is not in memory; its link's reference is its hash.
    Stub,
    Leaf(Leaf),
    Extension(Box<Extension>),
    /// The children whose bit is set in `mask`, in order; two or more.
    Branch {
        mask: u16,
        links: Box<[Link]>,
    },
}

/// A leaf: its whole 32-byte key, which stays the same wherever the leaf moves, then its value.
/// One allocation for both.
#[derive(Clone)]
pub(crate) struct Leaf(Box<[u8]>);

impl Leaf {
    pub(crate) fn new(key: &B256, value: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(32 + value.len());
        bytes.extend_from_slice(key.as_slice());
        bytes.extend_from_slice(value);
        Self(bytes.into_boxed_slice())
    }

    pub(crate) fn key(&self) -> B256 {
        B256::from_slice(&self.0[..32])
    }

    pub(crate) fn value(&self) -> &[u8] {
        &self.0[32..]
    }

    #[inline]
    pub(crate) fn is(&self, key: &B256) -> bool {
        self.0[..32] == key[..]
    }

    /// Returns whether the value changed.
    pub(crate) fn set(&mut self, value: &[u8]) -> bool {
        if self.value() == value {
            return false;
        }
        if self.value().len() == value.len() {
            self.0[32..].copy_from_slice(value);
        } else {
            *self = Self::new(&self.key(), value);
        }
        true
    }

    /// The RLP of this leaf if it hangs at `depth`. As keys are a whole number of bytes, the odd
    /// nibble of the rest of the path, if any, is its first, and what follows is byte-aligned.
    fn encode(&self, depth: usize, out: &mut Vec<u8>) {
        let tail = &self.0[depth.div_ceil(2)..32];
        let first = if depth.is_multiple_of(2) { 0x20 } else { 0x30 | self.0[depth / 2] & 0x0f };
        let path_len = 1 + tail.len() + usize::from(!tail.is_empty());
        list_header(path_len + self.value().length(), out);
        if !tail.is_empty() {
            out.push(EMPTY_STRING_CODE + 1 + tail.len() as u8);
        }
        out.push(first);
        out.extend_from_slice(tail);
        self.value().encode(out);
    }
}

/// A run of nibbles that all keys below share, before a branch.
#[derive(Clone)]
pub(crate) struct Extension {
    pub(crate) key: Nibbles,
    pub(crate) child: Link,
}

impl Extension {
    fn encode(&self, out: &mut Vec<u8>) {
        let path = alloy_trie::nodes::encode_path_leaf(&self.key, false);
        list_header(path.as_slice().length() + self.child.reference.encoded_len(), out);
        path.as_slice().encode(out);
        self.child.reference.encode(out);
    }
}

impl Node {
    pub(crate) fn extension(key: Nibbles, child: Link) -> Self {
        Self::Extension(Box::new(Extension { key, child }))
    }

    /// A branch with two children at different nibbles.
    pub(crate) fn fork(a: (u8, Link), b: (u8, Link)) -> Self {
        debug_assert_ne!(a.0, b.0, "a fork has two ways");
        let mask = 1 << a.0 | 1 << b.0;
        let links = if a.0 < b.0 { [a.1, b.1] } else { [b.1, a.1] };
        Self::Branch { mask, links: Box::new(links) }
    }

    /// The RLP of this node at `depth`, for which its children's references must be known.
    /// Writes nothing for an empty node or a stub.
    pub(crate) fn encode(&self, depth: usize, out: &mut Vec<u8>) {
        match self {
            Self::Empty | Self::Stub => {}
            Self::Leaf(leaf) => leaf.encode(depth, out),
            Self::Extension(extension) => extension.encode(out),
            Self::Branch { mask, links } => {
                let named: usize = links.iter().map(|link| link.reference.encoded_len()).sum();
                // 17 items, of which those without a child are a byte each.
                list_header(named + 17 - links.len(), out);
                let mut links = links.iter();
                for n in 0..16 {
                    match (mask >> n & 1 == 1).then(|| links.next()).flatten() {
                        Some(link) => link.reference.encode(out),
                        None => out.push(EMPTY_STRING_CODE),
                    }
                }
                out.push(EMPTY_STRING_CODE);
            }
        }
    }

    /// The RLP of this node at `depth`.
    pub(crate) fn rlp(&self, depth: usize) -> Bytes {
        let mut out = Vec::with_capacity(532);
        self.encode(depth, &mut out);
        Bytes::copy_from_slice(&out)
    }
}

#[inline]
fn list_header(payload_length: usize, out: &mut Vec<u8>) {
    Header { list: true, payload_length }.encode(out);
}

/// Where among a branch's links the one of nibble `n` is, or would be.
#[inline]
pub(crate) const fn slot(mask: u16, n: u8) -> usize {
    (mask & ((1 << n) - 1)).count_ones() as usize
}

#[inline]
pub(crate) const fn has(mask: u16, n: u8) -> bool {
    mask >> n & 1 == 1
}

/// The nibbles of a branch's links, in order.
pub(crate) fn nibbles(mask: u16) -> impl Iterator<Item = u8> {
    (0..16).filter(move |&n| has(mask, n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn link_fits_a_cache_line() {
        assert!(size_of::<Link>() <= 64, "{}", size_of::<Link>());
    }

    #[test]
    fn leaf_encodes_like_the_reference_at_every_depth() {
        let key = alloy_primitives::keccak256("key");
        for value in [&[1u8][..], &[0x80], &[7; 33], &[9; 110]] {
            for depth in 0..=KEY_NIBBLES {
                let rest = Nibbles::unpack(key).slice(depth..);
                let mut ours = Vec::new();
                Leaf::new(&key, value).encode(depth, &mut ours);
                let theirs = alloy_trie::nodes::LeafNode::new(rest, value.to_vec());
                assert_eq!(ours, alloy_rlp::encode(&theirs), "depth {depth}");
            }
        }
    }
}
