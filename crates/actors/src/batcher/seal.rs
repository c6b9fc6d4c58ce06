//! Puts blocks into a batch.

use alloy_primitives::{B256, Bytes};
use duplex_chain::BlockData;
use duplex_l1::DaPrices;
use duplex_primitives::{
    BatchContent, BatchHeader, BlockContent, ContentError, L2Extra, MAX_CONTENT, blob, data_root,
};

use super::{DaMode, Sealed};
use crate::{ActorError, Rollup};

/// What decides when a batch is full and where it goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    /// Longest data, in bytes.
    limit: usize,
    /// Bytes at which it counts as full.
    full: usize,
    /// Most blocks.
    blocks: u64,
    da: DaMode,
    prices: DaPrices,
    /// Longest data that goes as calldata.
    calldata: usize,
}

/// Longest data that fits the blobs of one transaction.
const BLOB_LIMIT: usize = blob::MAX_BLOBS * blob::PAYLOAD - blob::LENGTH_PREFIX;

impl Plan {
    pub(super) fn new(rollup: &Rollup, da: DaMode, prices: DaPrices, full_percent: u64) -> Self {
        let parameters = rollup.deployment.parameters;
        let calldata = parameters.max_batch_data as usize;
        let blobs_pay = prices.blobs(1) < prices.calldata(blob::PAYLOAD.min(calldata));
        let limit = match da {
            DaMode::Calldata => calldata,
            DaMode::Blob => BLOB_LIMIT,
            DaMode::Auto if blobs_pay => BLOB_LIMIT,
            DaMode::Auto => calldata,
        };
        let full = limit * full_percent as usize / 100;
        Self { limit, full, blocks: parameters.max_batch_blocks, da, prices, calldata }
    }

    /// Whether data of this length goes into blobs.
    fn uses_blobs(&self, len: usize) -> bool {
        match self.da {
            DaMode::Calldata => false,
            DaMode::Blob => true,
            DaMode::Auto if len > self.calldata => true,
            DaMode::Auto => self.prices.blobs(blob::count(len)) < self.prices.calldata(len),
        }
    }
}

/// Blocks from `parent` on, as content.
struct Gather<'a> {
    rollup: &'a Rollup,
    hash: B256,
    timestamp: u64,
    extra: L2Extra,
    content: BatchContent,
}

impl<'a> Gather<'a> {
    fn after(rollup: &'a Rollup, parent: u64) -> Result<Self, ActorError> {
        let header = rollup.chain.header(parent)?.ok_or(ActorError::MissingBlock(parent))?;
        let extra = L2Extra::decode(&header.extra_data).unwrap_or_default();
        let content = BatchContent::default();
        Ok(Self { rollup, hash: header.hash_slow(), timestamp: header.timestamp, extra, content })
    }

    /// Adds a block. `None` if it does not build on the one before: the chain was taken back while
    /// it was read.
    fn push(&mut self, block: &BlockData) -> Option<()> {
        let header = block.header();
        let extra = L2Extra::decode(&header.extra_data)?;
        if header.parent_hash != self.hash {
            return None;
        }
        self.content.blocks.push(BlockContent {
            timestamp_delta: header.timestamp.checked_sub(self.timestamp)?,
            anchor_delta: extra.anchor_number.checked_sub(self.extra.anchor_number)?,
            messages: extra.message_count.checked_sub(self.extra.message_count)?,
            transactions: block.transactions().iter().filter(|tx| !tx.is_deposit()).cloned().collect(),
        });
        (self.hash, self.timestamp, self.extra) = (block.hash(), header.timestamp, extra);
        Some(())
    }

    fn encode(&self) -> Result<Vec<u8>, ActorError> {
        let chain_id = self.rollup.chain.config().chain_id;
        let block = self.content.blocks.len() as u64;
        self.content.encode(chain_id).map_err(|error| ActorError::Content { block, error })
    }
}

