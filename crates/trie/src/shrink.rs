//! Forgetting nodes that have not been used for long.
//!
//! A node is used whenever something below it is, so age never decreases on the way up, and
//! forgetting every node beyond an age forgets whole subtrees.

use crate::node::{Link, Node};

/// How many nodes there are of each age; see [`class`].
pub(crate) type Ages = [usize; 33];

/// Ages by powers of two: 0 for what the current commit used, then 1, 2-3, 4-7…
const fn class(epoch: u32, stamp: u32) -> usize {
    (32 - epoch.wrapping_sub(stamp).leading_zeros()) as usize
}

/// The number of age classes, from the youngest, that together have at most `max_nodes`.
pub(crate) fn keep(ages: &Ages, max_nodes: usize) -> usize {
    let mut total = 0usize;
    ages.iter()
        .take_while(|&&nodes| {
            total += nodes;
            total <= max_nodes
        })
        .count()
}

/// Counts the nodes at and below `link`. An inlined node is as old as its parent, as it comes and
/// goes with it.
pub(crate) fn count(link: &Link, epoch: u32, parent: usize, ages: &mut Ages) {
    let age = if forgettable(link) { class(epoch, link.stamp) } else { parent };
    match &link.node {
        Node::Empty | Node::Stub => return,
        Node::Leaf(_) => {}
        Node::Extension(extension) => count(&extension.child, epoch, age, ages),
        Node::Branch { links, .. } => links.iter().for_each(|link| count(link, epoch, age, ages)),
    }
    ages[age] += 1;
}

/// Turns what is not of the `keep` youngest classes into stubs; returns how many nodes stay.
pub(crate) fn forget(link: &mut Link, epoch: u32, keep: usize) -> usize {
    if forgettable(link) && class(epoch, link.stamp) >= keep && !matches!(link.node, Node::Empty) {
        link.node = Node::Stub;
    }
    match &mut link.node {
        Node::Empty | Node::Stub => 0,
        Node::Leaf(_) => 1,
        Node::Extension(extension) => 1 + forget(&mut extension.child, epoch, keep),
        Node::Branch { links, .. } => {
            1 + links.iter_mut().map(|link| forget(link, epoch, keep)).sum::<usize>()
        }
    }
}

/// Whether the node could be fetched again: it is unchanged and stored by itself.
const fn forgettable(link: &Link) -> bool {
    link.reference.is_hash()
}
