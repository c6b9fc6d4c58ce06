//! Orders transactions and makes L2 blocks of them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_consensus::Transaction as _;
use duplex_chain::{BuildRequest, Chain, ChainError};
use duplex_l1::{L1Header, RpcError};
use duplex_primitives::{BlockAttributes, L2Extra, Transaction, anchor_deposit};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{ActorError, Rollup};

/// Pause between looks at whether a whole block is waiting already.
const GLANCE: Duration = Duration::from_millis(20);
/// The cheapest transaction.
const TX_GAS: u64 = 21_000;
/// L1 blocks after which a block is made to renew the anchor; L1 remembers 8191 (EIP-2935).
const STALE_ANCHOR: u64 = 2048;

/// How the sequencer works.
#[derive(Debug, Clone, Copy)]
pub struct SequencerOptions {
    /// Time between blocks while there is something to include. Zero: a block for everything
    /// that arrives, at once. A block that is full never waits.
    pub block_time: Duration,
    /// Time after which a block is made although there is nothing to include.
    pub heartbeat: Duration,
    /// L1 blocks that must follow before an L1 block is built on.
    pub confirmations: u64,
}

/// Makes L2 blocks.
#[derive(Debug)]
pub struct Sequencer {
    rollup: Rollup,
    options: SequencerOptions,
    /// The newest L1 block that may be built on.
    anchor: Option<L1Header>,
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

fn extra(chain: &Chain) -> L2Extra {
    L2Extra::decode(&chain.head().header.extra_data).unwrap_or_default()
}

impl Sequencer {
    /// A sequencer for `rollup`.
    pub const fn new(rollup: Rollup, options: SequencerOptions) -> Self {
        Self { rollup, options, anchor: None }
    }

