//! The model: a list of transactions, all of it looked through each time.

use alloy_primitives::{Address, B256, U256};
use core::cmp::Reverse;
use duplex_pool::{Added, PoolConfig, PooledTx, SenderState};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) tx: PooledTx,
    pub(crate) seq: i64,
}

impl Item {
    pub(crate) fn price(&self, base_fee: u128) -> u128 {
        self.tx.fee_cap().min(self.tx.tip_cap() + base_fee)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) config: PoolConfig,
    pub(crate) items: Vec<Item>,
    pub(crate) states: BTreeMap<Address, SenderState>,
    pub(crate) base_fee: u128,
    pub(crate) last_seq: i64,
    pub(crate) first_seq: i64,
}

pub(crate) type Hashes = Vec<B256>;

impl Model {
    pub(crate) fn of(&self, sender: Address) -> Vec<Item> {
        let mut items: Vec<_> =
            self.items.iter().filter(|item| item.tx.sender() == sender).cloned().collect();
        items.sort_by_key(|item| item.tx.nonce());
        items
    }

    pub(crate) fn pending(&self, sender: Address) -> Vec<Item> {
        let state = self.states[&sender];
        let mut spent = U256::ZERO;
        let mut nonce = state.nonce;
        let run = self.of(sender).into_iter().take_while(|item| {
            spent += item.tx.cost();
            nonce += 1;
            item.tx.nonce() == nonce - 1 && spent <= state.balance && !state.is_contract
        });
        run.collect()
    }

    pub(crate) fn all_pending(&self) -> BTreeSet<B256> {
        self.states.keys().flat_map(|sender| self.pending(*sender)).map(|item| item.tx.hash()).collect()
    }

    pub(crate) fn best(&self, base_fee: u128, blob_fee: u128) -> Vec<PooledTx> {
        let pays = |item: &Item| {
            item.tx.fee_cap() >= base_fee && item.tx.blob_fee_cap().is_none_or(|cap| cap >= blob_fee)
        };
        let run = |sender: &Address| self.pending(*sender).into_iter().take_while(pays).collect::<Vec<_>>();
        let mut runs: Vec<Vec<Item>> = self.states.keys().map(run).collect();
        let mut order = Vec::new();
        while let Some(run) = runs
            .iter_mut()
            .filter(|run| !run.is_empty())
            .max_by_key(|run| (run[0].price(base_fee), Reverse(run[0].seq)))
        {
            order.push(run.remove(0).tx);
        }
        order
    }

    pub(crate) fn bytes(&self) -> usize {
        self.items.iter().map(|item| item.tx.size()).sum()
    }

    pub(crate) fn drop_hash(&mut self, hash: B256) {
        self.items.retain(|item| item.tx.hash() != hash);
    }

    /// The last transactions of the senders, the cheapest first, and whether they are queued.
    pub(crate) fn tails(&self) -> Vec<(bool, Item)> {
        let tail = |sender: &Address| {
            let last = self.of(*sender).pop()?;
            Some((self.of(*sender).len() > self.pending(*sender).len(), last))
        };
        let mut tails: Vec<_> = self.states.keys().filter_map(tail).collect();
        tails.sort_by_key(|(queued, item)| (!queued, item.price(self.base_fee), Reverse(item.seq)));
        tails
    }

    pub(crate) fn add(&mut self, tx: &PooledTx, seq: i64) -> Result<Added, &'static str> {
        let (sender, nonce, state) = (tx.sender(), tx.nonce(), self.states[&tx.sender()]);
        let own = self.of(sender);
        if self.items.iter().any(|item| item.tx.hash() == tx.hash()) {
            return Err("already known");
        }
        if state.is_contract {
            return Err("sender not an eoa");
        }
        if nonce < state.nonce {
            return Err("nonce too low");
        }
        let old = own.iter().find(|item| item.tx.nonce() == nonce);
        let spent: U256 = own.iter().map(|item| item.tx.cost()).sum();
        let old_cost = old.map(|old| old.tx.cost()).unwrap_or_default();
        let overdrawn = spent - old_cost + tx.cost() > state.balance;
        if tx.cost() > state.balance || (overdrawn && (old.is_none() || tx.cost() > old_cost)) {
            return Err("insufficient funds for gas * price + value");
        }
        if let Some(Item { tx: old, .. }) = old {
            let percent = if old.blob_fee_cap().is_some() || tx.blob_fee_cap().is_some() { 200 } else { 110 };
            let enough = |old: u128, new: u128| new > old && new >= old * percent / 100;
            let blob_fees = old.blob_fee_cap().zip(tx.blob_fee_cap());
            if !enough(old.fee_cap(), tx.fee_cap())
                || !enough(old.tip_cap(), tx.tip_cap())
                || blob_fees.is_some_and(|(old, new)| !enough(old, new))
            {
                return Err("replacement transaction underpriced");
            }
        } else if own.len() >= self.config.per_sender && own.iter().all(|item| item.tx.nonce() < nonce) {
            return Err("account limit exceeded");
        }

        let before = self.clone();
        let replaced = old.map(|old| old.tx.hash());
        self.items.retain(|item| Some(item.tx.hash()) != replaced);
        self.items.push(Item { tx: tx.clone(), seq });
        let pending = self.pending(sender).iter().any(|item| item.tx.hash() == tx.hash());
        let mut evicted = Vec::new();
        if self.of(sender).len() > self.config.per_sender {
            evicted.push(self.of(sender).pop().unwrap().tx.hash());
            self.drop_hash(evicted[0]);
        }
        while self.items.len() > self.config.total || self.bytes() > self.config.max_bytes {
            let (queued, victim) = self.tails().remove(0);
            let allowed = if victim.tx.sender() == sender {
                victim.tx.nonce() > nonce && (pending || queued)
            } else if queued {
                pending || victim.price(self.base_fee) < tx.fee_cap().min(tx.tip_cap() + self.base_fee)
            } else {
                pending && victim.price(self.base_fee) < tx.fee_cap().min(tx.tip_cap() + self.base_fee)
            };
            if !allowed {
                *self = before;
                return Err("txpool is full");
            }
            evicted.push(victim.tx.hash());
            self.drop_hash(victim.tx.hash());
        }
        let was = before.all_pending();
        let now = self.pending(sender).into_iter().map(|item| item.tx.hash());
        let promoted = now.filter(|hash| *hash != tx.hash() && !was.contains(hash)).collect();
        Ok(Added { pending, replaced, promoted, evicted })
    }

    /// Returns what left, what was promoted and what was demoted.
    pub(crate) fn set_states(
        &mut self,
        changed: &[(Address, SenderState)],
        base_fee: u128,
    ) -> (Hashes, Hashes, Hashes) {
        let before = self.clone();
        self.states.extend(changed.iter().copied());
        let states = &self.states;
        self.items.retain(|item| item.tx.nonce() >= states[&item.tx.sender()].nonce);
        self.base_fee = base_fee;
        let kept: BTreeSet<B256> = self.items.iter().map(|item| item.tx.hash()).collect();
        let left =
            before.items.iter().map(|item| item.tx.hash()).filter(|hash| !kept.contains(hash)).collect();
        let (was, is) = (before.all_pending(), self.all_pending());
        let demoted = was.difference(&is).filter(|hash| kept.contains(*hash)).copied().collect();
        (left, is.difference(&was).copied().collect(), demoted)
    }
}
