//! What a player says in a dispute.

use std::fmt::Debug;

use alloy_primitives::B256;
use duplex_l1::ClaimEntry;
use duplex_primitives::tree::Tree;
use duplex_vm::{History, State};

use super::Side;

/// What a player says. Honest players say what is so, which is what everything here does unless told
/// otherwise; a demonstration or a test needs somebody who lies as well as it can be done.
pub trait Opinion: Debug + Send + Sync {
    /// The history of the blocks of `claim`; `truth` is what was derived.
    fn blocks(&self, claim: &ClaimEntry, truth: Tree) -> Tree {
        let _ = claim;
        truth
    }

    /// A history of what the machine does with a statement, as told by `side`; `truth` is what it did.
    fn states(&self, side: Side, statement: B256, truth: &History) -> Tree {
        let _ = (side, statement);
        truth.tree().clone()
    }

    /// The last state of such a history.
    fn last(&self, side: Side, statement: B256, truth: &History) -> State {
        let _ = (side, statement);
        truth.last().clone()
    }
}

/// The truth.
#[derive(Debug, Clone, Copy, Default)]
pub struct Honest;

impl Opinion for Honest {}
