//! Everything behind the pool's lock.

use alloy_primitives::{
    Address, B256,
    map::{AddressMap, B256Map},
};
use core::ops::Range;
use std::error::Error;

use crate::{
    Added, PoolConfig, PoolError, PooledTx,
    account::{Account, Entry, SenderState},
    admission,
    ranking::{Heads, Tails},
};

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) by_hash: B256Map<PooledTx>,
    pub(crate) accounts: AddressMap<Account>,
    pub(crate) heads: Heads,
    /// Last transactions of the senders that have pending ones only.
    pub(crate) pending_tails: Tails,
    /// Last transactions of the senders that have queued ones.
    pub(crate) queued_tails: Tails,
    pub(crate) pending: usize,
    pub(crate) bytes: usize,
    pub(crate) base_fee: u128,
    last_seq: i64,
    first_seq: i64,
}

impl State {
    /// The place of a transaction that comes now.
    pub(crate) const fn next_seq(&mut self) -> i64 {
        self.last_seq += 1;
        self.last_seq
    }

    /// Places before all others for transactions that were here before, in order.
    pub(crate) fn earlier_seqs(&mut self, count: usize) -> Range<i64> {
        let end = self.first_seq;
        self.first_seq -= count as i64;
        self.first_seq..end
    }

    /// Forgets all transactions, but not the base fee and the order of arrival.
    pub(crate) fn clear(&mut self) {
        let base_fee = self.base_fee;
        *self = Self { last_seq: self.last_seq, first_seq: self.first_seq, ..Self::default() };
        self.set_base_fee(base_fee);
    }

    pub(crate) fn set_base_fee(&mut self, base_fee: u128) {
        self.base_fee = base_fee;
        self.heads.set_base_fee(base_fee);
    }

    /// Admits a transaction that has passed [`admission::check`].
    pub(crate) fn add<E: Into<Box<dyn Error + Send + Sync>>>(
        &mut self,
        config: &PoolConfig,
        tx: PooledTx,
        seq: i64,
        lookup: impl FnOnce(Address) -> Result<SenderState, E>,
    ) -> Result<Added, PoolError> {
        if self.by_hash.contains_key(&tx.hash()) {
            return Err(PoolError::AlreadyKnown);
        }
        let (sender, nonce) = (tx.sender(), tx.nonce());
        let account = self.accounts.get(&sender);
        let state = match account {
            Some(account) => account.state,
            None => lookup(sender).map_err(|error| PoolError::State(error.into()))?,
        };
        check_account(account, &state, &tx, config)?;
        let end = account.map_or(state.nonce, |account| account.pending().end);

        let replaced = self.put(Entry { tx: tx.clone(), seq }, state);
        let account = &self.accounts[&sender];
        let pending = account.pending().contains(&nonce);
        let mut promoted: Vec<B256> = account
            .range(end..account.pending().end.max(end))
            .filter(|entry| entry.tx.nonce() != nonce)
            .map(|entry| entry.tx.hash())
            .collect();

        let Some(evicted) = self.make_room(config, &tx, pending) else {
            self.take(sender, nonce);
            if let Some(replaced) = replaced {
                self.put(replaced, state);
            }
            return Err(PoolError::Full { txs: self.by_hash.len(), bytes: self.bytes });
        };
        if !evicted.is_empty() {
            promoted.retain(|hash| !evicted.contains(hash));
        }
        if let Some(account) = self.accounts.get_mut(&sender) {
            account.beat = account.beat.max(tx.received());
        }
        Ok(Added { pending, replaced: replaced.map(|entry| entry.tx.hash()), promoted, evicted })
    }

    /// Puts a transaction in, whatever it pays, and returns the one whose place it takes. `state`
    /// is the sender's, in case the pool does not know it.
    pub(crate) fn put(&mut self, entry: Entry, state: SenderState) -> Option<Entry> {
        let sender = entry.tx.sender();
        let beat = entry.tx.received();
        self.by_hash.insert(entry.tx.hash(), entry.tx.clone());
        self.bytes += entry.tx.size();
        let account = self.accounts.entry(sender).or_insert_with(|| Account::new(state, beat));
        let replaced = account.insert(entry);
        if let Some(replaced) = &replaced {
            self.forget(replaced);
        }
        self.settle(sender);
        replaced
    }

