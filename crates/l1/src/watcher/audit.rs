//! What the index says, compared with what the contracts say.
//!
//! Not every node says so when it does not have the block whose logs it is asked for: some answer as if there were none.
//! A message, a batch or a claim that was left out is missed when the next one comes, since they are numbered. What
//! became of a claim is not, so L1 is asked.

use std::sync::atomic::{AtomicU64, Ordering};

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall;
use duplex_contracts::bindings::{IInbox, IMessageQueue, ISettlement};

use super::{Undo, Watcher, WatcherError, undo_key};
use crate::{
    ClaimEntry, ClaimStatus, L1Header, RpcError,
    index::{Changes, claim_key},
};

/// L1 blocks from the first doubt to the comparison: so many at first, and twice as many after each that finds nothing.
/// In every second block of a busy L1 there may be something, as far as its bloom says, and each claim that waits is asked for:
/// with one an hour and a window of a week, 170 questions.
const SOON: u64 = 16;
const LATE: u64 = 64;
/// Times that a question is asked: behind one URL the next node may have the block that this one lacks.
const TRIES: u32 = 5;
/// L1 blocks until a comparison that failed is tried again.
const AGAIN: u64 = 4;

/// When to compare.
#[derive(Debug)]
pub(super) struct Doubt {
    /// L1 block from which on it is time.
    due: AtomicU64,
    /// L1 blocks that a new doubt waits.
    wait: AtomicU64,
}

impl Doubt {
    /// At once: what was read before this program ran may lack something.
    pub(super) const fn new() -> Self {
        Self { due: AtomicU64::new(0), wait: AtomicU64::new(SOON) }
    }

    /// Many blocks were read at once, of which nothing can be told.
    pub(super) fn at_once(&self) {
        self.due.store(0, Ordering::Relaxed);
    }

    /// Block `number` seems to have something, and nothing came.
    pub(super) fn about(&self, number: u64) {
        let due = number.saturating_add(self.wait.load(Ordering::Relaxed));
        self.due.fetch_min(due, Ordering::Relaxed);
    }

    pub(super) fn is_due(&self, number: u64) -> bool {
        number >= self.due.load(Ordering::Relaxed)
    }

    fn gone(&self, found: bool) {
        self.due.store(u64::MAX, Ordering::Relaxed);
        let wait = if found { SOON } else { self.wait.load(Ordering::Relaxed).saturating_mul(2).min(LATE) };
        self.wait.store(wait, Ordering::Relaxed);
    }
}

impl Watcher {
    /// Compares the index, which has all up to `head`, with the contracts at that block, and writes what became of claims. If something
    /// else is missing, all is read again. False if so.
    ///
    /// # Errors
    /// If the index cannot be read or written.
    pub(super) async fn audit(&self, head: &L1Header) -> Result<bool, WatcherError> {
        match self.compare(head).await {
            Ok(complete) => Ok(complete),
            // A node that does not have this block, perhaps.
            Err(WatcherError::Rpc(error)) => {
                tracing::debug!(%error, "L1 cannot be compared with what was read of it");
                self.doubt.due.store(head.header.number + AGAIN, Ordering::Relaxed);
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    async fn ask<C: SolCall>(&self, to: Address, call: &C, at: B256) -> Result<C::Return, RpcError> {
        for _ in 1..TRIES {
            match self.rpc.call_at(to, call, at).await {
                Err(error) if !error.is_temporary() => {}
                done => return done,
            }
        }
        self.rpc.call_at(to, call, at).await
    }

    async fn compare(&self, head: &L1Header) -> Result<bool, WatcherError> {
        let (options, at, number) = (&self.options, head.hash, head.header.number);
        let (messages, batches) = self.index.counts()?;
        let claims = self.index.claims()?;
        let there = [
            ("message", self.ask(options.message_queue, &IMessageQueue::countCall {}, at).await?, messages),
            // With genesis.
            ("batch", self.ask(options.inbox, &IInbox::batchCountCall {}, at).await?, batches + 1),
            (
                "claim",
                self.ask(options.settlement, &ISettlement::claimCountCall {}, at).await?,
                claims.len() as u64 + 1,
            ),
        ];
        let (mut changes, mut found) = (Changes::default(), Vec::new());
        let mut undo: Undo = self.index.value(&undo_key(number))?.unwrap_or_default();
        for claim in claims.iter().filter(|claim| claim.status == ClaimStatus::Pending) {
            let call = ISettlement::claimStatusCall { id: claim.id };
            let status = match self.ask(options.settlement, &call, at).await? {
                1 => continue,
                2 => ClaimStatus::Final,
                3 => ClaimStatus::Rejected,
                other => {
                    return Err(WatcherError::Rpc(RpcError::Malformed {
                        url: self.rpc.url().into(),
                        method: "eth_call".into(),
                        why: format!("claim {} has the status {other}", claim.id),
                    }));
                }
            };
            undo.statuses.push((claim.id, claim.status));
            changes.put(claim_key(claim.id), &ClaimEntry { status, ..claim.clone() });
            found.push(claim.id);
        }
        for (what, theirs, ours) in there {
            if theirs != ours {
                self.doubt.gone(true);
                return self.reread(what, theirs, ours);
            }
        }
        self.doubt.gone(!found.is_empty());
        if !found.is_empty() {
            tracing::warn!(claims = ?found, "L1's logs lacked what became of claims");
            changes.put(undo_key(number), &undo);
            self.index.write(&changes)?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubts_wait_longer_while_nothing_is_found() {
        let doubt = Doubt::new();
        assert!(doubt.is_due(0));
        doubt.gone(true);
        assert!(!doubt.is_due(u64::MAX - 1));
        doubt.about(100);
        doubt.about(110);
        assert!(!doubt.is_due(115) && doubt.is_due(116));
        for wait in [32, 64, 64] {
            doubt.gone(false);
            doubt.about(1000);
            assert!(!doubt.is_due(999 + wait) && doubt.is_due(1000 + wait), "{wait}");
        }
        doubt.at_once();
        assert!(doubt.is_due(0));
        doubt.gone(true);
        doubt.about(0);
        assert!(doubt.is_due(SOON));
    }
}
