//! A batch whose messages are all at hand.

use alloc::vec::Vec;

use duplex_primitives::{BatchHeader, Header, L1Message};

use crate::{Anchor, BlockInput, MissingAnchor, Plan, Rules, Undecodable};

/// A batch that was read; its anchors are still to be looked up.
#[derive(Debug)]
pub struct Batch<'a> {
    plan: Plan<'a>,
    messages: &'a [L1Message],
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
        let gas = messages.iter().map(|message| message.gas_limit).collect();
        Self { plan: Plan::read(rules, parent, header, data, gas), messages }
    }

    /// Why the content is void, as far as that can be said without the anchors.
    pub const fn undecodable(&self) -> Option<&Undecodable> {
        self.plan.undecodable()
    }

    /// The L1 blocks whose headers are needed: ascending, each once.
    pub fn anchors(&self) -> impl Iterator<Item = u64> + use<> {
        self.plan.anchors()
    }

    /// The inputs of the batch's blocks.
    ///
    /// # Errors
    /// If `anchors` does not know one of those that [`anchors`](Self::anchors) names.
    pub fn blocks(self, anchors: impl Fn(u64) -> Option<Anchor>) -> Result<Derived, MissingAnchor> {
        let mut blocks = Vec::new();
        let messages = self.messages;
        let undecodable = self.plan.visit(anchors, |block| {
            let taken = &messages[block.messages.clone()];
            blocks.push(block.input(taken));
        })?;
        Ok(Derived { blocks, undecodable })
    }
}