/// The next batch after `before`, if it is full or `due`. `None` if it is neither, or the chain was
/// taken back meanwhile.
pub(super) fn seal(
    rollup: &Rollup,
    before: &BatchHeader,
    plan: &Plan,
    due: bool,
) -> Result<Option<Sealed>, ActorError> {
    let chain = &rollup.chain;
    let head = chain.head().header.number;
    let first = before.lastBlock + 1;
    let mut gather = Gather::after(rollup, first - 1)?;
    let (mut raw, mut best, mut next_try, mut overflow) = (0, None, plan.full, false);
    for number in first..=head {
        let block = chain.block(number)?.ok_or(ActorError::MissingBlock(number))?;
        raw += block.transaction_bytes() + 8;
        if raw > MAX_CONTENT / 2 {
            overflow = true;
            break;
        }
        if gather.push(&block).is_none() {
            return Ok(None);
        }
        let most = gather.content.blocks.len() as u64 == plan.blocks;
        // Compressing is the costly part: only when it may be enough, or when it is time.
        let last = number == head && due;
        if raw < next_try && !most && !last {
            continue;
        }
        let data = gather.encode()?;
        if data.len() > plan.limit {
            overflow = true;
            break;
        }
        next_try = raw + (plan.limit - data.len()).max(plan.limit / 16);
        let is_full = data.len() >= plan.full || most;
        best = Some((number, data));
        if is_full || last {
            return finish(rollup, before, plan, best);
        }
    }
    if !overflow {
        return Ok(None);
    }
    if best.is_none() {
        // Compression was first tried past the limit: take blocks one by one.
        best = largest_prefix(rollup, first, head, plan.limit)?;
    }
    finish(rollup, before, plan, best)
}

fn largest_prefix(
    rollup: &Rollup,
    first: u64,
    head: u64,
    limit: usize,
) -> Result<Option<(u64, Vec<u8>)>, ActorError> {
    let mut gather = Gather::after(rollup, first - 1)?;
    let mut best = None;
    for number in first..=head {
        let block = rollup.chain.block(number)?.ok_or(ActorError::MissingBlock(number))?;
        if gather.push(&block).is_none() {
            return Ok(None);
        }
        let data = gather.encode()?;
        if data.len() > limit {
            break;
        }
        best = Some((number, data));
    }
    if best.is_none() {
        return Err(ActorError::Content { block: first, error: ContentError::TooLong });
    }
    Ok(best)
}

/// The sealed batch. `None` if the chain was taken back meanwhile.
fn finish(
    rollup: &Rollup,
    before: &BatchHeader,
    plan: &Plan,
    best: Option<(u64, Vec<u8>)>,
) -> Result<Option<Sealed>, ActorError> {
    let Some((last, data)) = best else { return Ok(None) };
    let header = rollup.chain.header(last)?.ok_or(ActorError::MissingBlock(last))?;
    let extra = L2Extra::decode(&header.extra_data).unwrap_or_default();
    let Some(accumulator) = rollup.accumulator(extra.message_count)? else { return Ok(None) };
    let failed = |error| ActorError::Blob { block: last, error };
    let (data_root, blobs) = if plan.uses_blobs(data.len()) {
        let blobs = blob::encode(&data).map_err(failed)?;
        (None, blobs)
    } else {
        (Some(data_root(&data)), Vec::new())
    };
    let mut hashes = Vec::with_capacity(blobs.len());
    for blob in &blobs {
        // Kept at once: L1 forgets blobs, and this node must be able to give them.
        hashes.push(rollup.reader.blobs().archive().add(blob)?);
    }
    let batch = BatchHeader {
        index: before.index + 1,
        parentHash: before.hash(),
        dataRoot: data_root.unwrap_or_else(|| blob::blobs_root(&hashes)),
        firstBlock: before.lastBlock + 1,
        lastBlock: last,
        timestamp: header.timestamp,
        anchorNumber: extra.anchor_number,
        anchorHash: header.parent_beacon_block_root.unwrap_or_default(),
        messageCount: extra.message_count,
        messageAcc: accumulator,
    };
    let data: Bytes = data.into();
    let last_block_hash = header.hash_slow();
    Ok(Some(Sealed { header: batch, data, blobs: hashes, last_block_hash }))
}
