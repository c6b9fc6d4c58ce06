//! The state after a block.

use alloy_consensus::constants::KECCAK_EMPTY;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use duplex_pool::SenderState;
use duplex_storage::Reader;
use duplex_trie::{NodeKey, NodeSource, StateProof, StateTrie, TrieError};
use revm::{DatabaseRef, bytecode::Bytecode, state::AccountInfo};

use crate::StateError;

/// An address that has never been used, as a sender.
pub(crate) const NO_ACCOUNT: SenderState = SenderState { nonce: 0, balance: U256::ZERO, is_contract: false };

/// The state after one block, as of one moment. Cheap to take, never changes, never waits.
#[derive(Debug, Clone)]
pub struct StateAt {
    reader: Reader,
    number: u64,
    root: B256,
}

impl StateAt {
    pub(crate) const fn new(reader: Reader, number: u64, root: B256) -> Self {
        Self { reader, number, root }
    }

    /// The block whose state this is.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// What the pool must know of a sender.
    ///
    /// # Errors
    /// If the database fails.
    pub fn sender(&self, address: Address) -> Result<SenderState, StateError> {
        let Some(info) = self.basic_ref(address)? else { return Ok(NO_ACCOUNT) };
        let is_contract =
            info.code_hash != KECCAK_EMPTY && !self.code_by_hash_ref(info.code_hash)?.is_eip7702();
        Ok(SenderState { nonce: info.nonce, balance: info.balance, is_contract })
    }

    /// The code of an account; empty if it has none.
    ///
    /// # Errors
    /// If the database fails.
    pub fn code(&self, address: Address) -> Result<Bytes, StateError> {
        match self.basic_ref(address)? {
            Some(info) if info.code_hash != KECCAK_EMPTY => {
                Ok(self.code_by_hash_ref(info.code_hash)?.original_bytes())
            }
            _ => Ok(Bytes::new()),
        }
    }

    /// Merkle proofs of an account and some of its slots (EIP-1186).
    ///
    /// # Errors
    /// If the database fails or contradicts itself.
    pub fn prove(&self, address: Address, slots: &[U256]) -> Result<StateProof, TrieError<StateError>> {
        let hashed: Vec<_> = slots.iter().map(|slot| keccak256(slot.to_be_bytes::<32>())).collect();
        StateTrie::new(self.root).prove(keccak256(address), &hashed, self)
    }

    /// The sum of all balances, in wei, and the number of accounts. Reads the whole state.
    ///
    /// # Errors
    /// If the database fails.
    pub fn total_supply(&self) -> Result<(U256, u64), StateError> {
        let mut sum = (U256::ZERO, 0);
        for account in self.reader.accounts(self.number)? {
            let (_, account) = account?;
            sum = (sum.0.saturating_add(account.balance), sum.1 + 1);
        }
        Ok(sum)
    }
}

impl DatabaseRef for StateAt {
    type Error = StateError;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, StateError> {
        let account = self.reader.account(&keccak256(address), self.number)?;
        Ok(account.map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            account_id: None,
            code: (account.code_hash == KECCAK_EMPTY).then(Bytecode::default),
        }))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, StateError> {
        if hash == KECCAK_EMPTY {
            return Ok(Bytecode::default());
        }
        let code = self.reader.code(&hash)?.ok_or(StateError::MissingCode(hash))?;
        // What does not parse as EIP-7702 delegation cannot be in the state; legacy code always parses.
        Ok(Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code)))
    }

    fn storage_ref(&self, address: Address, key: U256) -> Result<U256, StateError> {
        Ok(self.reader.slot(&keccak256(address), &keccak256(key.to_be_bytes::<32>()), self.number)?)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, StateError> {
        Ok(self.reader.hash_of(number)?.unwrap_or_default())
    }
}

impl NodeSource for StateAt {
    type Error = StateError;

    fn node(&self, key: &NodeKey, _: &B256) -> Result<Option<Bytes>, StateError> {
        Ok(self.reader.node(key, self.number)?)
    }
}
