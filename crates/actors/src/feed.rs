//! Takes blocks from another node before they are on L1.
//!
//! What comes this way is *unsafe*: it is executed and checked against the chain's rules and
//! against L1's messages and headers, but only L1 decides whether it stays. The deriver replaces
//! what L1 says otherwise.

use std::time::Duration;

use alloy_primitives::{B256, Bytes, U64};
use alloy_rlp::Decodable;
use duplex_derivation::forced_transactions;
use duplex_l1::{Rpc, RpcError};
use duplex_primitives::{Block, Header, L2Extra};
use tokio_util::sync::CancellationToken;

use crate::{ActorError, Rollup, deriver::blocking};

/// Pause between looks at the feed when there is nothing new.
const PAUSE: Duration = Duration::from_millis(200);
/// Pause after the feed did not answer or gave what cannot be used.
const FAILED: Duration = Duration::from_secs(2);
/// Blocks asked for at a time.
const AT_ONCE: u64 = 64;

/// Follows another node's newest blocks.
#[derive(Debug)]
pub struct Feed {
    rollup: Rollup,
    node: Rpc,
}

/// What became of a block from the feed.
enum Taken {
    /// It is on the chain.
    Yes,
    /// It cannot be judged yet: L1 is not read so far.
    Later,
}

impl Feed {
    /// Follows the node at `url`.
    ///
    /// # Errors
    /// If the URL is malformed.
    pub fn new(rollup: Rollup, url: &str) -> Result<Self, RpcError> {
        Ok(Self { rollup, node: Rpc::new(url)? })
    }

    /// Follows until cancelled. A feed that is away or wrong is waited for: L1 goes on without it.
    ///
    /// # Errors
    /// If the chain fails.
    pub async fn run(self, cancel: CancellationToken) -> Result<(), ActorError> {
        let mut failing = false;
        loop {
            let done = tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                done = self.step() => done,
            };
            let pause = match done {
                Ok(more) => {
                    failing = false;
                    if more { Duration::ZERO } else { PAUSE }
                }
                Err(error) if error.is_temporary() => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(feed = self.node.url(), %error, "the feed gives nothing that can be used");
                    }
                    FAILED
                }
                Err(error) => return Err(error),
            };
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Takes what is new; true if there may be more.
    async fn step(&self) -> Result<bool, ActorError> {
        // Before L1 is read to its end, the feed is ahead of what could be judged.
        if self.rollup.derivation.borrow().l1_head.is_none() {
            return Ok(false);
        }
        let (number, hash) = {
            let head = self.rollup.chain.head();
            (head.header.number, head.hash)
        };
        let blocks = self.blocks(number + 1).await?;
        let Some(first) = blocks.first() else { return Ok(false) };
        if first.header.parent_hash != hash {
            return self.branch(number).await;
        }
        let full = blocks.len() as u64 == AT_ONCE;
        for block in blocks {
            if matches!(self.take(block).await?, Taken::Later) {
                return Ok(false);
            }
        }
        Ok(full)
    }

    async fn blocks(&self, from: u64) -> Result<Vec<Block>, ActorError> {
        let params = (U64::from(from), U64::from(AT_ONCE));
        let raw: Vec<Bytes> = self.node.request("duplex_blocks", params).await.map_err(ActorError::Rpc)?;
        raw.iter()
            .map(|bytes| {
                Block::decode(&mut &bytes[..]).map_err(|error| ActorError::Feed(format!("a block: {error}")))
            })
            .collect()
    }

    /// The feed is on another branch: goes back to where both agree, but never below what L1 says.
    async fn branch(&self, head: u64) -> Result<bool, ActorError> {
        let safe = self.rollup.chain.safe();
        let mut number = head;
        while number > safe {
            let theirs = self.blocks(number).await?.first().map(|block| block.header.hash_slow());
            if theirs.is_some() && theirs == self.rollup.chain.hash_of(number)? {
                break;
            }
            number -= 1;
        }
        let theirs = self.blocks(number).await?.first().map(|block| block.header.hash_slow());
        if number == safe && theirs != self.rollup.chain.hash_of(safe)? {
            return Err(ActorError::Feed(format!("its block {safe} is not the one that L1 says")));
        }
        let _turn = self.rollup.turn.clone().lock_owned().await;
        if number >= self.rollup.chain.safe() && number < self.rollup.chain.head().header.number {
            tracing::warn!(from = head, to = number, "the feed went back");
            let chain = self.rollup.chain.clone();
            blocking(move || chain.unwind(number)).await?;
        }
        Ok(true)
    }

    async fn take(&self, block: Block) -> Result<Taken, ActorError> {
        let number = block.header.number;
        let Some(parent) = self.rollup.chain.header(number.saturating_sub(1))? else {
            return Ok(Taken::Later);
        };
        if !self.is_forced_right(&parent, &block).await? {
            return Ok(Taken::Later);
        }
        let _turn = self.rollup.turn.clone().lock_owned().await;
        if self.rollup.chain.head().hash != block.header.parent_hash {
            return Ok(Taken::Later);
        }
        let chain = self.rollup.chain.clone();
        match blocking(move || chain.import(block)).await {
            Ok(_) => Ok(Taken::Yes),
            Err(error) if error.is_invalid() => Err(ActorError::Feed(format!("block {number}: {error}"))),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the deposits of a block are those that L1 says: nobody else may mint. False if that
    /// cannot be said yet.
    async fn is_forced_right(&self, parent: &Header, block: &Block) -> Result<bool, ActorError> {
        let number = block.header.number;
        let before = L2Extra::decode(&parent.extra_data).unwrap_or_default();
        let bad = |what: &str| ActorError::Feed(format!("block {number}: {what}"));
        let extra = L2Extra::decode(&block.header.extra_data).ok_or_else(|| bad("extraData"))?;
        let hash: B256 = block.header.parent_beacon_block_root.unwrap_or_default();
        let anchor = if extra.anchor_number > before.anchor_number {
            let Some(anchor) = self.rollup.anchor(extra.anchor_number).await? else { return Ok(false) };
            Some(anchor)
        } else {
            None
        };
        let expected = anchor
            .as_ref()
            .map_or((parent.parent_beacon_block_root.unwrap_or_default(), parent.mix_hash), |anchor| {
                (anchor.hash, anchor.header.mix_hash)
            });
        if (hash, block.header.mix_hash) != expected {
            return Err(bad("its anchor is not on L1"));
        }
        let Some(messages) = self.rollup.messages(before.message_count, extra.message_count)? else {
            return Ok(false);
        };
        if messages.iter().any(|message| message.l1_block > extra.anchor_number) {
            return Err(bad("it takes a message before its time"));
        }
        let forced = forced_transactions(anchor.as_ref(), number, &messages);
        let found = &block.body.transactions;
        if found.len() < forced.len() || found[..forced.len()] != forced[..] {
            return Err(bad("its deposits are not those of L1"));
        }
        match found[forced.len()..].iter().any(|tx| tx.is_deposit()) {
            true => Err(bad("it has deposits that L1 does not know")),
            false => Ok(true),
        }
    }
}
