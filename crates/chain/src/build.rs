//! Builds blocks from the pool.

use std::sync::Arc;

use alloy_eips::{eip2718::Encodable2718, eip4895::Withdrawals};
use alloy_primitives::Address;
use duplex_pool::{Added, PooledTx};
use duplex_primitives::{BlockAttributes, BlockBody, Transaction};
use duplex_stf::{Executor, Overlay, TxError, blob_base_fee, open_header};

use crate::{BlockData, Chain, ChainError, StateAt, StateError, SubmitError, write::Executed};

/// The cheapest transaction: with less gas left, a block is full.
const TX_GAS: u64 = 21_000;

/// What a block is built from.
#[derive(Debug, Clone, Default)]
pub struct BuildRequest {
    /// Time, beneficiary, anchor.
    pub attributes: BlockAttributes,
    /// Transactions that come first, whatever happens (anchor and messages on L2).
    pub forced: Vec<Transaction>,
    /// Whether transactions are taken from the pool.
    pub from_pool: bool,
    /// Whether a block without any transaction is built at all.
    pub allow_empty: bool,
}

/// A block that was built and committed.
#[derive(Debug, Clone)]
pub struct Built {
    /// The block.
    pub block: Arc<BlockData>,
    /// True if it is full: more is waiting, and the next block should not.
    pub full: bool,
}

/// Changes the state before the first transaction; for development chains.
pub(crate) type Patch<'a> = &'a mut dyn FnMut(&mut Overlay<StateAt>) -> Result<(), StateError>;

impl Chain {
    /// Adds a transaction to the pool. The signature is checked here, without any lock.
    ///
    /// # Errors
    /// With Ethereum's own words for what is wrong with it.
    pub fn submit(&self, tx: Transaction) -> Result<Added, SubmitError> {
        let sender = tx.sender().ok_or(SubmitError::InvalidSender)?;
        let mut pooled = PooledTx::new(tx, sender);
        if let Some(fee) = self.head().data_fee(pooled.tx()) {
            pooled = pooled.with_data_fee(fee);
        }
        let hash = pooled.hash();
        // The state is the head's at the moment the pool asks, so that no block comes between.
        let added = self.inner.pool.add(pooled, |sender| self.state().sender(sender))?;
        for hash in added.pending.then_some(hash).into_iter().chain(added.promoted.iter().copied()) {
            let _ = self.inner.arrivals.send(hash);
        }
        Ok(added)
    }

    /// Builds a block on the head and commits it. `None` if it would be empty and may not be.
    ///
    /// # Errors
    /// If a forced transaction cannot be executed or the database fails; the chain is as before.
    pub fn build(&self, request: &BuildRequest) -> Result<Option<Built>, ChainError> {
        self.build_patched(request, None)
    }

    pub(crate) fn build_patched(
        &self,
        request: &BuildRequest,
        patch: Option<Patch<'_>>,
    ) -> Result<Option<Built>, ChainError> {
        let config = &self.inner.config;
        let mut writer = self.writer();
        let head = self.head();
        let open = open_header(config, &head.header, head.hash, &request.attributes);
        let mut executor = Executor::new(config, &open, head.state())?;
        if let Some(patch) = patch {
            patch(executor.state_mut())?;
        }
        let mut filling = Filling::default();
        for tx in &request.forced {
            let why = |why: String| ChainError::Forced { hash: tx.hash(), why };
            let sender = tx.sender().ok_or_else(|| why("its signature is not valid".into()))?;
            executor.execute(tx, sender).map_err(|error| match error {
                TxError::Source(source) => ChainError::State(source),
                other => why(other.to_string()),
            })?;
            filling.push(tx.clone(), sender);
        }
        let mut full = false;
        if request.from_pool {
            let base_fee = open.base_fee_per_gas.unwrap_or_default();
            full = self.fill(&mut executor, &mut filling, base_fee, blob_base_fee(config, &open))?;
        }
        if filling.transactions.is_empty() && !request.allow_empty {
            return Ok(None);
        }
        let withdrawals = &request.attributes.withdrawals;
        let outcome = executor.finish(withdrawals)?;
        let body = BlockBody {
            transactions: filling.transactions,
            ommers: Vec::new(),
            withdrawals: Some(Withdrawals::new(withdrawals.clone())),
        };
        let block = writer.commit(Executed { open, body, senders: filling.senders, outcome }, None)?;
        Ok(Some(Built { block, full }))
    }

    /// Takes transactions from the pool until nothing fits any more; true if something was left.
    fn fill(
        &self,
        executor: &mut Executor<StateAt>,
        filling: &mut Filling,
        base_fee: u64,
        blob_fee: u128,
    ) -> Result<bool, ChainError> {
        let limit = self.inner.config.max_block_bytes;
        let mut best = self.inner.pool.best(base_fee, blob_fee);
        let mut bytes = 0u64;
        let mut full = false;
        while let Some(pooled) = best.next() {
            if executor.gas_left() < TX_GAS {
                return Ok(true);
            }
            let size = pooled.tx().encode_2718_len() as u64;
            if bytes + size > limit {
                full = true;
                best.skip_sender(pooled.sender());
                continue;
            }
            match executor.execute(pooled.tx(), pooled.sender()) {
                Ok(_) => {
                    bytes += size;
                    filling.push(pooled.tx().clone(), pooled.sender());
                }
                Err(TxError::Source(source)) => return Err(source.into()),
                Err(TxError::BlockGas { .. } | TxError::BlobGas { .. }) => {
                    full = true;
                    best.skip_sender(pooled.sender());
                }
                // It cannot be executed on this state. If it never can, the pool must not offer
                // it for ever; if it can later (its sender will have funds), it can be sent again.
                Err(error) => {
                    tracing::debug!(tx = %pooled.hash(), %error, "dropped from the pool");
                    best.skip_sender(pooled.sender());
                    self.inner.pool.remove(pooled.hash());
                }
            }
        }
        Ok(full)
    }
}

#[derive(Default)]
struct Filling {
    transactions: Vec<Transaction>,
    senders: Vec<Address>,
}

impl Filling {
    fn push(&mut self, tx: Transaction, sender: Address) {
        self.transactions.push(tx);
        self.senders.push(sender);
    }
}
