//! Whole blocks, from which proofs are made.

use alloy_primitives::{B256, Bytes};
use duplex_primitives::Header;

use crate::{
    error::BlockError,
    ordered::OrderedTrie,
    proof::{ItemProof, Proof},
};

/// A block whose transactions and receipts are those of its header.
#[derive(Debug, Clone)]
pub struct Block {
    header: Header,
    hash: B256,
    transactions: Vec<Bytes>,
    receipts: Vec<Bytes>,
    transactions_trie: OrderedTrie,
    receipts_trie: OrderedTrie,
}

impl Block {
    /// Puts a block together. Items are EIP-2718 bytes.
    ///
    /// # Errors
    /// If the parts are not of one block.
    pub fn new(header: Header, transactions: Vec<Bytes>, receipts: Vec<Bytes>) -> Result<Self, BlockError> {
        let block = header.hash_slow();
        let (transactions_trie, receipts_trie) =
            (OrderedTrie::new(&transactions), OrderedTrie::new(&receipts));
        let (expected, actual) = (header.transactions_root, transactions_trie.root());
        if expected != actual {
            return Err(BlockError::Transactions { block, expected, actual });
        }
        let (expected, actual) = (header.receipts_root, receipts_trie.root());
        if expected != actual {
            return Err(BlockError::Receipts { block, expected, actual });
        }
        Ok(Self { header, hash: block, transactions, receipts, transactions_trie, receipts_trie })
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Hash of the header.
    pub const fn hash(&self) -> B256 {
        self.hash
    }

    /// The transactions, as their trie holds them.
    pub fn transactions(&self) -> &[Bytes] {
        &self.transactions
    }

    /// The receipts, as their trie holds them.
    pub fn receipts(&self) -> &[Bytes] {
        &self.receipts
    }

    /// Index of a transaction.
    pub fn index_of(&self, transaction: B256) -> Option<usize> {
        self.transactions.iter().position(|raw| alloy_primitives::keccak256(raw) == transaction)
    }

    /// Proves that a transaction was included.
    ///
    /// # Errors
    /// If there is none of this index.
    pub fn prove_transaction(&self, index: usize) -> Result<Proof, BlockError> {
        self.item(&self.transactions, &self.transactions_trie, index).map(Proof::Transaction)
    }

    /// Proves a transaction's receipt, and so every event in it.
    ///
    /// # Errors
    /// If there is none of this index.
    pub fn prove_receipt(&self, index: usize) -> Result<Proof, BlockError> {
        self.item(&self.receipts, &self.receipts_trie, index).map(Proof::Receipt)
    }

    fn item(&self, items: &[Bytes], trie: &OrderedTrie, index: usize) -> Result<ItemProof, BlockError> {
        let (block, count) = (self.header.number, items.len());
        let value = items.get(index).ok_or(BlockError::NoSuchIndex { block, count, index })?;
        Ok(ItemProof {
            header: alloy_rlp::encode(&self.header).into(),
            index: index as u64,
            value: value.clone(),
            proof: trie.proof(index),
        })
    }
}
