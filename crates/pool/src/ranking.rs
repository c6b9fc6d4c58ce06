//! Orders over the senders that survive a change of the base fee.
//!
//! What a transaction pays per gas at base fee `b` is `min(feeCap, b + tipCap)`: the order of two
//! transactions depends on `b`. Sorting anew for every block would cost as much as the pool is
//! large. But among those that pay their full tip the order is the tips', and among those that
//! their fee cap limits it is the fee caps', whatever `b` is. So there are two sorted maps.

use alloy_primitives::Address;
use core::{cmp::Reverse, mem};
use std::collections::BTreeMap;

use crate::{PooledTx, account::Entry};

/// Highest value first, then first come first served.
pub(crate) type HeadKey = (Reverse<u128>, i64);

/// First pending transactions of all senders, best first.
///
/// A head is in exactly one of the maps. Which one is decided for the base fee that the pool knows;
/// for another base fee the maps are still sound bounds (every price is at most the fee cap and
/// at most base fee plus tip), so that walking them from the best is right and only less lazy.
#[derive(Debug, Default)]
pub(crate) struct Heads {
    base_fee: u128,
    /// Those that pay their full tip, by tip.
    pub(crate) by_tip: BTreeMap<HeadKey, PooledTx>,
    /// Those that their fee cap limits, by fee cap.
    pub(crate) by_cap: BTreeMap<HeadKey, PooledTx>,
    /// All of them, by the base fee at which they change from the first map to the second.
    by_room: BTreeMap<(u128, i64), PooledTx>,
}

impl Heads {
    pub(crate) fn insert(&mut self, Entry { tx, seq }: &Entry) {
        self.by_room.insert((tx.room(), *seq), tx.clone());
        if tx.room() >= self.base_fee {
            self.by_tip.insert((Reverse(tx.tip_cap()), *seq), tx.clone());
        } else {
            self.by_cap.insert((Reverse(tx.fee_cap()), *seq), tx.clone());
        }
    }

    pub(crate) fn remove(&mut self, Entry { tx, seq }: &Entry) {
        self.by_room.remove(&(tx.room(), *seq));
        if tx.room() >= self.base_fee {
            self.by_tip.remove(&(Reverse(tx.tip_cap()), *seq));
        } else {
            self.by_cap.remove(&(Reverse(tx.fee_cap()), *seq));
        }
    }

    /// Moves the heads that the new base fee puts on the other side.
    pub(crate) fn set_base_fee(&mut self, base_fee: u128) {
        let old = mem::replace(&mut self.base_fee, base_fee);
        for (&(_, seq), tx) in self.by_room.range((old, i64::MIN)..(base_fee.max(old), i64::MIN)) {
            self.by_tip.remove(&(Reverse(tx.tip_cap()), seq));
            self.by_cap.insert((Reverse(tx.fee_cap()), seq), tx.clone());
        }
        for (&(_, seq), tx) in self.by_room.range((base_fee.min(old), i64::MIN)..(old, i64::MIN)) {
            self.by_cap.remove(&(Reverse(tx.fee_cap()), seq));
            self.by_tip.insert((Reverse(tx.tip_cap()), seq), tx.clone());
        }
    }
}

/// Lowest value first, then last come first out.
type TailKey = (u128, Reverse<i64>);

/// Last transactions of senders, the ones to evict first.
///
/// Each is in both maps: the lowest of all minima is the minimum of the lowest, at any base fee.
#[derive(Debug, Default)]
pub(crate) struct Tails {
    by_tip: BTreeMap<TailKey, Address>,
    by_cap: BTreeMap<TailKey, Address>,
}

impl Tails {
    pub(crate) fn insert(&mut self, Entry { tx, seq }: &Entry) {
        self.by_tip.insert((tx.tip_cap(), Reverse(*seq)), tx.sender());
        self.by_cap.insert((tx.fee_cap(), Reverse(*seq)), tx.sender());
    }

    pub(crate) fn remove(&mut self, Entry { tx, seq }: &Entry) {
        self.by_tip.remove(&(tx.tip_cap(), Reverse(*seq)));
        self.by_cap.remove(&(tx.fee_cap(), Reverse(*seq)));
    }

    /// The sender of the cheapest at a base fee; the last to come of equals.
    pub(crate) fn cheapest(&self, base_fee: u128) -> Option<Address> {
        let (&(tip, tip_seq), tip_sender) = self.by_tip.first_key_value()?;
        let (&(cap, cap_seq), cap_sender) = self.by_cap.first_key_value()?;
        let by_tip = (base_fee.saturating_add(tip), tip_seq);
        Some(if by_tip <= (cap, cap_seq) { *tip_sender } else { *cap_sender })
    }

    pub(crate) fn senders(&self) -> impl Iterator<Item = Address> {
        self.by_tip.values().copied()
    }
}
