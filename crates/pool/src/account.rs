//! The transactions of one sender.

use alloy_primitives::U256;
use core::ops::Range;
use std::{collections::BTreeMap, time::Instant};

use crate::PooledTx;

/// What the pool must know of a sender's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderState {
    /// Nonce of the account's next transaction.
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// True if the account has code that is not an EIP-7702 delegation: it cannot send.
    pub is_contract: bool,
}

/// A transaction and its place in the order of arrival.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) tx: PooledTx,
    pub(crate) seq: i64,
}

/// Where an account stands in the pool's rankings, as last written there.
#[derive(Debug, Default)]
pub(crate) struct Ranked {
    /// Its first pending transaction.
    pub(crate) head: Option<Entry>,
    /// Its last transaction, and whether that one is queued.
    pub(crate) tail: Option<(bool, Entry)>,
    /// How many of its transactions are pending.
    pub(crate) pending: usize,
}

/// The transactions of one sender, with the account's state.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) state: SenderState,
    /// Last time it made progress: a transaction came or became pending.
    pub(crate) beat: Instant,
    pub(crate) ranked: Ranked,
    txs: BTreeMap<u64, Entry>,
    /// What all transactions cost. They fitted into a balance when they came, so the sum fits.
    spent: U256,
    /// The nonce after the last pending transaction.
    next: u64,
    /// What the pending transactions cost.
    pending_cost: U256,
}

impl Account {
    pub(crate) fn new(state: SenderState, beat: Instant) -> Self {
        Self {
            state,
            beat,
            ranked: Ranked::default(),
            txs: BTreeMap::new(),
            spent: U256::ZERO,
            next: state.nonce,
            pending_cost: U256::ZERO,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.txs.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.txs.is_empty()
    }

    pub(crate) const fn spent(&self) -> U256 {
        self.spent
    }

    /// Nonces of the pending transactions.
    pub(crate) const fn pending(&self) -> Range<u64> {
        self.state.nonce..self.next
    }

    pub(crate) fn get(&self, nonce: u64) -> Option<&Entry> {
        self.txs.get(&nonce)
    }

    pub(crate) fn head(&self) -> Option<&Entry> {
        if self.pending().is_empty() { None } else { self.txs.get(&self.state.nonce) }
    }

    pub(crate) fn tail(&self) -> Option<&Entry> {
        self.txs.last_key_value().map(|(_, entry)| entry)
    }

    /// All transactions with nonces in a range, in order.
    pub(crate) fn range(&self, nonces: Range<u64>) -> impl Iterator<Item = &Entry> {
        self.txs.range(nonces).map(|(_, entry)| entry)
    }

    /// The pending transactions, in order.
    pub(crate) fn iter_pending(&self) -> impl Iterator<Item = &Entry> {
        self.range(self.pending())
    }

    /// The queued transactions, in order.
    pub(crate) fn iter_queued(&self) -> impl Iterator<Item = &Entry> {
        self.range(self.next..u64::MAX)
    }

    /// Puts a transaction at its nonce and returns the one that was there.
    pub(crate) fn insert(&mut self, entry: Entry) -> Option<Entry> {
        let (nonce, cost) = (entry.tx.nonce(), entry.tx.cost());
        let pending = self.pending().contains(&nonce);
        let old = self.txs.insert(nonce, entry);
        if let Some(old) = &old {
            self.spent -= old.tx.cost();
            if pending {
                self.pending_cost -= old.tx.cost();
            }
        }
        self.spent += cost;
        if pending {
            self.pending_cost += cost;
        }
        self.extend_or_recount();
        old
    }

    /// Takes the transaction at a nonce out.
    pub(crate) fn remove(&mut self, nonce: u64) -> Option<Entry> {
        let entry = self.txs.remove(&nonce)?;
        self.spent -= entry.tx.cost();
        if nonce + 1 == self.next {
            self.next = nonce;
            self.pending_cost -= entry.tx.cost();
        } else if nonce < self.next {
            self.recount();
        }
        Some(entry)
    }

    /// Takes a new state of the account, and returns the transactions whose nonces are used.
    pub(crate) fn update(&mut self, state: SenderState) -> Vec<Entry> {
        let mut used = Vec::new();
        while let Some(first) = self.txs.first_entry()
            && *first.key() < state.nonce
        {
            let (nonce, entry) = first.remove_entry();
            self.spent -= entry.tx.cost();
            if self.pending().contains(&nonce) {
                self.pending_cost -= entry.tx.cost();
            }
            used.push(entry);
        }
        let regressed = state.nonce < self.state.nonce;
        let jumped = state.nonce > self.next;
        self.state = state;
        if regressed || jumped {
            self.recount()
        } else {
            self.extend_or_recount()
        }
        used
    }

    /// Restores the run of pending transactions when it may have grown at its end, or when the
    /// balance may no longer cover it.
    fn extend_or_recount(&mut self) {
        if self.state.is_contract || self.pending_cost > self.state.balance {
            self.recount();
        } else {
            self.extend();
        }
    }

    fn recount(&mut self) {
        self.next = self.state.nonce;
        self.pending_cost = U256::ZERO;
        if !self.state.is_contract {
            self.extend();
        }
    }

    fn extend(&mut self) {
        for (nonce, entry) in self.txs.range(self.next..) {
            // The sum of all costs fits, so the sum of some does.
            let cost = self.pending_cost + entry.tx.cost();
            if *nonce != self.next || cost > self.state.balance {
                break;
            }
            self.pending_cost = cost;
            self.next += 1;
        }
    }
}
