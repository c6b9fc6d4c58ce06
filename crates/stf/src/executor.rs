//! Executes the transactions of one block.

use alloc::vec::Vec;
use alloy_consensus::{Transaction as _, Typed2718};
use alloy_eips::{eip4844::DATA_GAS_PER_BLOB, eip7685::EMPTY_REQUESTS_HASH, eip7840::BlobParams};
use alloy_primitives::{Address, B256, Bloom, U256};
use duplex_primitives::{ChainConfig, Header, Receipt, RecoveredBlock, Rules, Transaction, receipts_root};
use revm::{Database, DatabaseCommit, DatabaseRef};

use crate::{
    BlockError, Changes, Machine, Overlay, Relaxed, TxError, TxResult, block_env, requests, tx_env,
    validate_header,
};

/// What executing a block gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// One receipt per transaction.
    pub receipts: Vec<Receipt>,
    /// Root over them.
    pub receipts_root: B256,
    /// Bloom over all their logs.
    pub logs_bloom: Bloom,
    /// Gas of all transactions.
    pub gas_used: u64,
    /// Blob gas of all transactions.
    pub blob_gas_used: u64,
    /// Hash over the requests to the consensus layer (EIP-7685).
    pub requests_hash: B256,
    /// What changed, for the trie and the database.
    pub changes: Changes,
}

/// A block under execution.
#[derive(Debug)]
pub struct Executor<D: DatabaseRef> {
    config: ChainConfig,
    machine: Machine<D>,
    gas_limit: u64,
    gas_used: u64,
    blob_gas_used: u64,
    receipts: Vec<Receipt>,
}

impl<D: DatabaseRef> Executor<D> {
    /// Starts a block: runs the system calls that come before its transactions.
    ///
    /// `header` needs what [`open_header`](crate::open_header) gives; fields that execution
    /// determines are not read.
    ///
    /// # Errors
    /// If the state source fails.
    pub fn new(config: &ChainConfig, header: &Header, state: D) -> Result<Self, BlockError<D::Error>> {
        let mut machine =
            Machine::new(config, block_env(config, header), Overlay::new(state), Relaxed::default(), ());
        machine.open(config, header)?;
        Ok(Self {
            config: *config,
            machine,
            gas_limit: header.gas_limit,
            gas_used: 0,
            blob_gas_used: 0,
            receipts: Vec::new(),
        })
    }

    /// Gas that transactions may still use.
    pub const fn gas_left(&self) -> u64 {
        self.gas_limit - self.gas_used
    }

    /// The receipts so far.
    pub fn receipts(&self) -> &[Receipt] {
        &self.receipts
    }

    /// The block's changes so far, for what a development chain does outside transactions.
    pub fn state_mut(&mut self) -> &mut Overlay<D> {
        self.machine.state_mut()
    }

    /// Executes one transaction and keeps its changes.
    ///
    /// # Errors
    /// If it is invalid here and now; the block is as it was before, and goes on.
    pub fn execute(&mut self, tx: &Transaction, sender: Address) -> Result<TxResult, TxError<D::Error>> {
        let blob_gas = self.admit(tx)?;
        let deposit_nonce = match tx {
            Transaction::Deposit(_) => {
                let account = self.machine.state_mut().basic(sender).map_err(TxError::Source)?;
                Some(account.map_or(0, |info| info.nonce))
            }
            Transaction::Ethereum(_) => None,
        };
        let (mut result, changes) = self.machine.transact(tx_env(tx, sender))?;
        self.machine.state_mut().commit(changes);
        self.gas_used += result.gas_used;
        self.blob_gas_used += blob_gas;
        self.receipts.push(Receipt {
            tx_type: tx.ty(),
            success: result.is_success(),
            cumulative_gas_used: self.gas_used,
            logs: core::mem::take(&mut result.logs),
            deposit_nonce,
        });
        Ok(result)
    }

