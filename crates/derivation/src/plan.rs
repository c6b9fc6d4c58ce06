//! Which block of a batch takes what.

use alloc::{vec, vec::Vec};
use core::ops::Range;

use duplex_primitives::{
    BatchContent, BatchHeader, BlockAttributes, BlockContent, Header, L1Message, Transaction,
};
use thiserror::Error;

use crate::{Anchor, BlockInput, Rules, Undecodable, block::Tip, forced_transactions};

/// The header of an L1 block that a batch builds on was not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the header of L1 block {0} is needed")]
pub struct MissingAnchor(pub u64);

/// A batch that was read, of whose messages only the gas limits are known. Whoever wants a single
/// block, as proofs do, need not hold the messages of the others: a batch can have gigabytes of
/// them.
#[derive(Debug)]
pub struct Plan<'a> {
    rules: Rules,
    parent: Tip,
    header: &'a BatchHeader,
    gas: Vec<u64>,
    content: Result<Vec<BlockContent>, Undecodable>,
}

/// What one block takes.
#[derive(Debug)]
pub struct BlockPlan {
    /// Number of the block.
    pub number: u64,
    /// What its header says before execution.
    pub attributes: BlockAttributes,
    /// The L1 block that it builds on, if its parent builds on another.
    pub anchor: Option<Anchor>,
    /// The messages that it takes, counted from the batch's first.
    pub messages: Range<usize>,
    /// What users sent.
    pub transactions: Vec<Transaction>,
}

impl BlockPlan {
    /// All that the block is executed from. `messages` are those that it takes.
    pub fn input(self, messages: &[L1Message]) -> BlockInput {
        let forced = forced_transactions(self.anchor.as_ref(), self.number, messages);
        BlockInput { attributes: self.attributes, forced, transactions: self.transactions }
    }
}

impl<'a> Plan<'a> {
    /// Reads a batch that the `Inbox` took. `parent` is the L2 block before its first; `gas` has the
    /// gas limit of each message from the parent's count up to the header's.
    pub fn read(rules: &Rules, parent: &Header, header: &'a BatchHeader, data: &[u8], gas: Vec<u64>) -> Self {
        let parent = Tip::of(parent);
        let content = BatchContent::decode(data, rules.chain_id)
            .map_err(Undecodable::from)
            .and_then(|content| check(rules, &parent, header, &gas, content.blocks));
        Self { rules: *rules, parent, header, gas, content }
    }

    /// Why the content is void, as far as that can be said without the anchors.
    pub const fn undecodable(&self) -> Option<&Undecodable> {
        match &self.content {
            Ok(_) => None,
            Err(why) => Some(why),
        }
    }

    /// The L1 blocks whose headers are needed: ascending, each once.
    pub fn anchors(&self) -> impl Iterator<Item = u64> + use<> {
        let mut number = self.parent.l2.anchor_number;
        let mut needed = vec![number];
        if let Ok(blocks) = &self.content {
            for block in blocks.iter().filter(|block| block.anchor_delta > 0) {
                number += block.anchor_delta;
                needed.push(number);
            }
        } else if number < self.header.anchorNumber {
            needed.push(self.header.anchorNumber);
        }
        needed.into_iter()
    }

    /// Shows every block, in order, and tells why the content is void, if it is.
    ///
    /// # Errors
    /// If `anchors` does not know one of those that [`anchors`](Self::anchors) names.
    pub fn visit(
        self,
        anchors: impl Fn(u64) -> Option<Anchor>,
        visit: impl FnMut(BlockPlan),
    ) -> Result<Option<Undecodable>, MissingAnchor> {
        let look = |number| anchors(number).ok_or(MissingAnchor(number));
        let void = match self.content {
            Err(why) => why,
            Ok(blocks) => match behind(&self.parent, &blocks, look)? {
                Some(why) => why,
                None => {
                    listed(self.parent, blocks, look, visit)?;
                    return Ok(None);
                }
            },
        };
        default(&self.rules, self.parent, self.header, &self.gas, look, visit)?;
        Ok(Some(void))
    }
}

