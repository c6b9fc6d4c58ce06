//! What a new head of the chain does to the pool.

use alloy_primitives::{
    Address, B256,
    map::{AddressMap, B256Set},
};
use core::ops::Range;
use std::time::Instant;

use crate::{SenderState, state::State};

/// What a block has changed in the pool, by transaction hashes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockUpdate {
    /// Left the pool because the block has them.
    pub mined: Vec<B256>,
    /// Left the pool because the block has others with their nonces.
    pub stale: Vec<B256>,
    /// Became pending.
    pub promoted: Vec<B256>,
    /// No longer pending: a nonce before them is open again, or the balance no longer covers them.
    pub demoted: Vec<B256>,
}

/// What is in `range` but not in `other`.
fn outside(range: &Range<u64>, other: &Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let before = range.start..range.end.min(other.start);
    let after = range.start.max(other.end)..range.end;
    [before, after].into_iter().filter(|part| !part.is_empty())
}

impl State {
    pub(crate) fn on_block(
        &mut self,
        mined: impl IntoIterator<Item = (B256, Address, u64)>,
        changed: Vec<(Address, SenderState)>,
        base_fee: u128,
        now: Instant,
    ) -> BlockUpdate {
        let mut states: AddressMap<SenderState> =
            changed.into_iter().filter(|(sender, _)| self.accounts.contains_key(sender)).collect();
        let mut hashes = B256Set::default();
        for (hash, sender, nonce) in mined {
            hashes.insert(hash);
            if let Some(account) = self.accounts.get(&sender) {
                let state = states.entry(sender).or_insert(account.state);
                state.nonce = state.nonce.max(nonce + 1);
            }
        }
        let mut update = BlockUpdate::default();
        for (sender, state) in states {
            let Some(account) = self.accounts.get_mut(&sender) else { continue };
            let old = account.pending();
            let used = account.update(state);
            let new = account.pending();
            let hashes_in = |part| account.range(part).map(|entry| entry.tx.hash());
            let promoted = update.promoted.len();
            update.promoted.extend(outside(&new, &old).flat_map(hashes_in));
            update.demoted.extend(outside(&old, &new).flat_map(hashes_in));
            if update.promoted.len() > promoted {
                account.beat = now;
            }
            for entry in used {
                self.forget(&entry);
                let hash = entry.tx.hash();
                if hashes.contains(&hash) { update.mined.push(hash) } else { update.stale.push(hash) }
            }
            self.settle(sender);
        }
        self.set_base_fee(base_fee);
        update
    }
}
