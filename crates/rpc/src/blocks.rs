//! From the name of a block to the block.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::B256;
use duplex_chain::{BlockData, StateAt};
use duplex_primitives::{BlockAttributes, Header, L2Extra};
use duplex_stf::open_header;

use crate::{ChainApi, RpcError, RpcResult};

/// A header to execute under, with the state to execute on.
#[derive(Debug)]
pub(crate) struct Place {
    /// The header. For `pending`, of the next block.
    pub(crate) header: Header,
    /// The state after the block; for `pending`, after the newest one.
    pub(crate) state: StateAt,
}

impl ChainApi {
    /// The number that a tag stands for; `None` for `pending`, which has no block yet.
    pub(crate) fn number_of_tag(&self, tag: BlockNumberOrTag) -> Option<u64> {
        let head = || self.chain().head().header.number;
        Some(match tag {
            BlockNumberOrTag::Number(number) => number,
            BlockNumberOrTag::Earliest => 0,
            BlockNumberOrTag::Latest => head(),
            BlockNumberOrTag::Safe => self.chain().safe().min(head()),
            BlockNumberOrTag::Finalized => self.chain().finalized().min(head()),
            BlockNumberOrTag::Pending => return None,
        })
    }

    /// The number of the block with this hash.
    pub(crate) fn number_of_hash(&self, hash: B256) -> RpcResult<Option<u64>> {
        Ok(self.chain().number_of(hash)?)
    }

    /// The block that an id names; `None` if there is none, or it is `pending`.
    pub(crate) fn block(&self, id: BlockId) -> RpcResult<Option<Arc<BlockData>>> {
        let number = match id {
            BlockId::Number(tag) => self.number_of_tag(tag),
            BlockId::Hash(hash) => self.number_of_hash(hash.block_hash)?,
        };
        let Some(number) = number else { return Ok(None) };
        let block = self.chain().block(number)?;
        // The chain may have been reorganised between the two look-ups.
        Ok(block.filter(|block| match id {
            BlockId::Hash(hash) => block.hash() == hash.block_hash,
            BlockId::Number(_) => true,
        }))
    }

    /// The block that an id names, or the error that it does not exist.
    pub(crate) fn known_block(&self, id: BlockId) -> RpcResult<Arc<BlockData>> {
        self.block(id)?.ok_or_else(|| unknown(id))
    }

    /// The state after the block that an id names.
    pub(crate) fn state(&self, id: BlockId) -> RpcResult<StateAt> {
        let number = match id {
            BlockId::Number(BlockNumberOrTag::Latest | BlockNumberOrTag::Pending) => {
                return Ok(self.chain().state());
            }
            BlockId::Number(tag) => self.number_of_tag(tag),
            BlockId::Hash(hash) => self.number_of_hash(hash.block_hash)?,
        };
        self.state_after(number.ok_or_else(|| unknown(id))?)?.ok_or_else(|| unknown(id))
    }

    /// The state after a block by number. `None` if there is no such block.
    pub(crate) fn state_after(&self, number: u64) -> RpcResult<Option<StateAt>> {
        let floor = self.chain().history_floor()?;
        if number < floor {
            return Err(RpcError::Rejected(format!(
                "the state after block {number} is not kept any more; the oldest kept is that after block {floor}"
            )));
        }
        Ok(self.chain().state_at(number)?)
    }

    /// Header and state to execute on.
    pub(crate) fn place(&self, id: BlockId) -> RpcResult<Place> {
        match id {
            BlockId::Number(BlockNumberOrTag::Latest) => {
                let head = self.chain().head();
                Ok(Place { header: head.header.clone(), state: head.state() })
            }
            BlockId::Number(BlockNumberOrTag::Pending) => {
                let state = self.chain().state();
                Ok(Place { header: self.pending_header(), state })
            }
            _ => {
                let state = self.state(id)?;
                let header = self.chain().header(state.number())?.ok_or_else(|| unknown(id))?;
                Ok(Place { header, state })
            }
        }
    }

    /// The header that the next block would have if it were empty and built now.
    pub(crate) fn pending_header(&self) -> Header {
        let head = self.chain().head();
        let config = self.chain().config();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let earliest = head.header.timestamp + u64::from(!config.is_l2());
        let attributes = BlockAttributes {
            timestamp: now.max(earliest),
            beneficiary: head.header.beneficiary,
            prev_randao: head.header.mix_hash,
            beacon_root: head.header.parent_beacon_block_root.unwrap_or_default(),
            withdrawals: Vec::new(),
            l2: L2Extra::decode(&head.header.extra_data).unwrap_or_default(),
        };
        let mut header = open_header(config, &head.header, head.hash, &attributes);
        header.state_root = head.header.state_root;
        if config.is_l2() {
            header.withdrawals_root = head.header.withdrawals_root;
        }
        header
    }
}

/// The error for a block that does not exist.
pub(crate) fn unknown(id: BlockId) -> RpcError {
    RpcError::Rejected(match id {
        BlockId::Hash(hash) if hash.require_canonical == Some(true) => {
            format!("hash {} is not currently canonical", hash.block_hash)
        }
        BlockId::Hash(hash) => format!("header for hash {} not found", hash.block_hash),
        BlockId::Number(number) => format!("block {number} not found"),
    })
}