/// Every rule that needs no anchor.
fn check(
    rules: &Rules,
    parent: &Tip,
    header: &BatchHeader,
    gas: &[u64],
    blocks: Vec<BlockContent>,
) -> Result<Vec<BlockContent>, Undecodable> {
    let expected = header.lastBlock.saturating_sub(header.firstBlock).saturating_add(1);
    let found = blocks.len() as u64;
    if found != expected {
        return Err(Undecodable::Blocks { found, expected });
    }
    let end = |what, start: u64, part: fn(&BlockContent) -> u64, expected| {
        let found = blocks.iter().try_fold(start, |sum, block| sum.checked_add(part(block)));
        match found == Some(expected) {
            true => Ok(()),
            false => Err(Undecodable::End { what, found, expected }),
        }
    };
    // As no sum overflows, none does in what follows.
    end("time", parent.timestamp, |block| block.timestamp_delta, header.timestamp)?;
    end("anchor", parent.l2.anchor_number, |block| block.anchor_delta, header.anchorNumber)?;
    end("message", parent.l2.message_count, |block| block.messages, header.messageCount)?;

    let mut rest = gas;
    for (block, number) in blocks.iter().zip(header.firstBlock..) {
        let taken = usize::try_from(block.messages).ok().and_then(|count| rest.split_at_checked(count));
        let Some((taken, left)) = taken else {
            let found = parent.l2.message_count.checked_add(gas.len() as u64);
            return Err(Undecodable::End { what: "message", found, expected: header.messageCount });
        };
        rest = left;
        let gas = taken.iter().fold(0u64, |sum, gas| sum.saturating_add(*gas));
        if gas > rules.message_gas_per_block {
            return Err(Undecodable::MessageGas { block: number, gas, limit: rules.message_gas_per_block });
        }
        let (found, limit) = (block.transactions.len(), rules.max_listed());
        if found > limit {
            return Err(Undecodable::Transactions { block: number, found, limit });
        }
    }
    Ok(blocks)
}

/// The first block that is behind its anchor, if there is one.
fn behind(
    parent: &Tip,
    blocks: &[BlockContent],
    look: impl Fn(u64) -> Result<Anchor, MissingAnchor>,
) -> Result<Option<Undecodable>, MissingAnchor> {
    let (mut timestamp, mut number) = (parent.timestamp, parent.l2.anchor_number);
    let mut anchor = look(number)?.header.timestamp;
    for (content, block) in blocks.iter().zip(parent.number + 1..) {
        timestamp += content.timestamp_delta;
        if content.anchor_delta > 0 {
            number += content.anchor_delta;
            anchor = look(number)?.header.timestamp;
        }
        if timestamp < anchor {
            return Ok(Some(Undecodable::BehindAnchor { block, timestamp, anchor }));
        }
    }
    Ok(None)
}

/// The blocks as the content lists them.
fn listed(
    mut tip: Tip,
    blocks: Vec<BlockContent>,
    look: impl Fn(u64) -> Result<Anchor, MissingAnchor>,
    mut visit: impl FnMut(BlockPlan),
) -> Result<(), MissingAnchor> {
    let mut first = 0;
    for content in blocks {
        let moved = match content.anchor_delta {
            0 => None,
            delta => Some(look(tip.l2.anchor_number + delta)?),
        };
        let timestamp = tip.timestamp + content.timestamp_delta;
        let messages = first..first + content.messages as usize;
        first = messages.end;
        visit(tip.step(timestamp, moved, messages, content.transactions));
    }
    Ok(())
}

/// The default content: the anchor moves with the first block, messages fill blocks in order, users'
/// transactions are left out. A block takes messages until it has `messageGasPerBlock`, so that all
/// fit: the `Inbox` took no more than that for each block.
fn default(
    rules: &Rules,
    mut tip: Tip,
    header: &BatchHeader,
    gas: &[u64],
    look: impl Fn(u64) -> Result<Anchor, MissingAnchor>,
    mut visit: impl FnMut(BlockPlan),
) -> Result<(), MissingAnchor> {
    let anchor = look(header.anchorNumber.max(tip.l2.anchor_number))?;
    let timestamp = header.timestamp.max(tip.timestamp).max(anchor.header.timestamp);
    let mut moved = Some(anchor).filter(|anchor| anchor.number > tip.l2.anchor_number);
    let mut first = 0;
    for _ in header.firstBlock..=header.lastBlock {
        let (mut last, mut sum) = (first, 0u64);
        while sum < rules.message_gas_per_block
            && let Some(gas) = gas.get(last)
        {
            sum = sum.saturating_add(*gas);
            last += 1;
        }
        visit(tip.step(timestamp, moved.take(), first..last, Vec::new()));
        first = last;
    }
    Ok(())
}
