//! The one writer of a chain: commits blocks and takes them back.

use std::sync::Arc;

use alloy_primitives::B256;
use alloy_trie::EMPTY_ROOT_HASH;
use duplex_pool::{PooledTx, SenderState};
use duplex_primitives::{Block, BlockBody, Header, RecoveredBlock, predeploys, transactions_root};
use duplex_stf::{BlockError, Outcome, next_base_fee, seal_header};
use duplex_trie::{NodeUpdates, StateTrie};
use parking_lot::MutexGuard;

use crate::{BlockData, Chain, ChainError, ChainEvent, Head, StateAt, chain::hashed};

/// What only the writer touches.
#[derive(Debug)]
pub(crate) struct WriterState {
    trie: StateTrie,
}

impl WriterState {
    pub(crate) fn new(root: B256) -> Self {
        Self { trie: StateTrie::new(root) }
    }
}

/// The right to change a chain. While it is held the head stays what it is.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    pub(crate) chain: &'a Chain,
    pub(crate) state: MutexGuard<'a, WriterState>,
}

/// An executed block that is not committed yet.
pub(crate) struct Executed {
    pub(crate) open: Header,
    pub(crate) body: BlockBody,
    pub(crate) senders: Vec<alloy_primitives::Address>,
    pub(crate) outcome: Outcome,
}

impl Writer<'_> {
    /// Computes the roots, completes the header, commits, publishes. `expected` is the header that
    /// an imported block came with.
    pub(crate) fn commit(
        &mut self,
        executed: Executed,
        expected: Option<&Header>,
    ) -> Result<Arc<BlockData>, ChainError> {
        let head = self.chain.head();
        let done = self.try_commit(&head, executed, expected);
        if done.is_err() {
            // The trie may be ahead of the head now: start again from what is durable.
            self.state.trie = StateTrie::new(head.header.state_root);
        }
        done
    }

    fn try_commit(
        &mut self,
        head: &Head,
        executed: Executed,
        expected: Option<&Header>,
    ) -> Result<Arc<BlockData>, ChainError> {
        let inner = &self.chain.inner;
        let below = head.state();
        let Executed { open, body, senders, outcome } = executed;
        let mut nodes = NodeUpdates::new();
        let state_root = self.state.trie.apply(&outcome.changes.state, &below, &mut nodes)?;
        let passer_root = self.message_passer_root(&below)?;
        let header = match expected {
            None => {
                let txs = transactions_root(&body.transactions);
                seal_header(&inner.config, open, &outcome, txs, state_root, passer_root)
            }
            Some(header) => {
                check("stateRoot", header.state_root, state_root)?;
                if inner.config.is_l2() {
                    check("withdrawalsRoot", header.withdrawals_root.unwrap_or_default(), passer_root)?;
                }
                header.clone()
            }
        };
        let hash = header.hash_slow();
        let block = Block { header, body };
        let data = Arc::new(BlockData::new(RecoveredBlock { block, hash, senders }, outcome.receipts));
        inner.db.commit(&data.record(&outcome.changes, nodes))?;
        self.state.trie.shrink(inner.trie_nodes);
        self.publish(&data, &outcome.changes.accounts)?;
        Ok(data)
    }

    fn message_passer_root(&mut self, below: &StateAt) -> Result<B256, ChainError> {
        if !self.chain.inner.config.is_l2() {
            return Ok(B256::ZERO);
        }
        let account = self.state.trie.account(hashed(predeploys::MESSAGE_PASSER), below)?;
        Ok(account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root))
    }

    fn publish(
        &self,
        data: &Arc<BlockData>,
        changed: &[(alloy_primitives::Address, Option<duplex_trie::StateAccount>)],
    ) -> Result<(), ChainError> {
        let inner = &self.chain.inner;
        let head = Head::new(&inner.config, data.header().clone(), data.hash(), inner.db.reader())?;
        let state = head.state();
        {
            let mut recent = inner.recent.write();
            recent.push_back(data.clone());
            if recent.len() > crate::chain::RECENT {
                recent.pop_front();
            }
        }
        let base_fee = next_base_fee(&inner.config, &head.header, head.header.timestamp.saturating_add(1));
        self.chain.set_head(head);
        let mined = data
            .tx_hashes
            .iter()
            .zip(&data.recovered.senders)
            .zip(data.transactions())
            .filter(|(_, tx)| !tx.is_deposit())
            .map(|((hash, sender), tx)| (*hash, *sender, alloy_consensus::Transaction::nonce(tx)));
        let mut states = Vec::with_capacity(changed.len());
        for (address, account) in changed {
            let sender = match account {
                None => crate::state::NO_ACCOUNT,
                Some(account) if account.code_hash == alloy_consensus::constants::KECCAK_EMPTY => {
                    SenderState { nonce: account.nonce, balance: account.balance, is_contract: false }
                }
                Some(_) => state.sender(*address)?,
            };
            states.push((*address, sender));
        }
        inner.pool.on_block(mined, states, base_fee);
        // Nobody listening is not an error.
        let _ = inner.events.send(ChainEvent::Block(data.clone()));
        Ok(())
    }
}

