//! The system calls that come before a block's transactions.

use alloy_eips::{eip2935::HISTORY_STORAGE_ADDRESS, eip4788::BEACON_ROOTS_ADDRESS};
use alloy_primitives::{Address, B256, Bytes};
use duplex_primitives::{ChainConfig, Header, Rules};
use revm::DatabaseRef;

use crate::{BlockError, Machine, TxError};

impl<D: DatabaseRef, I> Machine<D, I> {
    /// Opens a block: EIP-2935 on both chains, EIP-4788 on L1, and keeps the changes. A chain
    /// without these contracts does without. The inspector sees nothing of it.
    ///
    /// Whoever executes a block's transactions without an [`Executor`](crate::Executor), to trace
    /// them, calls this once before the first.
    ///
    /// # Errors
    /// If the state source fails.
    pub fn open(&mut self, config: &ChainConfig, header: &Header) -> Result<(), BlockError<D::Error>> {
        self.notify(HISTORY_STORAGE_ADDRESS, header.parent_hash)?;
        if config.rules == Rules::L1 {
            self.notify(BEACON_ROOTS_ADDRESS, header.parent_beacon_block_root.unwrap_or_default())?;
        }
        Ok(())
    }

    fn notify(&mut self, contract: Address, word: B256) -> Result<(), BlockError<D::Error>> {
        match self.system_call(contract, Bytes::copy_from_slice(word.as_slice())) {
            Ok(_) => Ok(()),
            Err(TxError::Source(source)) => Err(BlockError::Source(source)),
            Err(_) => Err(BlockError::SystemCall(contract)),
        }
    }
}
