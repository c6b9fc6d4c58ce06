//! The pool.

use alloy_primitives::{Address, B256};
use parking_lot::Mutex;
use std::{collections::BTreeMap, error::Error, sync::Arc, time::Instant};

use crate::{
    Best, BlockUpdate, PoolConfig, PoolError, PooledTx, SenderState, account::Account, admission,
    state::State,
};

/// What became of an admitted transaction, and of others because of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Added {
    /// True if a block may hold it now; false if it waits for a nonce before it.
    pub pending: bool,
    /// The transaction whose place it took.
    pub replaced: Option<B256>,
    /// Others of its sender that became pending with it, in nonce order.
    pub promoted: Vec<B256>,
    /// Those that had to leave for it.
    pub evicted: Vec<B256>,
}

/// How full a pool is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolStatus {
    /// Transactions that a block may hold now.
    pub pending: usize,
    /// Transactions that wait.
    pub queued: usize,
    /// Bytes of all their encodings, without blobs.
    pub bytes: usize,
}

/// The transactions of one sender, in nonce order.
#[derive(Debug, Clone, Default)]
pub struct AccountContent {
    /// Those that a block may hold now.
    pub pending: Vec<PooledTx>,
    /// Those that wait.
    pub queued: Vec<PooledTx>,
}

impl From<&Account> for AccountContent {
    fn from(account: &Account) -> Self {
        Self {
            pending: account.iter_pending().map(|entry| entry.tx.clone()).collect(),
            queued: account.iter_queued().map(|entry| entry.tx.clone()).collect(),
        }
    }
}

/// A transaction pool. Clones are handles to the same pool.
#[derive(Debug, Clone)]
pub struct Pool {
    config: PoolConfig,
    state: Arc<Mutex<State>>,
}

impl Pool {
    /// An empty pool. Until the first [`Pool::on_block`] it ranks for eviction as if the base fee
    /// were zero.
    pub fn new(config: PoolConfig) -> Self {
        Self { config, state: Arc::default() }
    }

    /// Its limits.
    pub const fn config(&self) -> &PoolConfig {
        &self.config
    }

    /// Admits a transaction, or says why not.
    ///
    /// `state` reads the sender's account at the chain's head. It is called only if the pool has
    /// nothing of the sender, with the pool locked, so that no block comes between the answer and
    /// its use: it must not call the pool.
    pub fn add<E: Into<Box<dyn Error + Send + Sync>>>(
        &self,
        tx: PooledTx,
        state: impl FnOnce(Address) -> Result<SenderState, E>,
    ) -> Result<Added, PoolError> {
        admission::check(&tx, &self.config)?;
        let mut pool = self.state.lock();
        let seq = pool.next_seq();
        pool.add(&self.config, tx, seq, state)
    }

    /// Takes transactions back that a reorganisation has taken out of the chain, in their order
    /// there. At equal price they come before all others. Call it after [`Pool::on_block`] has
    /// taken the senders' nonces back. One answer for each.
    pub fn reinsert<E: Into<Box<dyn Error + Send + Sync>>>(
        &self,
        txs: Vec<PooledTx>,
        mut state: impl FnMut(Address) -> Result<SenderState, E>,
    ) -> Vec<Result<Added, PoolError>> {
        let mut pool = self.state.lock();
        let seqs = pool.earlier_seqs(txs.len());
        let add = |(tx, seq): (PooledTx, i64)| {
            admission::check(&tx, &self.config)?;
            pool.add(&self.config, tx, seq, &mut state)
        };
        txs.into_iter().zip(seqs).map(add).collect()
    }

    /// Follows the chain to a new head, be it one block or a reorganisation further.
    ///
    /// `mined` are the hashes, senders and nonces of the new blocks' transactions. `changed` must
    /// have every account whose nonce, balance or code differs from the last head's; those without
    /// transactions here cost a look-up each. `base_fee` is the next block's, in wei per gas.
    pub fn on_block(
        &self,
        mined: impl IntoIterator<Item = (B256, Address, u64)>,
        changed: impl IntoIterator<Item = (Address, SenderState)>,
        base_fee: u64,
    ) -> BlockUpdate {
        // Whatever the iterators do, they do it before the lock is taken.
        let mined: Vec<_> = mined.into_iter().collect();
        let changed: Vec<_> = changed.into_iter().collect();
        self.state.lock().on_block(mined, changed, base_fee.into(), Instant::now())
    }

    /// The pending transactions in the order in which a block should take them.
    ///
    /// `base_fee` is the block's in wei per gas, `blob_fee` in wei per blob gas. Any base fee gives
    /// the right order; near the one last told to [`Pool::on_block`] it is found with least work.
    pub fn best(&self, base_fee: u64, blob_fee: u128) -> Best {
        Best::new(self.state.clone(), base_fee.into(), blob_fee)
    }

    /// Takes a transaction out. Later ones of its sender wait for another in its place.
    pub fn remove(&self, hash: B256) -> Option<PooledTx> {
        let mut pool = self.state.lock();
        let tx = pool.by_hash.get(&hash)?.clone();
        pool.take(tx.sender(), tx.nonce()).map(|entry| entry.tx)
    }

    /// Takes everything out.
    pub fn clear(&self) {
        self.state.lock().clear();
    }

    /// Drops queued transactions whose senders have made no progress for
    /// [`PoolConfig::queue_lifetime`], and returns their hashes. Call it every few minutes.
    pub fn expire(&self, now: Instant) -> Vec<B256> {
        self.state.lock().expire(&self.config, now)
    }

    /// The transaction of a hash.
    pub fn get(&self, hash: B256) -> Option<PooledTx> {
        self.state.lock().by_hash.get(&hash).cloned()
    }

    /// True if the transaction is in the pool.
    pub fn contains(&self, hash: B256) -> bool {
        self.state.lock().by_hash.contains_key(&hash)
    }

    /// The nonce after the sender's last pending transaction: the next one to sign with. `None` if
    /// the pool has nothing of the sender; then it is the account's.
    pub fn pending_nonce(&self, sender: Address) -> Option<u64> {
        self.state.lock().accounts.get(&sender).map(|account| account.pending().end)
    }

    /// How full it is.
    pub fn status(&self) -> PoolStatus {
        let pool = self.state.lock();
        PoolStatus { pending: pool.pending, queued: pool.by_hash.len() - pool.pending, bytes: pool.bytes }
    }

    /// Everything in it, by sender.
    pub fn content(&self) -> BTreeMap<Address, AccountContent> {
        self.state.lock().accounts.iter().map(|(sender, account)| (*sender, account.into())).collect()
    }

    /// Everything in it of one sender.
    pub fn content_from(&self, sender: Address) -> AccountContent {
        self.state.lock().accounts.get(&sender).map(AccountContent::from).unwrap_or_default()
    }
}
