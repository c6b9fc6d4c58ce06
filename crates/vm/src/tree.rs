//! The Merkle trees of memory and code: leaves of 32 bytes as they are, `node = keccak256(left ‖ right)`.
//!
//! Trees share what they have in common: a clone costs nothing, and an update copies only what it changes. Subtrees of
//! zeros are not stored.

use std::sync::{Arc, LazyLock};

use alloy_primitives::{B256, keccak256};
use duplex_primitives::tree::parent_of;
use rayon::prelude::*;

/// Bytes of a page: 128 leaves.
pub(crate) const PAGE_BYTES: usize = 4096;
/// Levels of nodes within a page.
const PAGE_LEVELS: u32 = 7;
/// Leaves of a page.
const PAGE_LEAVES: usize = PAGE_BYTES / 32;
/// Levels of nodes within a branch.
const BRANCH_LEVELS: u32 = 4;
/// Subtrees of a branch.
const FAN: usize = 16;
/// From so many changed pages on, a tree is hashed by several threads.
const PARALLEL: usize = 32;

/// A page's content.
pub(crate) type PageBytes = [u8; PAGE_BYTES];

/// Root of a tree of zeros, by its depth.
static ZERO: LazyLock<[B256; 28]> = LazyLock::new(|| {
    let mut roots = [B256::ZERO; 28];
    for depth in 1..roots.len() {
        roots[depth] = parent_of(&roots[depth - 1], &roots[depth - 1]);
    }
    roots
});

/// A page and the nodes above its leaves, in heap order: `nodes[1]` is its root, `nodes[i]` is above `2i` and `2i + 1`,
/// and leaf `l` would be node `128 + l`. `nodes[0]` is not used.
#[derive(Clone)]
struct Page {
    bytes: PageBytes,
    nodes: [B256; PAGE_LEAVES],
}

impl Page {
    fn zero() -> Self {
        let mut nodes = [B256::ZERO; PAGE_LEAVES];
        for (i, node) in nodes.iter_mut().enumerate().skip(1) {
            *node = ZERO[(PAGE_LEVELS - i.ilog2()) as usize];
        }
        Self { bytes: [0; PAGE_BYTES], nodes }
    }

    /// Leaves that differ, one bit each.
    fn differences(&self, bytes: &PageBytes) -> u128 {
        let (old, _) = self.bytes.as_chunks::<32>();
        let (new, _) = bytes.as_chunks::<32>();
        let mut differences = 0;
        for (leaf, (old, new)) in old.iter().zip(new).enumerate() {
            differences |= u128::from(old != new) << leaf;
        }
        differences
    }

    fn update(&mut self, bytes: &PageBytes, mut changed: u128) {
        self.bytes = *bytes;
        // Nodes of the level above the leaves, then upwards; a bit for each node of the level below.
        let (pairs, _) = self.bytes.as_chunks::<64>();
        let mut width = PAGE_LEAVES / 2;
        while width > 0 {
            let mut above = 0u128;
            while changed != 0 {
                let index = changed.trailing_zeros() as usize / 2;
                changed &= !(3 << (2 * index));
                above |= 1 << index;
                let at = width + index;
                self.nodes[at] = if width == PAGE_LEAVES / 2 {
                    keccak256(pairs[index])
                } else {
                    parent_of(&self.nodes[2 * at], &self.nodes[2 * at + 1])
                };
            }
            changed = above;
            width /= 2;
        }
    }
}

/// Sixteen subtrees, and the nodes above them in heap order.
#[derive(Clone)]
struct Branch {
    children: [Child; FAN],
    nodes: [B256; FAN],
}

impl Branch {
    /// `below`: levels under its children.
    fn zero(below: u32) -> Self {
        let mut nodes = [B256::ZERO; FAN];
        for (i, node) in nodes.iter_mut().enumerate().skip(1) {
            *node = ZERO[(below + BRANCH_LEVELS - i.ilog2()) as usize];
        }
        Self { children: [const { Child::Zero }; FAN], nodes }
    }