    /// Takes a transaction out.
    pub(crate) fn take(&mut self, sender: Address, nonce: u64) -> Option<Entry> {
        let entry = self.accounts.get_mut(&sender)?.remove(nonce)?;
        self.forget(&entry);
        self.settle(sender);
        Some(entry)
    }

    /// Takes all queued transactions of a sender out.
    pub(crate) fn take_queued(&mut self, sender: Address) -> Vec<B256> {
        let Some(account) = self.accounts.get_mut(&sender) else { return Vec::new() };
        let nonces: Vec<u64> = account.iter_queued().map(|entry| entry.tx.nonce()).collect();
        let entries: Vec<Entry> = nonces.into_iter().filter_map(|nonce| account.remove(nonce)).collect();
        entries.iter().for_each(|entry| self.forget(entry));
        self.settle(sender);
        entries.iter().map(|entry| entry.tx.hash()).collect()
    }

    /// Drops a transaction that is no longer in its account from the index and the sum of sizes.
    pub(crate) fn forget(&mut self, entry: &Entry) {
        self.by_hash.remove(&entry.tx.hash());
        self.bytes -= entry.tx.size();
    }

    /// Brings the rankings and counts up to date after an account has changed.
    pub(crate) fn settle(&mut self, sender: Address) {
        let Some(account) = self.accounts.get_mut(&sender) else { return };
        let pending = account.pending();
        let pending = usize::try_from(pending.end - pending.start).unwrap_or(usize::MAX);
        self.pending = self.pending - account.ranked.pending + pending;
        account.ranked.pending = pending;

        let seq = |entry: &Option<Entry>| entry.as_ref().map(|entry| entry.seq);
        let head = account.head().cloned();
        if seq(&head) != seq(&account.ranked.head) {
            if let Some(head) = &head {
                self.heads.insert(head);
            }
            if let Some(old) = core::mem::replace(&mut account.ranked.head, head) {
                self.heads.remove(&old);
            }
        }

        let queued = account.len() > pending;
        let tail = account.tail().cloned().map(|entry| (queued, entry));
        let rank = |tail: &Option<(bool, Entry)>| tail.as_ref().map(|(queued, entry)| (*queued, entry.seq));
        if rank(&tail) != rank(&account.ranked.tail) {
            let tails = [&mut self.pending_tails, &mut self.queued_tails];
            if let Some((queued, entry)) = &tail {
                tails[usize::from(*queued)].insert(entry);
            }
            if let Some((queued, old)) = core::mem::replace(&mut account.ranked.tail, tail) {
                tails[usize::from(queued)].remove(&old);
            }
        }
        if account.is_empty() {
            self.accounts.remove(&sender);
        }
    }
}

/// Checks a transaction against its sender's account and the sender's other transactions.
fn check_account(
    account: Option<&Account>,
    state: &SenderState,
    tx: &PooledTx,
    config: &PoolConfig,
) -> Result<(), PoolError> {
    if state.is_contract {
        return Err(PoolError::SenderNotEoa(tx.sender()));
    }
    if tx.nonce() < state.nonce {
        return Err(PoolError::NonceTooLow { next: state.nonce, nonce: tx.nonce() });
    }
    let (balance, cost) = (state.balance, tx.cost());
    if cost > balance {
        return Err(PoolError::InsufficientFunds { balance, cost });
    }
    let Some(account) = account else { return Ok(()) };
    let queued = account.spent();
    if let Some(Entry { tx: old, .. }) = account.get(tx.nonce()) {
        // A replacement that costs less never makes matters worse.
        let bump = cost.saturating_sub(old.cost());
        if !bump.is_zero() && queued.checked_add(bump).is_none_or(|need| need > balance) {
            return Err(PoolError::OverdraftReplacement { balance, queued, bump });
        }
        return admission::check_replacement(old, tx, config);
    }
    if queued.checked_add(cost).is_none_or(|need| need > balance) {
        return Err(PoolError::Overdraft { balance, queued, cost });
    }
    let last = account.tail().map_or(0, |last| last.tx.nonce());
    if account.len() >= config.per_sender && last < tx.nonce() {
        return Err(PoolError::AccountLimit { pooled: account.len() });
    }
    Ok(())
}
