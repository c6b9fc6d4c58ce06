//! Somebody who lies as well as it can be done: for demonstrations and tests.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use alloy_primitives::{B256, keccak256};
use duplex_l1::ClaimEntry;
use duplex_primitives::tree::Tree;
use duplex_vm::{History, State, Status, WIDTHS};

use super::{Opinion, Side};

/// What the lie is about.
#[derive(Debug, Clone)]
pub enum Lie {
    /// That the claims with these histories are true.
    Claims(Vec<Tree>),
    /// That a true claim has another output at this leaf.
    Against(u64),
}

/// Plays every move there is, and says of the machine what it takes: that it ends as it must for this side.
#[derive(Debug)]
pub struct Liar {
    lie: Lie,
    /// The step from which on the machine's states are made up; its last step if none is given.
    from: Option<u64>,
    /// Where the machine stops, and what is said of the state there, by statement.
    ends: Mutex<BTreeMap<B256, State>>,
}

impl Liar {
    /// Lies about one thing; about the machine, from a step on, or only about how it ends.
    pub const fn new(lie: Lie, from: Option<u64>) -> Self {
        Self { lie, from, ends: Mutex::new(BTreeMap::new()) }
    }

    fn end(&self, side: Side, statement: B256, truth: &History) -> Option<State> {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        if truth.width() == WIDTHS[0] {
            let code = match side {
                Side::Defender => 0,
                Side::Challenger => 1,
            };
            let end = State { status: Status::Exited, exit_code: code, ..truth.last().clone() };
            ends.insert(statement, end);
        }
        ends.get(&statement).cloned()
    }
}

impl Opinion for Liar {
    fn blocks(&self, claim: &ClaimEntry, truth: Tree) -> Tree {
        match &self.lie {
            Lie::Against(leaf) if truth.root() == claim.block_outputs_root => {
                let mut leaves: Vec<B256> = (0..1 << truth.depth()).map(|index| truth.leaf(index)).collect();
                leaves[*leaf as usize] = B256::repeat_byte(0x1e);
                Tree::new(truth.depth(), leaves)
            }
            Lie::Claims(histories) => {
                let told = histories.iter().find(|history| history.root() == claim.block_outputs_root);
                told.cloned().unwrap_or(truth)
            }
            Lie::Against(_) => truth,
        }
    }

    fn states(&self, side: Side, statement: B256, truth: &History) -> Tree {
        let Some(end) = self.end(side, statement, truth) else { return truth.tree().clone() };
        let tree = truth.tree();
        let from = self.from.unwrap_or(end.step);
        let leaves = (0..1 << tree.depth()).map(|index| match truth.start() + (index + 1) * truth.width() {
            step if step >= end.step => end.hash(),
            step if step >= from => keccak256(step.to_be_bytes()),
            _ => tree.leaf(index),
        });
        Tree::new(tree.depth(), leaves.collect())
    }

    fn last(&self, side: Side, statement: B256, truth: &History) -> State {
        self.end(side, statement, truth).unwrap_or_else(|| truth.last().clone())
    }
}
