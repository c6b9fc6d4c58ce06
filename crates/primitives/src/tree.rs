//! The one form of tree that claims, machines and histories commit to.
//!
//! A fixed depth; leaves of 32 bytes as they are; `node = keccak256(left ‖ right)`; zero leaves where
//! there is nothing (`docs/fault-proofs.md`, §1). That the depth is fixed keeps leaves and nodes apart.

use alloc::{vec, vec::Vec};

use alloy_primitives::{B256, keccak256};

/// Levels between a node and those of its descendants that a move of a dispute opens.
pub const OPENED_LEVELS: usize = 4;
/// How many there are.
pub const OPENED: usize = 1 << OPENED_LEVELS;
/// Depth of the tree that a history is: 4096 leaves.
pub const HISTORY_DEPTH: usize = 12;

/// `keccak256(left ‖ right)`.
pub fn parent_of(left: &B256, right: &B256) -> B256 {
    let mut buf = [0u8; 64];
    buf[..32].copy_from_slice(left.as_slice());
    buf[32..].copy_from_slice(right.as_slice());
    keccak256(buf)
}

/// A tree, all of whose nodes are known.
///
/// What is right of the last leaf given takes no room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// From the leaves up to the root.
    levels: Vec<Vec<B256>>,
    /// The root of the empty tree of each depth.
    empty: Vec<B256>,
}

impl Tree {
    /// The tree of this depth over `leaves`, then zeros.
    ///
    /// # Panics
    /// If there are more than `2^depth` leaves.
    pub fn new(depth: usize, leaves: Vec<B256>) -> Self {
        assert!(leaves.len() as u128 <= 1 << depth, "{} leaves in a tree of depth {depth}", leaves.len());
        let mut empty = vec![B256::ZERO];
        let mut levels = vec![leaves];
        for level in 0..depth {
            let none = empty[level];
            let of = |pair: &[B256]| parent_of(&pair[0], pair.get(1).unwrap_or(&none));
            let parents = levels[level].chunks(2).map(of).collect();
            levels.push(parents);
            empty.push(parent_of(&none, &none));
        }
        Self { levels, empty }
    }

    /// Levels between the root and the leaves.
    pub fn depth(&self) -> usize {
        self.levels.len() - 1
    }

    /// What the tree is committed to by.
    pub fn root(&self) -> B256 {
        self.node(0, 0)
    }

    /// Node `index` of those at `depth` below the root.
    ///
    /// # Panics
    /// If the tree is not that deep.
    pub fn node(&self, depth: usize, index: u64) -> B256 {
        let level = self.depth() - depth;
        usize::try_from(index)
            .ok()
            .and_then(|index| self.levels[level].get(index))
            .copied()
            .unwrap_or(self.empty[level])
    }

    /// Leaf `index`.
    pub fn leaf(&self, index: u64) -> B256 {
        self.node(self.depth(), index)
    }

    /// What a move opens of node `index` at `depth`: its descendants [`OPENED_LEVELS`] below, from the left.
    ///
    /// # Panics
    /// If the tree does not go that deep.
    pub fn opened(&self, depth: usize, index: u64) -> [B256; OPENED] {
        core::array::from_fn(|child| self.node(depth + OPENED_LEVELS, index * OPENED as u64 + child as u64))
    }

    /// The siblings of leaf `index` on the way to the root, from the bottom up.
    pub fn proof(&self, index: u64) -> Vec<B256> {
        (0..self.depth()).map(|level| self.node(self.depth() - level, (index >> level) ^ 1)).collect()
    }
}

/// The root that a leaf and its siblings, from the bottom up, lead to.
pub fn root_from(leaf: B256, index: u64, siblings: &[B256]) -> B256 {
    siblings.iter().enumerate().fold(leaf, |node, (level, sibling)| match (index >> level) & 1 {
        0 => parent_of(&node, sibling),
        _ => parent_of(sibling, &node),
    })
}

/// The root of a subtree from what a move opened of it.
pub fn root_of_opened(opened: &[B256; OPENED]) -> B256 {
    Tree::new(OPENED_LEVELS, opened.to_vec()).root()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: usize) -> Vec<B256> {
        (1..=count).map(|i| keccak256((i as u64).to_be_bytes())).collect()
    }

    /// The tree as its definition says it.
    fn plain(depth: usize, leaves: &[B256]) -> B256 {
        match depth {
            0 => leaves.first().copied().unwrap_or_default(),
            _ => {
                let (left, right) = leaves.split_at(leaves.len().min(1 << (depth - 1)));
                parent_of(&plain(depth - 1, left), &plain(depth - 1, right))
            }
        }
    }

    #[test]
    fn roots_are_those_of_the_definition() {
        for depth in 0..=6 {
            for count in 0..=1 << depth {
                assert_eq!(Tree::new(depth, leaves(count)).root(), plain(depth, &leaves(count)));
            }
        }
    }

    #[test]
    fn every_leaf_has_its_proof() {
        for count in [0, 1, 2, 7, 15, 16] {
            let tree = Tree::new(4, leaves(count));
            for index in 0..16 {
                let leaf = tree.leaf(index);
                let proof = tree.proof(index);
                assert_eq!(root_from(leaf, index, &proof), tree.root(), "{index} of {count}");
                assert_ne!(root_from(B256::repeat_byte(9), index, &proof), tree.root());
            }
        }
    }

    #[test]
    fn what_is_opened_leads_to_its_node() {
        let tree = Tree::new(HISTORY_DEPTH, leaves(300));
        for (depth, index) in [(0, 0), (4, 0), (4, 1), (4, 2), (8, 0), (8, 18), (8, 19), (8, 255)] {
            assert_eq!(
                root_of_opened(&tree.opened(depth, index)),
                tree.node(depth, index),
                "{depth} {index}"
            );
        }
        assert_eq!(tree.opened(8, 18)[11], tree.leaf(299));
        assert_eq!(tree.opened(8, 18)[12], B256::ZERO);
    }
}
