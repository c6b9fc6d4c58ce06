//! Pending transactions in the order in which a block should take them.

use alloy_primitives::{Address, map::AddressSet};
use core::{cmp::Ordering, cmp::Reverse, ops::Bound};
use parking_lot::Mutex;
use std::{
    collections::{BTreeMap, BinaryHeap, VecDeque},
    sync::Arc,
};

use crate::{PooledTx, account::Entry, ranking::HeadKey, state::State};

/// Senders fetched at a time from each of the pool's rankings.
const CHUNK: usize = 64;

/// A transaction's rank: the price first, then first come first served. The greatest is next.
type Rank = (u128, Reverse<i64>);

#[derive(Debug)]
struct Candidate {
    rank: Rank,
    tx: PooledTx,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank.cmp(&other.rank)
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Candidate {}

/// A walk along one of the pool's rankings.
#[derive(Debug, Default)]
struct Cursor {
    buffer: VecDeque<(HeadKey, PooledTx)>,
    last: Option<HeadKey>,
    done: bool,
}

impl Cursor {
    fn refill(&mut self, heads: &BTreeMap<HeadKey, PooledTx>) {
        let start = self.last.map_or(Bound::Unbounded, Bound::Excluded);
        let rest = heads.range((start, Bound::Unbounded)).take(CHUNK);
        self.buffer.extend(rest.map(|(key, tx)| (*key, tx.clone())));
        self.done = self.buffer.len() < CHUNK;
        self.last = self.buffer.back().map(|(key, _)| *key).or(self.last);
    }

    fn needs_refill(&self) -> bool {
        self.buffer.is_empty() && !self.done
    }

    /// The highest rank that anything left here can have.
    fn bound(&self, add: u128) -> Option<Rank> {
        self.buffer.front().map(|&((Reverse(value), seq), _)| (value.saturating_add(add), Reverse(seq)))
    }
}

/// Pending transactions by what they pay per gas, best first, each after its sender's earlier ones;
/// at equal price first come first served. Those that cannot pay the base fee or the blob fee are
/// left out, with all that follow from their senders.
///
/// The pool is locked for moments only, to fetch what comes next, and may change in between. What
/// arrives meanwhile may or may not be seen, and the first transaction of a sender may be given out
/// a moment after it has left. Each sender's nonces are in order and without gaps whatever happens.
#[derive(Debug)]
pub struct Best {
    pool: Arc<Mutex<State>>,
    base_fee: u128,
    blob_fee: u128,
    by_tip: Cursor,
    by_cap: Cursor,
    heap: BinaryHeap<Candidate>,
    /// Senders taken from the rankings: one whose head is replaced meanwhile comes only once.
    seen: AddressSet,
    skipped: AddressSet,
    /// Sender and next nonce of the last transaction given out.
    last: Option<(Address, u64)>,
}

impl Best {
    pub(crate) fn new(pool: Arc<Mutex<State>>, base_fee: u128, blob_fee: u128) -> Self {
        Self {
            pool,
            base_fee,
            blob_fee,
            by_tip: Cursor::default(),
            by_cap: Cursor::default(),
            heap: BinaryHeap::new(),
            seen: AddressSet::default(),
            skipped: AddressSet::default(),
            last: None,
        }
    }

    /// Leaves out the rest of a sender's transactions: one of them turned out not to be valid in
    /// this block.
    pub fn skip_sender(&mut self, sender: Address) {
        if self.last.is_some_and(|(last, _)| last == sender) {
            self.last = None;
        }
        self.skipped.insert(sender);
    }

    /// Fetches what the last transaction makes room for, and more senders if they have run out.
    fn fetch(&mut self) {
        let last = self.last.take();
        if last.is_none() && !self.by_tip.needs_refill() && !self.by_cap.needs_refill() {
            return;
        }
        let state = self.pool.lock();
        let successor = last.and_then(|(sender, nonce)| {
            let account = state.accounts.get(&sender)?;
            account.get(nonce).filter(|_| account.pending().contains(&nonce)).cloned()
        });
        if self.by_tip.needs_refill() {
            self.by_tip.refill(&state.heads.by_tip);
        }
        if self.by_cap.needs_refill() {
            self.by_cap.refill(&state.heads.by_cap);
        }
        drop(state);
        if let Some(Entry { tx, seq }) = successor {
            self.push(tx, seq);
        }
    }

    fn push(&mut self, tx: PooledTx, seq: i64) {
        if tx.fee_cap() >= self.base_fee && tx.blob_fee_cap().is_none_or(|cap| cap >= self.blob_fee) {
            self.heap.push(Candidate { rank: (tx.price(self.base_fee), Reverse(seq)), tx });
        }
    }

    /// Moves senders to the heap until nothing outside can rank higher than the best inside.
    fn fill(&mut self) {
        loop {
            self.fetch();
            let by_tip = self.by_tip.bound(self.base_fee);
            let by_cap = self.by_cap.bound(0);
            let Some(bound) = by_tip.max(by_cap) else { return };
            if self.heap.peek().is_some_and(|best| best.rank >= bound) {
                return;
            }
            // Whatever is left can pay the base fee no more than the best of it.
            if bound.0 < self.base_fee {
                for cursor in [&mut self.by_tip, &mut self.by_cap] {
                    cursor.buffer.clear();
                    cursor.done = true;
                }
                return;
            }
            let cursor = if by_tip == Some(bound) { &mut self.by_tip } else { &mut self.by_cap };
            if let Some(((_, seq), tx)) = cursor.buffer.pop_front()
                && self.seen.insert(tx.sender())
            {
                self.push(tx, seq);
            }
        }
    }
}

impl Iterator for Best {
    type Item = PooledTx;

    fn next(&mut self) -> Option<PooledTx> {
        loop {
            self.fill();
            let Candidate { tx, .. } = self.heap.pop()?;
            if self.skipped.is_empty() || !self.skipped.contains(&tx.sender()) {
                self.last = Some((tx.sender(), tx.nonce() + 1));
                return Some(tx);
            }
        }
    }
}