    fn rehash(&mut self, below: u32, mut changed: u32) {
        let mut width = FAN / 2;
        while width > 0 {
            let mut above = 0u32;
            while changed != 0 {
                let index = changed.trailing_zeros() as usize / 2;
                changed &= !(3 << (2 * index));
                above |= 1 << index;
                let at = width + index;
                self.nodes[at] = if width == FAN / 2 {
                    parent_of(
                        &self.children[2 * index].root(below),
                        &self.children[2 * index + 1].root(below),
                    )
                } else {
                    parent_of(&self.nodes[2 * at], &self.nodes[2 * at + 1])
                };
            }
            changed = above;
            width /= 2;
        }
    }
}

#[derive(Clone, Default)]
enum Child {
    #[default]
    Zero,
    Branch(Arc<Branch>),
    Page(Arc<Page>),
}

/// A page that may have changed: its number (address / 4096) and its content now.
pub(crate) type Dirty<'a> = (u32, &'a PageBytes);

impl Child {
    /// Root of the subtree, which has `levels` levels.
    fn root(&self, levels: u32) -> B256 {
        match self {
            Self::Zero => ZERO[levels as usize],
            Self::Branch(branch) => branch.nodes[1],
            Self::Page(page) => page.nodes[1],
        }
    }

    /// One of the subtrees of what is no page.
    fn child(&self, index: usize) -> &Self {
        match self {
            Self::Branch(branch) => &branch.children[index],
            _ => &Self::Zero,
        }
    }