    /// Makes blocks until cancelled.
    ///
    /// # Errors
    /// If the chain cannot be written.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), ActorError> {
        // What is on L1 must be here too, or users would be told of blocks that can never be posted.
        while self.rollup.l1_head.borrow().is_none() {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                changed = self.rollup.l1_head.changed() => if changed.is_err() { return Ok(()) },
            }
        }
        self.rollup.l1_head.mark_changed();
        let (_, batches) = self.rollup.index.counts()?;
        if let Some(batch) = self.rollup.index.batch(batches)?
            && self.rollup.agrees_with(&batch.header)? != Some(true)
        {
            let head = self.rollup.chain.head().header.number;
            return Err(ActorError::BehindL1 { on_l1: batch.header.lastBlock, head });
        }
        let mut last = Instant::now();
        let mut arrivals = self.rollup.chain.subscribe_pending();
        loop {
            let on_demand = self.options.block_time.is_zero();
            let due = last + if on_demand { self.options.heartbeat } else { self.options.block_time };
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                changed = self.rollup.l1_head.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    if let Err(error) = self.follow_l1().await {
                        if !error.is_temporary() {
                            return Err(error);
                        }
                        tracing::warn!(%error, "sequencer cannot follow L1");
                    }
                    if !self.messages_wait()? {
                        continue;
                    }
                }
                _ = arrivals.recv(), if on_demand => {}
                () = tokio::time::sleep_until(due) => {}
                () = tokio::time::sleep(GLANCE), if !on_demand => {
                    let waiting = self.rollup.chain.pool().status().pending as u64;
                    if waiting * TX_GAS < self.rollup.chain.config().gas_limit {
                        continue;
                    }
                }
            }
            let idle = last.elapsed() >= self.options.heartbeat || self.anchor_is_stale();
            if self.build(idle).await? || idle {
                last = Instant::now();
            } else if !on_demand {
                last = last.max(due);
            }
        }
    }

    fn messages_wait(&self) -> Result<bool, ActorError> {
        let next = self.rollup.index.message(extra(&self.rollup.chain).message_count)?;
        let anchor = self.anchor.as_ref().map_or(0, |anchor| anchor.header.number);
        Ok(next.is_some_and(|message| message.l1_block <= anchor))
    }

    /// Takes the newest L1 block that is deep enough as anchor. If the L1 block that the chain
    /// builds on is gone, goes back to the last L2 block whose anchor is not.
    async fn follow_l1(&mut self) -> Result<(), ActorError> {
        let Some(head) = self.rollup.l1_head.borrow_and_update().clone() else { return Ok(()) };
        self.check_anchor().await?;
        let number = head.header.number.saturating_sub(self.options.confirmations);
        if number > extra(&self.rollup.chain).anchor_number {
            let header =
                if number == head.header.number { Some(head) } else { self.rollup.l1.header(number).await? };
            self.anchor = header;
        }
        Ok(())
    }

    /// Whether L1 has this block. `None` if it does not say: a node that lags is no reorganisation.
    async fn is_canonical(
        &self,
        number: u64,
        hash: alloy_primitives::B256,
    ) -> Result<Option<bool>, RpcError> {
        let shorter = self.rollup.l1_head.borrow().as_ref().is_some_and(|head| head.header.number < number);
        if shorter {
            return Ok(Some(false));
        }
        Ok(self.rollup.l1.header(number).await?.map(|header| header.hash == hash))
    }

    async fn check_anchor(&mut self) -> Result<(), ActorError> {
        let chain = self.rollup.chain.clone();
        let head = chain.head();
        let mut number = head.header.number;
        loop {
            let header = chain.header(number)?.ok_or(ActorError::MissingBlock(number))?;
            let anchor = L2Extra::decode(&header.extra_data).unwrap_or_default().anchor_number;
            if number == 0 {
                break;
            }
            match self.is_canonical(anchor, header.parent_beacon_block_root.unwrap_or_default()).await? {
                None => return Ok(()),
                Some(true) => break,
                Some(false) => {}
            }
            // All blocks with the same anchor share its fate.
            number -= 1;
            while number > 0 {
                let below = chain.header(number)?.ok_or(ActorError::MissingBlock(number))?;
                if L2Extra::decode(&below.extra_data).unwrap_or_default().anchor_number != anchor {
                    break;
                }
                number -= 1;
            }
        }
        // What L1 holds in a batch was built on anchors that L1 checked: it never goes.
        let (_, batches) = self.rollup.index.counts()?;
        if let Some(batch) = self.rollup.index.batch(batches)? {
            number = number.max(batch.header.lastBlock.min(head.header.number));
        }
        if number < head.header.number {
            tracing::warn!(
                from = head.header.number,
                to = number,
                "L1 reorganised: L2 goes back and on from there"
            );
            self.anchor = None;
            let chain = chain.clone();
            blocking(move || chain.unwind(number)).await?;
        }
        Ok(())
    }

    /// Makes blocks until none is full; false if there was nothing to include.
    async fn build(&mut self, even_empty: bool) -> Result<bool, ActorError> {
        let mut any = false;
        loop {
            let request = self.request(even_empty && !any)?;
            let Some(request) = request else { return Ok(any) };
            let chain = self.rollup.chain.clone();
            let built = match blocking(move || chain.build(&request)).await {
                Ok(built) => built,
                // The pool said there was something, and there was nothing that could be executed.
                Err(ChainError::Forced { hash, why }) => {
                    tracing::error!(%hash, why, "a forced transaction cannot be executed");
                    return Err(ChainError::Forced { hash, why }.into());
                }
                Err(error) => return Err(error.into()),
            };
            let Some(built) = built else { return Ok(any) };
            any = true;
            if !built.full && !self.messages_wait()? {
                return Ok(true);
            }
        }
    }

    /// The wall's time, but never so far ahead of L1's that L1 would refuse the batch.
    fn time(&self) -> u64 {
        let drift = self.rollup.deployment.parameters.max_drift / 2;
        let l1 = self.rollup.l1_head.borrow().as_ref().map(|head| head.header.timestamp);
        l1.map_or_else(now, |l1| now().min(l1.saturating_add(drift)))
    }

    /// True if the newest block's anchor is so old that L1 could soon no longer check it.
    fn anchor_is_stale(&self) -> bool {
        let used = extra(&self.rollup.chain).anchor_number;
        self.anchor.as_ref().is_some_and(|anchor| anchor.header.number > used + STALE_ANCHOR)
    }

    /// What the next block is made of; `None` if there is nothing to include.
    fn request(&self, even_empty: bool) -> Result<Option<BuildRequest>, ActorError> {
        let chain = &self.rollup.chain;
        let head = chain.head();
        let before = L2Extra::decode(&head.header.extra_data).unwrap_or_default();
        let anchor = self.anchor.as_ref().filter(|anchor| anchor.header.number > before.anchor_number);
        let anchor_number = anchor.map_or(before.anchor_number, |anchor| anchor.header.number);

        let mut messages = Vec::new();
        let mut gas = 0;
        let mut count = before.message_count;
        while let Some(message) = self.rollup.index.message(count)? {
            gas += message.gas_limit;
            if message.l1_block > anchor_number
                || gas > self.rollup.deployment.parameters.message_gas_per_block
            {
                break;
            }
            messages.push(message.to_deposit());
            count += 1;
        }
        if messages.is_empty() && chain.pool().status().pending == 0 && !even_empty {
            return Ok(None);
        }
        let mut forced: Vec<Transaction> = Vec::with_capacity(messages.len() + 1);
        let mut attributes = BlockAttributes {
            timestamp: self.time().max(head.header.timestamp),
            prev_randao: head.header.mix_hash,
            beacon_root: head.header.parent_beacon_block_root.unwrap_or_default(),
            l2: L2Extra { anchor_number, message_count: count },
            ..Default::default()
        };
        if let Some(anchor) = anchor {
            let fee = anchor.header.blob_fee(alloy_eips::eip7840::BlobParams::osaka()).unwrap_or(1);
            forced.push(anchor_deposit(&anchor.header, anchor.hash, head.header.number + 1, fee));
            attributes.prev_randao = anchor.header.mix_hash;
            attributes.beacon_root = anchor.hash;
            // L2 is never behind the L1 block that it builds on.
            attributes.timestamp = attributes.timestamp.max(anchor.header.timestamp);
        }
        forced.extend(messages);
        debug_assert!(forced.iter().all(|tx| tx.gas_limit() <= chain.config().gas_limit));
        Ok(Some(BuildRequest { attributes, forced, from_pool: true, allow_empty: even_empty }))
    }
}

/// Runs work that blocks on a thread for such work.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
