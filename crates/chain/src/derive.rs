//! Blocks from L1's data, and blocks from others.

use std::sync::Arc;

use alloy_eips::eip4895::Withdrawals;
use alloy_primitives::Address;
use duplex_primitives::{Block, BlockAttributes, BlockBody, RecoveredBlock, Transaction};
use duplex_stf::{derive_block, execute_block};
use rayon::prelude::*;

use crate::{BlockData, Chain, ChainError, write::Executed};

/// Transactions below which recovering senders on several threads costs more than it saves.
const PARALLEL: usize = 16;

/// A block that was derived and committed.
#[derive(Debug, Clone)]
pub struct Derived {
    /// The block.
    pub block: Arc<BlockData>,
    /// How many listed transactions could not be executed and were left out.
    pub skipped: usize,
}

/// The sender of each transaction; `None` where the signature is not valid.
pub(crate) fn senders(txs: &[Transaction]) -> Vec<Option<Address>> {
    txs.par_iter().with_min_len(PARALLEL).map(Transaction::sender).collect()
}

impl Chain {
    /// Makes the block that a batch describes, on the head, and commits it: `forced` first, then
    /// those of `listed` that can be executed.
    ///
    /// # Errors
    /// If a forced transaction cannot be executed or the database fails; the chain is as before.
    pub fn derive(
        &self,
        attributes: &BlockAttributes,
        forced: &[Transaction],
        listed: Vec<Transaction>,
    ) -> Result<Derived, ChainError> {
        let senders = senders(&listed);
        let listed = listed.into_iter().zip(senders).collect();
        let mut writer = self.writer();
        let head = self.head();
        let config = &self.inner.config;
        let done = derive_block(config, &head.header, head.hash, attributes, forced, listed, head.state())?;
        let body = BlockBody {
            transactions: done.transactions,
            ommers: Vec::new(),
            withdrawals: Some(Withdrawals::new(attributes.withdrawals.clone())),
        };
        let executed = Executed { open: done.open, body, senders: done.senders, outcome: done.outcome };
        Ok(Derived { block: writer.commit(executed, None)?, skipped: done.skipped })
    }

    /// Imports a block that builds on the head: executes it, checks everything it says, commits.
    ///
    /// # Errors
    /// If the block is invalid or the database fails; the chain is as it was before.
    pub fn import(&self, block: Block) -> Result<Arc<BlockData>, ChainError> {
        let hash = block.header.hash_slow();
        let senders: Option<Vec<Address>> = senders(&block.body.transactions).into_iter().collect();
        let senders = senders.ok_or(ChainError::Signature(hash))?;
        let recovered = RecoveredBlock { block, hash, senders };
        let mut writer = self.writer();
        let head = self.head();
        if recovered.block.header.parent_hash != head.hash {
            return Err(ChainError::NotOnHead {
                parent: recovered.block.header.parent_hash,
                head: head.hash,
            });
        }
        let outcome = execute_block(&self.inner.config, &head.header, head.hash, &recovered, head.state())?;
        let Block { header, body } = recovered.block;
        let executed = Executed { open: header.clone(), body, senders: recovered.senders, outcome };
        writer.commit(executed, Some(&header))
    }
}
