//! The tree over a history's leaves.

use alloy_primitives::B256;

use crate::tree::node;

/// Levels of a history's tree.
pub const LEVELS: usize = 12;
/// States that a history commits to.
pub const LEAVES: usize = 1 << LEVELS;
/// Levels that one move opens.
pub const OPEN_LEVELS: usize = 4;
/// Nodes that one move opens.
pub const CHILDREN: usize = 1 << OPEN_LEVELS;

/// A history's tree: 4096 leaves as they are, `node = keccak256(left ‖ right)`.
///
/// A node is named by its depth (0 is the root, 12 a leaf) and its index among those of that depth, from the left.
#[derive(Clone, PartialEq, Eq)]
pub struct HistoryTree {
    /// Heap order: `nodes[1]` is the root, leaf `t` is `nodes[4096 + t]`.
    nodes: Vec<B256>,
}

impl std::fmt::Debug for HistoryTree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("HistoryTree").field(&self.root()).finish()
    }
}

impl HistoryTree {
    /// The tree over these leaves; the last one is repeated. None if there are no leaves, or more than 4096.
    pub fn new(leaves: &[B256]) -> Option<Self> {
        let last = *leaves.last()?;
        if leaves.len() > LEAVES {
            return None;
        }
        let mut nodes = vec![B256::ZERO; LEAVES];
        nodes.extend_from_slice(leaves);
        nodes.resize(2 * LEAVES, last);
        // Where the last leaf repeats, a node is like the one on its right.
        let mut repeated = leaves.len() - 1;
        for depth in (0..LEVELS).rev() {
            let first = 1 << depth;
            repeated = repeated.div_ceil(2);
            for at in (first..2 * first).rev() {
                nodes[at] = match nodes.get(at + 1) {
                    Some(right) if at - first >= repeated && at + 1 < 2 * first => *right,
                    _ => node(&nodes[2 * at], &nodes[2 * at + 1]),
                };
            }
        }
        Some(Self { nodes })
    }

    /// The root: what a player commits to.
    pub fn root(&self) -> B256 {
        self.nodes[1]
    }

    /// The leaves.
    pub fn leaves(&self) -> &[B256] {
        &self.nodes[LEAVES..]
    }

    /// Leaf `index`: the hash of the state `(index + 1) · width` steps after the start. None from 4096 on.
    pub fn leaf(&self, index: usize) -> Option<B256> {
        self.leaves().get(index).copied()
    }

    /// The node at `depth` with `index`.
    pub fn node(&self, depth: usize, index: usize) -> Option<B256> {
        (depth <= LEVELS && index >> depth == 0).then(|| self.nodes[(1 << depth) + index])
    }

    /// The 16 nodes four levels below a node of depth 0, 4 or 8: what a move opens.
    pub fn children(&self, depth: usize, index: usize) -> Option<[B256; CHILDREN]> {
        if !depth.is_multiple_of(OPEN_LEVELS) || depth >= LEVELS || index >> depth != 0 {
            return None;
        }
        let first = ((1 << depth) + index) << OPEN_LEVELS;
        self.nodes[first..].first_chunk().copied()
    }

    /// A leaf's siblings, from the bottom up.
    pub fn proof(&self, index: usize) -> Option<[B256; LEVELS]> {
        if index >= LEAVES {
            return None;
        }
        let mut at = LEAVES + index;
        Some(std::array::from_fn(|_| {
            let sibling = self.nodes[at ^ 1];
            at /= 2;
            sibling
        }))
    }

    /// Index of the first leaf in which two histories differ.
    pub fn first_difference(&self, other: &Self) -> Option<usize> {
        self.leaves().iter().zip(other.leaves()).position(|(a, b)| a != b)
    }

    /// Whether `proof` shows that `leaf` is leaf `index` under `root`.
    pub fn verify(root: &B256, index: usize, leaf: &B256, proof: &[B256; LEVELS]) -> bool {
        let (mut hash, mut position) = (*leaf, index);
        for sibling in proof {
            hash = if position & 1 == 0 { node(&hash, sibling) } else { node(sibling, &hash) };
            position >>= 1;
        }
        position == 0 && hash == *root
    }

    /// The node above 16 children: they belong to it if, and only if, this is its hash.
    pub fn fold(children: &[B256; CHILDREN]) -> B256 {
        let mut nodes = *children;
        let mut width = CHILDREN;
        while width > 1 {
            width /= 2;
            for i in 0..width {
                nodes[i] = node(&nodes[2 * i], &nodes[2 * i + 1]);
            }
        }
        nodes[0]
    }
}
