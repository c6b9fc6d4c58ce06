//! The state after the parent, from its root.

use core::cell::RefCell;

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256, map::B256Map};
use duplex_trie::{HashedState, NodeKey, NodeSource, StateTrie, TrieError};
use revm::{DatabaseRef, bytecode::Bytecode, database_interface::DBErrorMarker, state::AccountInfo};
use thiserror::Error;

use crate::{Oracle, ProgramError, What, chain::Ancestors};

/// State could not be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StateError<E: core::error::Error> {
    /// A preimage could not be had.
    #[error(transparent)]
    Oracle(E),
    /// The trie contradicts itself.
    #[error("state trie: {0}")]
    Trie(TrieError<E>),
    /// A header contradicts itself.
    #[error("an ancestor's header is malformed")]
    Ancestor,
}

impl<E: core::error::Error + Send + Sync + 'static> DBErrorMarker for StateError<E> {}

/// The trie's nodes, by hash.
#[derive(Debug)]
struct Nodes<'a, O>(&'a O);

impl<O: Oracle> NodeSource for Nodes<'_, O> {
    type Error = O::Error;

    fn node(&self, key: &NodeKey, hash: &B256) -> Result<Option<Bytes>, O::Error> {
        self.0.read(What::Node(key), hash).map(Some)
    }
}

/// How many bytes of code are kept from block to block, so that what every block calls is looked through once.
const KEPT_CODE: usize = 1 << 20;
/// What code takes beside its bytes, or more.
const BESIDE_CODE: usize = 512;

/// Code that was read and looked through, by its hash: the first that there is room for.
#[derive(Debug, Default)]
struct Codes {
    kept: B256Map<Bytecode>,
    bytes: usize,
}

/// The state after a block, and what came before it.
#[derive(Debug)]
pub(crate) struct State<'a, O> {
    oracle: &'a O,
    trie: RefCell<StateTrie>,
    codes: RefCell<Codes>,
    ancestors: Ancestors<'a, O>,
}

impl<'a, O: Oracle> State<'a, O> {
    /// The state with this root.
    pub(crate) fn new(oracle: &'a O, root: B256, ancestors: Ancestors<'a, O>) -> Self {
        Self { oracle, trie: RefCell::new(StateTrie::new(root)), codes: RefCell::default(), ancestors }
    }

    /// Its block has this hash: what is executed next comes after it.
    pub(crate) fn sealed(&mut self, block_hash: B256) {
        self.ancestors.push(block_hash);
    }

    /// Forgets all that was read: it is read again, from this root on.
    pub(crate) fn forget(&mut self, root: B256) {
        *self.trie.get_mut() = StateTrie::new(root);
        *self.codes.get_mut() = Codes::default();
    }

    /// The root after `changes`, and that of an account's storage.
    pub(crate) fn apply(
        &self,
        changes: &HashedState,
        account: Address,
    ) -> Result<(B256, B256), TrieError<O::Error>> {
        let mut trie = self.trie.borrow_mut();
        let nodes = Nodes(self.oracle);
        let root = trie.update(changes, &nodes)?;
        let account = trie.account(keccak256(account), &nodes)?;
        Ok((root, account.map_or(alloy_trie::EMPTY_ROOT_HASH, |account| account.storage_root)))
    }

    /// Reads code, and looks through it.
    fn read_code(&self, hash: &B256) -> Result<Bytecode, StateError<O::Error>> {
        let read = self.oracle.read(What::Code, hash).map_err(StateError::Oracle)?;
        // As the node reads it: what does not parse as a delegation is not one.
        let code =
            Bytecode::new_raw_checked(read.clone()).unwrap_or_else(|_| Bytecode::new_legacy(read.clone()));
        // What the oracle has it in must be free to go while the EVM has the code. Most code is padded, which copies it: another
        // copy would be a hole in the memory, as many times as a block reads code.
        if !read.as_ptr_range().contains(&code.bytes_slice().as_ptr()) {
            return Ok(code);
        }
        let copy = Bytes::copy_from_slice(&read);
        Ok(match code.legacy_jump_table() {
            // Looked through once only, which is what costs most of it.
            Some(jumps) => Bytecode::new_analyzed(copy, code.len(), jumps.clone()),
            None => Bytecode::new_raw_checked(copy.clone()).unwrap_or_else(|_| Bytecode::new_legacy(copy)),
        })
    }
}

impl<O: Oracle> DatabaseRef for State<'_, O> {
    type Error = StateError<O::Error>;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Self::Error> {
        let mut trie = self.trie.borrow_mut();
        let account = trie.account(keccak256(address), &Nodes(self.oracle)).map_err(StateError::Trie)?;
        Ok(account.map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            account_id: None,
            code: (account.code_hash == KECCAK256_EMPTY).then(Bytecode::default),
        }))
    }

    fn code_by_hash_ref(&self, hash: B256) -> Result<Bytecode, Self::Error> {
        if hash == KECCAK256_EMPTY {
            return Ok(Bytecode::default());
        }
        let mut codes = self.codes.borrow_mut();
        if let Some(code) = codes.kept.get(&hash) {
            return Ok(code.clone());
        }
        let code = self.read_code(&hash)?;
        let bytes = codes.bytes + code.len() + BESIDE_CODE;
        if bytes <= KEPT_CODE {
            codes.bytes = bytes;
            codes.kept.insert(hash, code.clone());
        }
        Ok(code)
    }

    fn storage_ref(&self, address: Address, key: U256) -> Result<U256, Self::Error> {
        let (address, slot) = (keccak256(address), keccak256(key.to_be_bytes::<32>()));
        let mut trie = self.trie.borrow_mut();
        trie.storage(address, slot, &Nodes(self.oracle)).map_err(StateError::Trie)
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, Self::Error> {
        match self.ancestors.hash(number) {
            Ok(hash) => Ok(hash.unwrap_or_default()),
            Err(ProgramError::Oracle(source)) => Err(StateError::Oracle(source)),
            Err(_) => Err(StateError::Ancestor),
        }
    }
}
