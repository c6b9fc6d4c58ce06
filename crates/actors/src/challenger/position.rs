//! Where a dispute stands.

/// Bits that a descent appends to a position.
const BITS: u32 = 4;
/// Descents from a history's root to a leaf.
const LEVELS: u32 = 3;
/// Bits of a leaf's number.
const LEAF_BITS: u32 = BITS * LEVELS;

/// Where the two sides of a dispute stand: `Dispute.position` on L1, taken apart.
///
/// On L1 it is a 1, followed by four bits for each descent; so 12 for each leaf that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position(u64);

impl Position {
    /// Where every dispute starts.
    pub const START: Self = Self(1);

    /// The position that a contract gave; `None` if none is written like that.
    pub const fn new(bits: u64) -> Option<Self> {
        match bits.checked_ilog2() {
            Some(length) if length.is_multiple_of(BITS) && length <= 4 * LEAF_BITS => Some(Self(bits)),
            _ => None,
        }
    }

    /// As L1 writes it.
    pub const fn bits(self) -> u64 {
        self.0
    }

    const fn descents(self) -> u32 {
        self.0.ilog2() / BITS
    }

    /// The stage whose history the two sides descend in, or are to commit to: as many leaves were reached.
    pub const fn stage(self) -> usize {
        (self.descents() / LEVELS) as usize
    }

    /// Depth of the node in that history: 0, 4 or 8.
    pub const fn depth(self) -> usize {
        (self.descents() % LEVELS * BITS) as usize
    }

    /// Number of the node among those of that depth.
    pub const fn index(self) -> u64 {
        self.0 & ((1 << self.depth()) - 1)
    }

    /// The leaf that was reached in a stage before this one.
    ///
    /// # Panics
    /// If none was yet.
    pub fn leaf(self, stage: usize) -> u64 {
        assert!(stage < self.stage(), "no leaf was reached in stage {stage}");
        let below = self.0.ilog2() - LEAF_BITS * (stage as u32 + 1);
        (self.0 >> below) & ((1 << LEAF_BITS) - 1)
    }

    /// Steps that the machine has executed where the history of a stage from 1 on starts.
    ///
    /// # Panics
    /// If the leaves before it were not reached yet.
    pub fn start_step(self, stage: usize) -> u64 {
        (1..stage).map(|before| self.leaf(before) * width(before)).sum()
    }
}

/// Steps between two leaves of a machine's history: 2^24, 2^12 and 1 in stages 1, 2 and 3.
pub const fn width(stage: usize) -> u64 {
    1 << (LEAF_BITS as usize * (3 - stage))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nibbles: &[u64]) -> Position {
        Position::new(nibbles.iter().fold(1, |bits, nibble| bits << 4 | nibble)).unwrap()
    }

    #[test]
    fn a_position_is_taken_apart() {
        assert_eq!((Position::START.stage(), Position::START.depth(), Position::START.index()), (0, 0, 0));
        let position = at(&[0xa, 0xb]);
        assert_eq!((position.stage(), position.depth(), position.index()), (0, 8, 0xab));
        let position = at(&[0xa, 0xb, 0xc]);
        assert_eq!((position.stage(), position.depth(), position.index()), (1, 0, 0));
        assert_eq!(position.leaf(0), 0xabc);
        let position = at(&[0xa, 0xb, 0xc, 0, 0, 3, 0, 2, 1, 0xf]);
        assert_eq!((position.stage(), position.depth(), position.index()), (3, 4, 0xf));
        assert_eq!([0, 1, 2].map(|stage| position.leaf(stage)), [0xabc, 3, 0x21]);
        assert_eq!(position.start_step(1), 0);
        assert_eq!(position.start_step(2), 3 << 24);
        assert_eq!(position.start_step(3), (3 << 24) + (0x21 << 12));
    }

    #[test]
    fn what_no_descent_leads_to_is_refused() {
        assert_eq!(Position::new(0), None);
        assert_eq!(Position::new(2), None);
        assert_eq!(Position::new(1 << 52), None);
        assert!(Position::new(1 << 48).is_some());
    }
}
