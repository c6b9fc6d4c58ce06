//! Orders transactions and makes L2 blocks of them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alloy_consensus::Transaction as _;
use duplex_chain::{BuildRequest, Chain};
use duplex_derivation::{Anchor, forced_transactions};
use duplex_l1::L1Header;
use duplex_primitives::{BlockAttributes, L2Extra, Transaction};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{ActorError, Rollup, deriver::blocking, rollup::anchor};

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
    /// Makes blocks only while anyone may append, because a message waits too long: for those who
    /// are not the sequencer.
    pub only_when_open: bool,
}

/// Makes L2 blocks.
#[derive(Debug)]
pub struct Sequencer {
    rollup: Rollup,
    options: SequencerOptions,
    /// The newest L1 block that may be built on.
    anchor: Option<Anchor>,
    /// Whether blocks may be made at all.
    open: bool,
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
        Self { rollup, options, anchor: None, open: !options.only_when_open }
    }

    /// Makes blocks until cancelled.
    ///
    /// # Errors
    /// If the chain cannot be written.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), ActorError> {
        // What is on L1 must be here first: blocks on anything else could never be posted.
        while self.l1_head().is_none() {
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                changed = self.rollup.derivation.changed() => if changed.is_err() { return Ok(()) },
            }
        }
        self.rollup.derivation.mark_changed();
        let mut last = Instant::now();
        let mut arrivals = self.rollup.chain.subscribe_pending();
        loop {
            let on_demand = self.options.block_time.is_zero();
            let due = last + if on_demand { self.options.heartbeat } else { self.options.block_time };
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                changed = self.rollup.derivation.changed() => {
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
        let extra = extra(&self.rollup.chain);
        let next = self.rollup.index.message(extra.message_count)?;
        let anchor = self.anchor.as_ref().map_or(0, |anchor| anchor.number).max(extra.anchor_number);
        Ok(next.is_some_and(|message| message.l1_block <= anchor))
    }

    /// The newest L1 block that L2 agrees with.
    fn l1_head(&self) -> Option<L1Header> {
        self.rollup.derivation.borrow().l1_head.clone()
    }

    /// Takes the newest L1 block that is deep enough as anchor.
    async fn follow_l1(&mut self) -> Result<(), ActorError> {
        let Some(head) = self.rollup.derivation.borrow_and_update().l1_head.clone() else { return Ok(()) };
        let newest = head.header.number;
        let number = newest.saturating_sub(self.options.confirmations);
        self.anchor = match number > extra(&self.rollup.chain).anchor_number {
            false => None,
            true if number == newest => Some(anchor(head)),
            true => self.rollup.anchor(number).await?,
        };
        if self.options.only_when_open {
            self.open = self.rollup.is_open().await?;
        }
        Ok(())
    }

    /// Makes blocks until none is full; false if there was nothing to include, or this is not the
    /// time.
    async fn build(&mut self, even_empty: bool) -> Result<bool, ActorError> {
        let mut any = false;
        if !self.open {
            return Ok(false);
        }
        loop {
            let _turn = self.rollup.turn.clone().lock_owned().await;
            // The deriver brings in what L1 has and this chain has not, before anything is built.
            if !self.rollup.is_abreast()? {
                return Ok(any);
            }
            let request = self.request(even_empty && !any)?;
            let Some(request) = request else { return Ok(any) };
            let chain = self.rollup.chain.clone();
            // `None`: the pool said there was something, and nothing of it could be executed.
            let Some(built) = blocking(move || chain.build(&request)).await? else { return Ok(any) };
            any = true;
            if !built.full && !self.messages_wait()? {
                return Ok(true);
            }
        }
    }

    /// The wall's time, but never so far ahead of L1's that L1 would refuse the batch.
    fn time(&self) -> u64 {
        let drift = self.rollup.deployment.parameters.max_drift / 2;
        let l1 = self.l1_head().map(|head| head.header.timestamp);
        l1.map_or_else(now, |l1| now().min(l1.saturating_add(drift)))
    }

    /// True if the newest block's anchor is so old that L1 could soon no longer check it.
    fn anchor_is_stale(&self) -> bool {
        let used = extra(&self.rollup.chain).anchor_number;
        self.anchor.as_ref().is_some_and(|anchor| anchor.number > used + STALE_ANCHOR)
    }

    /// What the next block is made of; `None` if there is nothing to include.
    fn request(&self, even_empty: bool) -> Result<Option<BuildRequest>, ActorError> {
        let chain = &self.rollup.chain;
        let head = chain.head();
        let before = L2Extra::decode(&head.header.extra_data).unwrap_or_default();
        let anchor = self.anchor.as_ref().filter(|anchor| anchor.number > before.anchor_number);
        let anchor_number = anchor.map_or(before.anchor_number, |anchor| anchor.number);

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
            messages.push(message);
            count += 1;
        }
        if messages.is_empty() && chain.pool().status().pending == 0 && !even_empty {
            return Ok(None);
        }
        let mut attributes = BlockAttributes {
            timestamp: self.time().max(head.header.timestamp),
            prev_randao: head.header.mix_hash,
            beacon_root: head.header.parent_beacon_block_root.unwrap_or_default(),
            l2: L2Extra { anchor_number, message_count: count },
            ..Default::default()
        };
        if let Some(anchor) = anchor {
            attributes.prev_randao = anchor.header.mix_hash;
            attributes.beacon_root = anchor.hash;
            // L2 is never behind the L1 block that it builds on.
            attributes.timestamp = attributes.timestamp.max(anchor.header.timestamp);
        }
        let forced: Vec<Transaction> = forced_transactions(anchor, head.header.number + 1, &messages);
        debug_assert!(forced.iter().all(|tx| tx.gas_limit() <= chain.config().gas_limit));
        Ok(Some(BuildRequest { attributes, forced, from_pool: true, allow_empty: even_empty }))
    }
}