    /// Takes new contents, in ascending order, into the subtree. True if it changed.
    fn update(&mut self, levels: u32, dirty: &[Dirty<'_>]) -> bool {
        if levels == PAGE_LEVELS {
            return dirty.last().is_some_and(|(_, bytes)| self.update_page(bytes));
        }
        let below = levels - BRANCH_LEVELS;
        if matches!(self, Self::Zero) {
            *self = Self::Branch(Arc::new(Branch::zero(below)));
        }
        let Self::Branch(branch) = self else { return false };
        let branch = Arc::make_mut(branch);
        let child_of = |page: u32| (page >> (below - PAGE_LEVELS)) as usize % FAN;
        let mut groups = [&[][..]; FAN];
        for group in dirty.chunk_by(|a, b| child_of(a.0) == child_of(b.0)) {
            groups[child_of(group[0].0)] = group;
        }
        let update =
            |(child, group): (&mut Self, &[Dirty<'_>])| !group.is_empty() && child.update(below, group);
        let changed: u32 = if dirty.len() < PARALLEL {
            let changes = branch.children.iter_mut().zip(groups).map(update);
            changes.enumerate().map(|(i, changed)| u32::from(changed) << i).sum()
        } else {
            let changes = branch.children.par_iter_mut().zip(groups).map(update);
            changes.enumerate().map(|(i, changed)| u32::from(changed) << i).sum()
        };
        branch.rehash(below, changed);
        changed != 0
    }

    fn update_page(&mut self, bytes: &PageBytes) -> bool {
        if matches!(self, Self::Zero) {
            if bytes.iter().all(|byte| *byte == 0) {
                return false;
            }
            *self = Self::Page(Arc::new(Page::zero()));
        }
        let Self::Page(page) = self else { return false };
        let differences = page.differences(bytes);
        if differences == 0 {
            return false;
        }
        Arc::make_mut(page).update(bytes, differences);
        true
    }
}

/// A Merkle tree over zeros and pages.
#[derive(Clone)]
pub(crate) struct Tree {
    levels: u32,
    top: Child,
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tree").field("levels", &self.levels).field("root", &self.root()).finish()
    }
}

impl Tree {
    /// All zeros, over the 2^32 bytes of memory.
    pub(crate) const fn memory() -> Self {
        Self { levels: 27, top: Child::Zero }
    }

    /// All zeros, over the 2^24 bytes of code.
    pub(crate) const fn code() -> Self {
        Self { levels: 19, top: Child::Zero }
    }

    pub(crate) fn root(&self) -> B256 {
        self.top.root(self.levels)
    }

    /// Takes the contents of pages, in ascending order and each once.
    pub(crate) fn update(&mut self, dirty: &[Dirty<'_>]) {
        if !dirty.is_empty() {
            self.top.update(self.levels, dirty);
        }
    }

    /// The leaf over `address` and its siblings, from the bottom up.
    pub(crate) fn proof(&self, address: u64) -> Vec<u8> {
        let mut hashes = Vec::with_capacity(self.levels as usize + 1);
        let (mut child, mut levels) = (&self.top, self.levels);
        // From the top down, to be turned around.
        loop {
            let heap = |depth: u32| {
                let index = (address >> (5 + levels - depth)) as usize;
                (1 << depth) | (index & ((1 << depth) - 1))
            };
            match child {
                Child::Zero => {
                    hashes.extend((0..levels).rev().map(|level| ZERO[level as usize]));
                    hashes.push(B256::ZERO);
                    break;
                }
                Child::Branch(branch) => {
                    let below = levels - BRANCH_LEVELS;
                    hashes.extend((1..BRANCH_LEVELS).map(|depth| branch.nodes[heap(depth) ^ 1]));
                    let index = heap(BRANCH_LEVELS) - FAN;
                    hashes.push(branch.children[index ^ 1].root(below));
                    (child, levels) = (&branch.children[index], below);
                }
                Child::Page(page) => {
                    let (leaves, _) = page.bytes.as_chunks::<32>();
                    hashes.extend((1..PAGE_LEVELS).map(|depth| page.nodes[heap(depth) ^ 1]));
                    let index = heap(PAGE_LEVELS) - PAGE_LEAVES;
                    hashes.extend([leaves[index ^ 1], leaves[index]].map(B256::from));
                    break;
                }
            }
        }
        hashes.iter().rev().flat_map(|hash| hash.0).collect()
    }

    /// A stored page; what is not stored is zero.
    pub(crate) fn page(&self, number: u32) -> Option<&PageBytes> {
        let (mut child, mut levels) = (&self.top, self.levels);
        loop {
            match child {
                Child::Zero => return None,
                Child::Page(page) => return Some(&page.bytes),
                Child::Branch(branch) => {
                    levels -= BRANCH_LEVELS;
                    child = &branch.children[(number >> (levels - PAGE_LEVELS)) as usize % FAN];
                }
            }
        }
    }

    /// Calls `visit` for every stored page, in ascending order.
    pub(crate) fn pages(&self, visit: &mut impl FnMut(u32, &PageBytes)) {
        fn walk(child: &Child, number: u32, visit: &mut impl FnMut(u32, &PageBytes)) {
            match child {
                Child::Zero => {}
                Child::Page(page) => visit(number, &page.bytes),
                Child::Branch(branch) => {
                    for (index, child) in (0..).zip(&branch.children) {
                        walk(child, number << BRANCH_LEVELS | index, visit);
                    }
                }
            }
        }
        walk(&self.top, 0, visit);
    }

    /// How many of the pages stored here are not the same in `other`.
    pub(crate) fn pages_apart(&self, other: &Self) -> usize {
        let mut count = 0;
        self.differences(other, &mut |_, bytes| count += usize::from(bytes.is_some()));
        count
    }

    /// Calls `visit` with every page that is not the same in `self` and in `other`, and its content in `self`; none
    /// where it is zero.
    pub(crate) fn differences(&self, other: &Self, visit: &mut impl FnMut(u32, Option<&PageBytes>)) {
        walk(&self.top, &other.top, self.levels, 0, visit);
    }
}

fn walk(
    here: &Child,
    there: &Child,
    levels: u32,
    number: u32,
    visit: &mut impl FnMut(u32, Option<&PageBytes>),
) {
    match (here, there) {
        (Child::Zero, Child::Zero) => return,
        (Child::Page(a), Child::Page(b)) if Arc::ptr_eq(a, b) => return,
        (Child::Branch(a), Child::Branch(b)) if Arc::ptr_eq(a, b) => return,
        _ => {}
    }
    if levels == PAGE_LEVELS {
        return match here {
            Child::Page(page) => visit(number, Some(&page.bytes)),
            _ => visit(number, None),
        };
    }
    for index in 0..FAN {
        let (below, number) = (levels - BRANCH_LEVELS, number << BRANCH_LEVELS | index as u32);
        walk(here.child(index), there.child(index), below, number, visit);
    }
}
