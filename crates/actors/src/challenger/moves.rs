//! Moves in a dispute: from a side's history to the call that L1 takes.

use alloy_primitives::{B256, Bytes};
use alloy_sol_types::SolCall;
use duplex_contracts::bindings::{Commitment, IDisputes};
use duplex_primitives::tree::{OPENED, OPENED_LEVELS, Tree};

use super::Position;

/// Sixteen nodes that a move opens.
pub type Opened = [B256; OPENED];

/// Which side of a dispute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Says that the claim is false.
    Challenger,
    /// Says that it is true.
    Defender,
}

/// The first of the nodes at which the two sides part, as the next node down from `position`.
fn child(position: Position, ours: &Opened, theirs: &Opened) -> Option<u64> {
    let first = ours.iter().zip(theirs).position(|(ours, theirs)| ours != theirs)?;
    Some(position.index() * OPENED as u64 + first as u64)
}

/// Four levels down. `None` if `theirs` is what `tree` has: then there is nothing to dispute.
pub(super) fn descend(id: u64, position: Position, tree: &Tree, theirs: Opened) -> Option<Bytes> {
    let depth = position.depth();
    let ours = tree.opened(depth, position.index());
    let child = child(position, &ours, &theirs)?;
    let next = tree.opened(depth + OPENED_LEVELS, child);
    Some(IDisputes::descendCall { id, theirs, ours, next }.abi_encode().into())
}

/// The leaf of its history that the challenger comes to from `position`; `None` as above.
pub(super) fn leaf_below(position: Position, tree: &Tree, theirs: &Opened) -> Option<u64> {
    child(position, &tree.opened(position.depth(), position.index()), theirs)
}

/// The last four levels of a stage. `start` is what the stage starts from; `batch` counts in stage 0.
pub(super) fn descend_to_leaf(
    id: u64,
    position: Position,
    tree: &Tree,
    theirs: Opened,
    start: B256,
    batch: u64,
) -> Option<Bytes> {
    let ours = tree.opened(position.depth(), position.index());
    let (agreed, proof) = match child(position, &ours, &theirs)?.checked_sub(1) {
        Some(before) => (tree.leaf(before), siblings(tree, before)),
        None => (start, [B256::ZERO; 12]),
    };
    let call = IDisputes::descendToLeafCall { id, theirs, ours, agreed, agreedProof: proof, batch };
    Some(call.abi_encode().into())
}

/// The commitment to a history of the next stage: by the challenger, or by the defender, who opens its root with
/// it. `last` is the state that it ends in; L1 wants it in stage 1.
pub(super) fn commit(
    id: u64,
    side: Side,
    position: Position,
    statement: B256,
    tree: &Tree,
    last: Option<&[u8]>,
) -> Bytes {
    let commitment = Commitment {
        statement,
        position: position.bits(),
        history: tree.root(),
        finalState: Bytes::copy_from_slice(last.unwrap_or_default()),
        lastProof: siblings(tree, (1 << tree.depth()) - 1),
    };
    match side {
        Side::Challenger => IDisputes::commitCall { id, commitment }.abi_encode().into(),
        Side::Defender => {
            IDisputes::commitAndOpenCall { id, commitment, opened: tree.opened(0, 0) }.abi_encode().into()
        }
    }
}

fn siblings(tree: &Tree, leaf: u64) -> [B256; 12] {
    let proof = tree.proof(leaf);
    std::array::from_fn(|level| proof.get(level).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;
    use duplex_primitives::tree::{HISTORY_DEPTH, root_from, root_of_opened};

    use super::*;

    /// Two histories that part at a leaf.
    fn histories(parting: usize) -> (Tree, Tree) {
        let leaf = |who: u8, index: usize| match index < parting {
            true => keccak256(index.to_be_bytes()),
            false => keccak256([&[who][..], &index.to_be_bytes()].concat()),
        };
        let tree = |who| Tree::new(HISTORY_DEPTH, (0..4096).map(|index| leaf(who, index)).collect());
        (tree(1), tree(2))
    }

    /// Plays a stage as L1 does and gives the leaf it comes to.
    fn play(challenger: &Tree, defender: &Tree) -> (u64, IDisputes::descendToLeafCall) {
        let mut position = Position::START;
        let mut opened = defender.opened(0, 0);
        for (ours, other) in [(challenger, defender), (defender, challenger)] {
            let data = descend(7, position, ours, opened).expect("the histories differ");
            let call = IDisputes::descendCall::abi_decode(&data).unwrap();
            assert_eq!(call.theirs, opened);
            let (depth, index) = (position.depth(), position.index());
            assert_eq!(root_of_opened(&call.ours), ours.node(depth, index));
            assert_eq!(root_of_opened(&call.theirs), other.node(depth, index));
            let first = (0..16).find(|i| call.ours[*i] != call.theirs[*i]).unwrap();
            assert_eq!(root_of_opened(&call.next), call.ours[first]);
            position = Position::new(position.bits() << 4 | first as u64).unwrap();
            opened = call.next;
        }
        let data = descend_to_leaf(7, position, challenger, opened, B256::repeat_byte(5), 3).unwrap();
        let leaf = leaf_below(position, challenger, &opened).unwrap();
        (leaf, IDisputes::descendToLeafCall::abi_decode(&data).unwrap())
    }

    #[test]
    fn a_stage_ends_at_the_first_leaf_that_differs() {
        for parting in [0, 1, 15, 16, 255, 256, 2049, 4095] {
            let (challenger, defender) = histories(parting);
            let (leaf, call) = play(&challenger, &defender);
            assert_eq!(leaf, parting as u64);
            match leaf.checked_sub(1) {
                Some(before) => {
                    assert_eq!(root_from(call.agreed, before, &call.agreedProof), challenger.root());
                    assert_eq!(call.agreed, defender.leaf(before));
                }
                None => assert_eq!(call.agreed, B256::repeat_byte(5)),
            }
        }
    }

    #[test]
    fn there_is_no_move_between_equal_histories() {
        let (tree, _) = histories(9);
        assert_eq!(descend(1, Position::START, &tree, tree.opened(0, 0)), None);
        assert_eq!(leaf_below(Position::START, &tree, &tree.opened(0, 0)), None);
    }

    #[test]
    fn a_commitment_proves_its_last_leaf() {
        let (tree, _) = histories(4096);
        let data = commit(3, Side::Defender, Position::START, B256::ZERO, &tree, Some(&[1, 2]));
        let call = IDisputes::commitAndOpenCall::abi_decode(&data).unwrap();
        assert_eq!(root_from(tree.leaf(4095), 4095, &call.commitment.lastProof), call.commitment.history);
        assert_eq!(root_of_opened(&call.opened), call.commitment.history);
        assert_eq!(&call.commitment.finalState[..], [1, 2]);
        let data = commit(3, Side::Challenger, Position::START, B256::ZERO, &tree, None);
        assert!(IDisputes::commitCall::abi_decode(&data).unwrap().commitment.finalState.is_empty());
    }
}
