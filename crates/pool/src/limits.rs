//! Who has to leave when there is no room, and when their time is over.

use alloy_primitives::{Address, B256};
use std::time::Instant;

use crate::{PoolConfig, PooledTx, account::Entry, state::State};

impl State {
    /// Evicts until all limits hold again after `newcomer` was put in. `None`, and nothing has
    /// changed, if the newcomer is what should leave.
    ///
    /// Only the last transaction of a sender is ever evicted, so that nobody's run is torn.
    /// Queued ones go first; a queued newcomer never displaces a pending one.
    pub(crate) fn make_room(
        &mut self,
        config: &PoolConfig,
        newcomer: &PooledTx,
        pending: bool,
    ) -> Option<Vec<B256>> {
        let mut evicted = Vec::new();
        let own = &self.accounts[&newcomer.sender()];
        if own.len() > config.per_sender {
            let last = own.tail().map(|last| last.tx.nonce()).filter(|last| *last > newcomer.nonce())?;
            let state = own.state;
            evicted.extend(self.take(newcomer.sender(), last).map(|entry| (entry, state)));
        }
        while self.by_hash.len() > config.total || self.bytes > config.max_bytes {
            let Some((sender, nonce)) = self.victim(newcomer, pending) else {
                for (entry, state) in evicted.into_iter().rev() {
                    self.put(entry, state);
                }
                return None;
            };
            let state = self.accounts[&sender].state;
            evicted.extend(self.take(sender, nonce).map(|entry| (entry, state)));
        }
        Some(evicted.into_iter().map(|(entry, _)| entry.tx.hash()).collect())
    }

    fn victim(&self, newcomer: &PooledTx, pending: bool) -> Option<(Address, u64)> {
        let queued = self.queued_tails.cheapest(self.base_fee);
        let sender = match queued {
            Some(sender) => sender,
            None if pending => self.pending_tails.cheapest(self.base_fee)?,
            None => return None,
        };
        let Entry { tx: victim, .. } = self.accounts[&sender].tail()?;
        let may_leave = if sender == newcomer.sender() {
            victim.nonce() > newcomer.nonce()
        } else {
            (pending && queued.is_some()) || victim.price(self.base_fee) < newcomer.price(self.base_fee)
        };
        may_leave.then(|| (sender, victim.nonce()))
    }

    /// Drops the queued transactions of senders that have made no progress for too long.
    pub(crate) fn expire(&mut self, config: &PoolConfig, now: Instant) -> Vec<B256> {
        let idle = |sender: &Address| {
            now.saturating_duration_since(self.accounts[sender].beat) >= config.queue_lifetime
        };
        let senders: Vec<Address> = self.queued_tails.senders().filter(idle).collect();
        senders.into_iter().flat_map(|sender| self.take_queued(sender)).collect()
    }
}
