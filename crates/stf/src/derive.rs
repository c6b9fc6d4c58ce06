//! Executes what a batch says of a block.

use alloc::vec::Vec;
use alloy_consensus::Typed2718;
use alloy_primitives::{Address, B256};
use duplex_primitives::{BlockAttributes, ChainConfig, Header, Transaction};
use revm::DatabaseRef;

use crate::{BlockError, Executor, Outcome, TxError, open_header};

/// A transaction that a batch lists, and its sender; `None` if the signature is not valid.
pub type Listed = (Transaction, Option<Address>);

/// A block that was executed from a batch; its roots are still to be computed.
#[derive(Debug)]
pub struct DerivedBlock {
    /// Its header before execution.
    pub open: Header,
    /// Its transactions: the forced ones, then those listed that could be executed.
    pub transactions: Vec<Transaction>,
    /// The sender of each.
    pub senders: Vec<Address>,
    /// How many listed transactions were skipped.
    pub skipped: usize,
    /// What execution gave.
    pub outcome: Outcome,
}

/// Executes a block from its inputs on the state after its parent: first `forced`, then of `listed`
/// those that are valid when their turn comes. The others are skipped: a batch is on L1 already,
/// and every input has exactly one result (`docs/protocol.md`, Derivation).
///
/// # Errors
/// If a forced transaction cannot be executed, which the derivation's rules exclude, or the state
/// source fails.
pub fn derive_block<D: DatabaseRef>(
    config: &ChainConfig,
    parent: &Header,
    parent_hash: B256,
    attributes: &BlockAttributes,
    forced: &[Transaction],
    listed: Vec<Listed>,
    state: D,
) -> Result<DerivedBlock, BlockError<D::Error>> {
    let open = open_header(config, parent, parent_hash, attributes);
    let mut executor = Executor::new(config, &open, state)?;
    let mut transactions = Vec::with_capacity(forced.len() + listed.len());
    let mut senders = Vec::with_capacity(forced.len() + listed.len());
    for (index, tx) in forced.iter().enumerate() {
        let failed = |error| BlockError::Transaction { index, hash: tx.hash(), error };
        // Deposits name their sender; nothing has to be recovered.
        let sender = match tx {
            Transaction::Deposit(deposit) => deposit.from,
            Transaction::Ethereum(_) => return Err(failed(TxError::Type(tx.ty()))),
        };
        executor.execute(tx, sender).map_err(failed)?;
        transactions.push(tx.clone());
        senders.push(sender);
    }
    let mut skipped = 0;
    for (tx, sender) in listed {
        let Some(sender) = sender else {
            skipped += 1;
            continue;
        };
        match executor.execute(&tx, sender) {
            Ok(_) => {
                transactions.push(tx);
                senders.push(sender);
            }
            Err(TxError::Source(source)) => return Err(BlockError::Source(source)),
            Err(_) => skipped += 1,
        }
    }
    let outcome = executor.finish(&attributes.withdrawals)?;
    Ok(DerivedBlock { open, transactions, senders, skipped, outcome })
}
