//! What L1 says of a batch's blocks.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use duplex_chain::BlockData;
use duplex_derivation::{Anchor, Batch, BlockInput, Derived};
use duplex_l1::Rpc;
use duplex_primitives::{BatchHeader, messages_accumulator};

use crate::{ActorError, Rollup, rollup::anchor};

/// L1 headers fetched at the same time.
const AT_ONCE: usize = 32;
/// The headers of these L1 blocks, of which the last must be `newest`.
///
/// They are read between two looks at the last one: if it was there before and after, the others
/// are its ancestors. Nothing is kept for the next batch, because L1 may go back in between.
async fn headers(
    l1: &Rpc,
    numbers: impl Iterator<Item = u64>,
    newest: (u64, B256),
) -> Result<BTreeMap<u64, Anchor>, ActorError> {
    let mut headers = BTreeMap::new();
    let numbers: Vec<u64> = numbers.collect();
    is_there(l1, newest).await?;
    for some in numbers.chunks(AT_ONCE) {
        let mut tasks = tokio::task::JoinSet::new();
        for number in some.iter().copied() {
            let l1 = l1.clone();
            tasks.spawn(async move { l1.header(number).await });
        }
        while let Some(done) = tasks.join_next().await {
            let header = done.map_err(|_| ActorError::Behind("fetching L1 headers was cut off"))??;
            let header = header.ok_or(ActorError::Behind("L1 lacks a block that a batch builds on"))?;
            headers.insert(header.header.number, anchor(header));
        }
    }
    is_there(l1, newest).await?;
    Ok(headers)
}

async fn is_there(l1: &Rpc, (number, hash): (u64, B256)) -> Result<(), ActorError> {
    match l1.header(number).await? {
        Some(header) if header.hash == hash => Ok(()),
        _ => Err(ActorError::Behind("L1 has another block than a batch builds on")),
    }
}

impl Rollup {
    /// What L1 says of the blocks of a batch that follows `before`, whose blocks are here.
    pub(crate) async fn inputs(
        &self,
        before: &BatchHeader,
        header: &BatchHeader,
        data: &[u8],
    ) -> Result<Derived, ActorError> {
        let number = before.lastBlock;
        let parent = self.chain.header(number)?.ok_or(ActorError::MissingBlock(number))?;
        let Some(messages) = self.messages(before.messageCount, header.messageCount)? else {
            return Err(ActorError::Behind("messages are missing in the index"));
        };
        if messages_accumulator(before.messageAcc, &messages) != header.messageAcc {
            return Err(ActorError::Behind("the messages in the index are not those of the queue"));
        }
        let batch = Batch::read(&self.rules(), &parent, header, data, &messages);
        let newest = (header.anchorNumber, header.anchorHash);
        let anchors = headers(&self.l1, batch.anchors(), newest).await?;
        batch
            .blocks(|number| anchors.get(&number).cloned())
            .map_err(|_| ActorError::Behind("L1 does not give the headers that a batch builds on"))
    }
}

/// True if a block is what derivation would make of this input. A block that is here was executed
/// here, so equal inputs mean an equal block.
pub(crate) fn agrees(block: &BlockData, input: &BlockInput) -> bool {
    let (header, attributes) = (block.header(), &input.attributes);
    header.timestamp == attributes.timestamp
        && header.mix_hash == attributes.prev_randao
        && header.parent_beacon_block_root == Some(attributes.beacon_root)
        && header.extra_data == attributes.l2.encode()
        && block.transactions().len() == input.forced.len() + input.transactions.len()
        && block.transactions().iter().eq(input.forced.iter().chain(&input.transactions))
}
