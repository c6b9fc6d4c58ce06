//! Reading one published state.

use crate::{
    account::Accounts,
    error::{Error, Result},
    stream,
    view::View,
};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256};
use duplex_trie::{NodeKey, StateAccount};
use std::{collections::BTreeMap, sync::Arc};

/// The database as it was when the reader was taken, whatever is written afterwards.
///
/// A clone is a pointer. While a reader lives, the pages it sees cannot be reused and the
/// database stays locked: do not keep one for long.
#[derive(Clone)]
pub struct Reader {
    pub(crate) view: Arc<View>,
}

impl core::fmt::Debug for Reader {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Reader").field("head", &self.head()).finish_non_exhaustive()
    }
}

impl Reader {
    /// The last block's number; `None` in an empty database.
    pub fn head(&self) -> Option<u64> {
        self.view.blocks.head
    }

    /// The oldest block whose state can be read.
    pub fn history_floor(&self) -> u64 {
        self.view.state.floor()
    }

    /// The encoded header of a block.
    pub fn header(&self, number: u64) -> Result<Option<Bytes>> {
        Ok(self.header_record(number)?.map(|(_, header)| header))
    }

    /// The hash of a block.
    pub fn hash_of(&self, number: u64) -> Result<Option<B256>> {
        Ok(self.header_record(number)?.map(|(hash, _)| hash))
    }

    /// The number of the block with this hash, if it is on the chain.
    pub fn number_of(&self, hash: &B256) -> Result<Option<u64>> {
        Ok(self.view.blocks.hashes.get(&hash.0)?.map(|number| number.value()))
    }

    /// The encoded body of a block.
    pub fn body(&self, number: u64) -> Result<Option<Bytes>> {
        stream::get(&self.view.blocks.bodies, number)
    }

    /// The encoded receipts of a block.
    pub fn receipts(&self, number: u64) -> Result<Option<Bytes>> {
        stream::get(&self.view.blocks.receipts, number)
    }

    /// Who sent the transactions of a block.
    pub fn senders(&self, number: u64) -> Result<Option<Vec<Address>>> {
        let Some(bytes) = stream::get(&self.view.blocks.senders, number)? else { return Ok(None) };
        let (senders, rest) = bytes.as_chunks::<20>();
        if !rest.is_empty() {
            return Err(Error::corrupt("senders", format!("of block {number}")));
        }
        Ok(Some(senders.iter().map(|sender| Address::new(*sender)).collect()))
    }

    /// The block of a transaction and its position there.
    pub fn transaction(&self, hash: &B256) -> Result<Option<(u64, u32)>> {
        self.view.transaction(hash)
    }

    /// An account by `keccak256(address)` after block `at`; `None` if it does not exist then.
    pub fn account(&self, hashed: &B256, at: u64) -> Result<Option<StateAccount>> {
        self.admit(at)?;
        self.view.account(hashed, at)
    }

    /// A slot by `keccak256(address)` and `keccak256(slot)` after block `at`.
    pub fn slot(&self, hashed: &B256, slot: &B256, at: u64) -> Result<U256> {
        self.admit(at)?;
        self.view.slot(hashed, slot, at)
    }

    /// All slots of an account that are not zero after block `at`.
    pub fn slots(&self, hashed: &B256, at: u64) -> Result<BTreeMap<B256, U256>> {
        self.admit(at)?;
        self.view.slots(hashed, at)
    }

    /// The RLP of a trie node after block `at`.
    pub fn node(&self, key: &NodeKey, at: u64) -> Result<Option<Bytes>> {
        self.admit(at)?;
        self.view.node(key, at)
    }

    /// Every account that exists after block `at`, in the order of hashes.
    pub fn accounts(&self, at: u64) -> Result<Accounts> {
        self.admit(at)?;
        Accounts::new(self.view.clone(), at)
    }

    /// Code by its hash. Code outlives the block and the account that brought it.
    pub fn code(&self, hash: &B256) -> Result<Option<Bytes>> {
        if *hash == KECCAK256_EMPTY {
            return Ok(Some(Bytes::new()));
        }
        Ok(self.view.blocks.codes.get(&hash.0)?.map(|code| Bytes::copy_from_slice(code.value())))
    }

    fn header_record(&self, number: u64) -> Result<Option<(B256, Bytes)>> {
        let Some(record) = self.view.blocks.headers.get(number)? else { return Ok(None) };
        let Some((hash, header)) = record.value().split_first_chunk() else {
            return Err(Error::corrupt("headers", format!("of block {number}")));
        };
        Ok(Some((B256::new(*hash), Bytes::copy_from_slice(header))))
    }

    /// Whether the state at a block can be read.
    fn admit(&self, asked: u64) -> Result<()> {
        let head = self.head().ok_or(Error::Empty)?;
        let floor = self.history_floor();
        if asked < floor || asked > head {
            return Err(Error::BeyondHistory { floor, head, asked });
        }
        Ok(())
    }
}