    /// Checks what a transaction may ask of this block; gives its blob gas.
    fn admit(&self, tx: &Transaction) -> Result<u64, TxError<D::Error>> {
        let allowed = match self.config.rules {
            Rules::L1 => !tx.is_deposit(),
            Rules::L2 => tx.ty() != 3,
        };
        // Deposits come before everything else: users' transactions never delay them.
        let late_deposit = tx.is_deposit() && self.receipts.last().is_some_and(|r| r.deposit_nonce.is_none());
        if !allowed || late_deposit {
            return Err(TxError::Type(tx.ty()));
        }
        if tx.gas_limit() > self.gas_left() {
            return Err(TxError::BlockGas { needed: tx.gas_limit(), left: self.gas_left() });
        }
        let needed = tx.blob_versioned_hashes().map_or(0, |hashes| hashes.len() as u64 * DATA_GAS_PER_BLOB);
        let left = BlobParams::osaka().max_blob_gas_per_block() - self.blob_gas_used;
        if needed > left { Err(TxError::BlobGas { needed, left }) } else { Ok(needed) }
    }

    /// Ends the block: L1 withdrawals and requests, then everything it changed.
    ///
    /// # Errors
    /// If a system contract of L1 is missing or fails, a deposit event has another layout than
    /// EIP-6110's, or the state source fails.
    pub fn finish(
        mut self,
        withdrawals: &[alloy_eips::eip4895::Withdrawal],
    ) -> Result<Outcome, BlockError<D::Error>> {
        let mut requests_hash = EMPTY_REQUESTS_HASH;
        if self.config.rules == Rules::L1 {
            for withdrawal in withdrawals {
                let wei = U256::from(withdrawal.amount_wei());
                self.machine.state_mut().credit(withdrawal.address, wei).map_err(BlockError::Source)?;
            }
            requests_hash = requests::collect(&mut self.machine, &self.receipts)?.requests_hash();
        }
        let changes = self.machine.state().changes();
        let mut logs_bloom = Bloom::ZERO;
        for receipt in &self.receipts {
            logs_bloom.accrue_bloom(&receipt.bloom());
        }
        Ok(Outcome {
            receipts_root: receipts_root(&self.receipts),
            receipts: self.receipts,
            logs_bloom,
            gas_used: self.gas_used,
            blob_gas_used: self.blob_gas_used,
            requests_hash,
            changes,
        })
    }
}

/// Executes a whole block on the state after its parent and checks everything that its header
/// says, except the state root (and on L2 the withdrawals root): those need a trie.
///
/// # Errors
/// If the block is invalid, or the state source fails.
pub fn execute_block<D: DatabaseRef>(
    config: &ChainConfig,
    parent: &Header,
    parent_hash: B256,
    block: &RecoveredBlock,
    state: D,
) -> Result<Outcome, BlockError<D::Error>> {
    validate_header(config, parent, parent_hash, &block.block)?;
    let header = &block.block.header;
    let body = &block.block.body;
    let mut executor = Executor::new(config, header, state)?;
    for (index, (tx, sender)) in body.transactions.iter().zip(&block.senders).enumerate() {
        executor.execute(tx, *sender).map_err(|error| BlockError::Transaction {
            index,
            hash: tx.hash(),
            error,
        })?;
    }
    let outcome = executor.finish(body.withdrawals.as_ref().map_or(&[][..], |list| list.as_slice()))?;
    BlockError::check("gasUsed", header.gas_used, outcome.gas_used)?;
    BlockError::check("blobGasUsed", header.blob_gas_used, Some(outcome.blob_gas_used))?;
    BlockError::check("receiptsRoot", header.receipts_root, outcome.receipts_root)?;
    BlockError::check("logsBloom", header.logs_bloom, outcome.logs_bloom)?;
    BlockError::check("requestsHash", header.requests_hash, Some(outcome.requests_hash))?;
    Ok(outcome)
}
