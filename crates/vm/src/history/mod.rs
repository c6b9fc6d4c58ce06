//! Histories: commitments to 4096 states at equal distances (`docs/fault-proofs.md` §3).

mod recorder;
mod tree;

pub use recorder::{History, Progress, Recorder, Stopped};
pub use tree::{CHILDREN, HistoryTree, LEAVES, LEVELS, OPEN_LEVELS};

/// Which of a dispute's histories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// The whole run: a leaf every 2^24 steps.
    Zero,
    /// Within one leaf of stage 0: a leaf every 2^12 steps.
    One,
    /// Within one leaf of stage 1: every step.
    Two,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::Zero, Self::One, Self::Two];

    /// Its number: 0, 1 or 2.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Steps between two leaves.
    pub const fn width(self) -> u64 {
        1 << (24 - LEVELS * self as usize)
    }

    /// The stage within one of its leaves.
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::Zero => Some(Self::One),
            Self::One => Some(Self::Two),
            Self::Two => None,
        }
    }
}