pub(crate) fn check<T: PartialEq + core::fmt::Debug>(
    field: &'static str,
    found: T,
    expected: T,
) -> Result<(), ChainError> {
    if found == expected {
        return Ok(());
    }
    let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
    Err(BlockError::Header { field, found, expected }.into())
}

impl Chain {
    /// Removes all blocks above `to`. Users' transactions in them go back to the pool.
    ///
    /// # Errors
    /// If the state of block `to` is not kept any more, or the database fails.
    pub fn unwind(&self, to: u64) -> Result<Vec<Arc<BlockData>>, ChainError> {
        let mut writer = self.writer();
        let head = self.head();
        let mut removed = Vec::new();
        for number in (to + 1..=head.header.number).rev() {
            removed.push(self.block(number)?.ok_or(ChainError::Corrupt { number, what: "header" })?);
        }
        if removed.is_empty() {
            return Ok(removed);
        }
        self.inner.db.unwind(to)?;
        let reader = self.inner.db.reader();
        let newest =
            BlockData::read(&reader, to)?.ok_or(ChainError::Corrupt { number: to, what: "header" })?;
        let head = Head::new(&self.inner.config, newest.header().clone(), newest.hash(), reader)?;
        writer.state.trie = StateTrie::new(head.header.state_root);
        let state = head.state();
        self.inner.recent.write().retain(|block| block.number() <= to);
        self.set_head(head);
        self.set_safety(self.safe().min(to), self.finalized().min(to));

        // Whatever the pool holds may have lost what it had.
        let mut senders: std::collections::BTreeSet<_> = self.inner.pool.content().into_keys().collect();
        let mut txs = Vec::new();
        for block in removed.iter().rev() {
            for (tx, sender) in block.transactions().iter().zip(&block.recovered.senders) {
                senders.insert(*sender);
                if !tx.is_deposit() {
                    txs.push(PooledTx::new(tx.clone(), *sender));
                }
            }
        }
        let states = senders
            .into_iter()
            .map(|sender| state.sender(sender).map(|state| (sender, state)))
            .collect::<Result<Vec<_>, _>>()?;
        let base_fee = self.head().header.base_fee_per_gas.unwrap_or_default();
        self.inner.pool.on_block(std::iter::empty(), states, base_fee);
        for refused in
            self.inner.pool.reinsert(txs, |sender| state.sender(sender)).into_iter().filter_map(Result::err)
        {
            tracing::warn!(%refused, "a transaction of a removed block is lost");
        }
        drop(writer);
        let _ = self.inner.events.send(ChainEvent::Removed(removed.clone()));
        Ok(removed)
    }
}
