//! From a batch to the inputs of its blocks.

use alloc::{vec, vec::Vec};

use duplex_primitives::{BatchContent, BatchHeader, BlockContent, Header, L1Message};
use thiserror::Error;

use crate::{Anchor, BlockInput, Rules, Undecodable, block::Tip};

/// The header of an L1 block that a batch builds on was not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the header of L1 block {0} is needed")]
pub struct MissingAnchor(pub u64);

/// A batch that was read; its anchors are still to be looked up.
#[derive(Debug)]
pub struct Batch<'a> {
    rules: Rules,
    parent: Tip,
    header: &'a BatchHeader,
    messages: &'a [L1Message],
    content: Result<Vec<BlockContent>, Undecodable>,
}

/// What L1 says of a batch's blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    /// The inputs of its blocks, in order.
    pub blocks: Vec<BlockInput>,
    /// Why the content is void, if it is: then this is the default content.
    pub undecodable: Option<Undecodable>,
}

impl<'a> Batch<'a> {
    /// Reads a batch that the `Inbox` took. `parent` is the L2 block before its first; `messages`
    /// are those from the parent's count up to the header's.
    pub fn read(
        rules: &Rules,
        parent: &Header,
        header: &'a BatchHeader,
        data: &[u8],
        messages: &'a [L1Message],
    ) -> Self {
        let parent = Tip::of(parent);
        let content = BatchContent::decode(data, rules.chain_id)
            .map_err(Undecodable::from)
            .and_then(|content| check(rules, &parent, header, messages, content.blocks));
        Self { rules: *rules, parent, header, messages, content }
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

    /// The inputs of the batch's blocks.
    ///
    /// # Errors
    /// If `anchors` does not know one of those that [`anchors`](Self::anchors) names.
    pub fn blocks(self, anchors: impl Fn(u64) -> Option<Anchor>) -> Result<Derived, MissingAnchor> {
        let look = |number| anchors(number).ok_or(MissingAnchor(number));
        let content = match self.content {
            Err(why) => Err(why),
            Ok(blocks) => listed(self.parent, blocks, self.messages, look)?,
        };
        match content {
            Ok(blocks) => Ok(Derived { blocks, undecodable: None }),
            Err(why) => {
                let blocks = default(&self.rules, self.parent, self.header, self.messages, look)?;
                Ok(Derived { blocks, undecodable: Some(why) })
            }
        }
    }
}

/// Every rule that needs no anchor.
fn check(
    rules: &Rules,
    parent: &Tip,
    header: &BatchHeader,
    messages: &[L1Message],
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
    end("time", parent.timestamp, |block| block.timestamp_delta, header.timestamp)?;
    end("anchor", parent.l2.anchor_number, |block| block.anchor_delta, header.anchorNumber)?;
    end("message", parent.l2.message_count, |block| block.messages, header.messageCount)?;

    let mut rest = messages;
    for (block, number) in blocks.iter().zip(header.firstBlock..) {
        let taken = usize::try_from(block.messages).ok().and_then(|count| rest.split_at_checked(count));
        let Some((taken, left)) = taken else {
            let found = parent.l2.message_count.checked_add(messages.len() as u64);
            return Err(Undecodable::End { what: "message", found, expected: header.messageCount });
        };
        rest = left;
        let gas = taken.iter().fold(0u64, |sum, message| sum.saturating_add(message.gas_limit));
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

/// The blocks as the content lists them; void if one is behind its anchor.
fn listed(
    mut tip: Tip,
    blocks: Vec<BlockContent>,
    mut messages: &[L1Message],
    look: impl Fn(u64) -> Result<Anchor, MissingAnchor>,
) -> Result<Result<Vec<BlockInput>, Undecodable>, MissingAnchor> {
    let mut inputs = Vec::with_capacity(blocks.len());
    let mut anchor_time = look(tip.l2.anchor_number)?.header.timestamp;
    for content in blocks {
        let moved = match content.anchor_delta {
            0 => None,
            delta => Some(look(tip.l2.anchor_number + delta)?),
        };
        if let Some(anchor) = &moved {
            anchor_time = anchor.header.timestamp;
        }
        let timestamp = tip.timestamp + content.timestamp_delta;
        if timestamp < anchor_time {
            let block = tip.number + 1;
            return Ok(Err(Undecodable::BehindAnchor { block, timestamp, anchor: anchor_time }));
        }
        let (taken, rest) = messages.split_at(content.messages as usize);
        messages = rest;
        inputs.push(tip.step(timestamp, moved.as_ref(), taken, content.transactions));
    }
    Ok(Ok(inputs))
}

/// The default content: the anchor moves with the first block, messages fill blocks in order, users'
/// transactions are left out. A block takes messages until it has `messageGasPerBlock`, so that all
/// fit: the `Inbox` took no more than that for each block.
fn default(
    rules: &Rules,
    mut tip: Tip,
    header: &BatchHeader,
    mut messages: &[L1Message],
    look: impl Fn(u64) -> Result<Anchor, MissingAnchor>,
) -> Result<Vec<BlockInput>, MissingAnchor> {
    let anchor = look(header.anchorNumber.max(tip.l2.anchor_number))?;
    let timestamp = header.timestamp.max(tip.timestamp).max(anchor.header.timestamp);
    let mut moved = Some(&anchor).filter(|anchor| anchor.number > tip.l2.anchor_number);
    let mut inputs = Vec::new();
    for _ in header.firstBlock..=header.lastBlock {
        let mut gas = 0u64;
        let mut count = 0;
        while gas < rules.message_gas_per_block
            && let Some(message) = messages.get(count)
        {
            gas = gas.saturating_add(message.gas_limit);
            count += 1;
        }
        let (taken, rest) = messages.split_at(count);
        messages = rest;
        inputs.push(tip.step(timestamp, moved.take(), taken, Vec::new()));
    }
    Ok(inputs)
}
