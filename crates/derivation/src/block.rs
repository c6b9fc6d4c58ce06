//! The inputs of one block.

use alloc::vec::Vec;
use core::ops::Range;

use alloy_primitives::B256;
use duplex_primitives::{BlockAttributes, Header, L1Message, L2Extra, Transaction, anchor_deposit};

use crate::{BlockPlan, blob_fee::blob_base_fee};

/// An L1 block that L2 blocks build on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// Its header.
    pub header: Header,
}

/// All that a block is executed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockInput {
    /// What its header says before execution.
    pub attributes: BlockAttributes,
    /// Deposits, in order; the block has all of them.
    pub forced: Vec<Transaction>,
    /// What users sent, in order; the block has those that can be executed.
    pub transactions: Vec<Transaction>,
}

/// The deposits of L2 block `number`: the anchor update if the anchor moved to `anchor`, then the
/// messages.
pub fn forced_transactions<'a>(
    anchor: Option<&Anchor>,
    number: u64,
    messages: impl IntoIterator<Item = &'a L1Message>,
) -> Vec<Transaction> {
    let update = anchor.map(|anchor| {
        let fee = anchor.header.excess_blob_gas.map_or(1, blob_base_fee);
        anchor_deposit(&anchor.header, anchor.hash, number, fee)
    });
    update.into_iter().chain(messages.into_iter().map(L1Message::to_deposit)).collect()
}

/// Where a block starts from: what it takes over from its parent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tip {
    pub(crate) number: u64,
    pub(crate) timestamp: u64,
    pub(crate) prev_randao: B256,
    pub(crate) beacon_root: B256,
    pub(crate) l2: L2Extra,
}

impl Tip {
    pub(crate) fn of(header: &Header) -> Self {
        Self {
            number: header.number,
            timestamp: header.timestamp,
            prev_randao: header.mix_hash,
            beacon_root: header.parent_beacon_block_root.unwrap_or_default(),
            // L2 headers always have it; genesis' too.
            l2: L2Extra::decode(&header.extra_data).unwrap_or_default(),
        }
    }

    /// The block after this one; this becomes that one.
    pub(crate) fn step(
        &mut self,
        timestamp: u64,
        anchor: Option<Anchor>,
        messages: Range<usize>,
        transactions: Vec<Transaction>,
    ) -> BlockPlan {
        self.number += 1;
        self.timestamp = timestamp;
        if let Some(anchor) = &anchor {
            self.prev_randao = anchor.header.mix_hash;
            self.beacon_root = anchor.hash;
            self.l2.anchor_number = anchor.number;
        }
        self.l2.message_count += messages.len() as u64;
        let attributes = BlockAttributes {
            timestamp,
            prev_randao: self.prev_randao,
            beacon_root: self.beacon_root,
            l2: self.l2,
            ..Default::default()
        };
        BlockPlan { number: self.number, attributes, anchor, messages, transactions }
    }
}
