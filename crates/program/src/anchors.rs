//! The L1 blocks that a batch builds on.

use alloc::vec::Vec;

use alloy_primitives::B256;
use duplex_derivation::Anchor;
use duplex_primitives::{BatchHeader, Header, L2Extra};

use crate::{Oracle, ProgramError, What, chain::parent_of, fields::l1_header};

/// Hashes of L1 blocks by number.
#[derive(Debug)]
pub(crate) struct Anchors(Vec<(u64, B256)>);

impl Anchors {
    /// Finds those of `needed` (ascending): the first is that of the block before the batch, which
    /// names its hash; the others are the batch's anchor and its ancestors.
    pub(crate) fn find<O: Oracle>(
        oracle: &O,
        needed: impl Iterator<Item = u64>,
        tip: &Header,
        batch: &BatchHeader,
    ) -> Result<Self, ProgramError<O::Error>> {
        let before = L2Extra::decode(&tip.extra_data).unwrap_or_default().anchor_number;
        let mut found: Vec<_> = needed.map(|number| (number, B256::ZERO)).collect();
        let (mut number, mut hash) = (batch.anchorNumber, batch.anchorHash);
        for (wanted, place) in found.iter_mut().rev() {
            if *wanted == before {
                *place = tip.parent_beacon_block_root.unwrap_or_default();
                continue;
            }
            if *wanted > number || *wanted < before {
                return Err(ProgramError::Anchor(*wanted));
            }
            while number > *wanted {
                hash = parent_of(oracle, What::L1Header, &hash)?;
                number -= 1;
            }
            *place = hash;
        }
        Ok(Self(found))
    }

    /// One of those found.
    pub(crate) fn read<O: Oracle>(&self, oracle: &O, number: u64) -> Result<Anchor, ProgramError<O::Error>> {
        let at = self.0.binary_search_by_key(&number, |(number, _)| *number);
        let (_, hash) = at.map(|at| self.0[at]).map_err(|_| ProgramError::Anchor(number))?;
        let rlp = oracle.read(What::L1Header, &hash).map_err(ProgramError::Oracle)?;
        let header = l1_header(&rlp).ok_or(ProgramError::form("L1 header", &hash))?;
        if header.number != number {
            return Err(ProgramError::Anchor(number));
        }
        Ok(Anchor { number, hash, header })
    }
}
