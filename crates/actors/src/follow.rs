//! L1 reorganisations: which L2 blocks build on L1 blocks that are still there.

use alloy_primitives::B256;
use duplex_l1::RpcError;
use duplex_primitives::{Header, L2Extra};

use crate::{ActorError, Rollup};

/// Number and hash of the L1 block that an L2 block builds on.
fn anchor_of(header: &Header) -> (u64, B256) {
    let number = L2Extra::decode(&header.extra_data).unwrap_or_default().anchor_number;
    (number, header.parent_beacon_block_root.unwrap_or_default())
}

impl Rollup {
    /// The newest block, not below `floor`, whose anchor L1 still has: the head, unless L1 was
    /// reorganised. `None` if L1 does not say: a node that lags is no reorganisation.
    pub(crate) async fn newest_anchored(&self, floor: u64) -> Result<Option<u64>, ActorError> {
        let mut number = self.chain.head().header.number;
        while number > floor {
            let header = self.chain.header(number)?.ok_or(ActorError::MissingBlock(number))?;
            let (anchor, hash) = anchor_of(&header);
            match self.is_canonical(anchor, hash).await? {
                None => return Ok(None),
                Some(true) => break,
                Some(false) => number = self.before_anchor(number, anchor, floor)?,
            }
        }
        Ok(Some(number))
    }

    /// The block before all those, from `number` down, that share its anchor.
    fn before_anchor(&self, mut number: u64, anchor: u64, floor: u64) -> Result<u64, ActorError> {
        while number > floor {
            let header = self.chain.header(number)?.ok_or(ActorError::MissingBlock(number))?;
            if anchor_of(&header).0 != anchor {
                break;
            }
            number -= 1;
        }
        Ok(number)
    }

    /// Whether L1 has this block. `None` if it does not say.
    async fn is_canonical(&self, number: u64, hash: B256) -> Result<Option<bool>, RpcError> {
        let shorter = self.l1_head.borrow().as_ref().is_some_and(|head| head.header.number < number);
        if shorter {
            return Ok(Some(false));
        }
        Ok(self.l1.header(number).await?.map(|header| header.hash == hash))
    }
}
