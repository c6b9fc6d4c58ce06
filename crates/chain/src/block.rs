//! A block with everything that is derived from it.

use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bytes};
use alloy_rlp::{Decodable, Encodable};
use duplex_primitives::{Block, BlockBody, Header, Receipt, RecoveredBlock, Transaction};
use duplex_stf::Changes;
use duplex_storage::{BlockRecord, Reader};
use duplex_trie::NodeUpdates;

use crate::ChainError;

/// A block, its senders and its receipts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockData {
    /// Block, hash and senders.
    pub recovered: RecoveredBlock,
    /// One receipt per transaction.
    pub receipts: Vec<Receipt>,
    /// Hashes of the transactions.
    pub tx_hashes: Vec<B256>,
}

impl BlockData {
    /// The header.
    pub const fn header(&self) -> &Header {
        &self.recovered.block.header
    }

    /// The block number.
    pub const fn number(&self) -> u64 {
        self.recovered.block.header.number
    }

    /// The block hash.
    pub const fn hash(&self) -> B256 {
        self.recovered.hash
    }

    /// The transactions.
    pub fn transactions(&self) -> &[Transaction] {
        &self.recovered.block.body.transactions
    }

    /// Gas used by the transaction at `index` alone.
    pub fn gas_used(&self, index: usize) -> u64 {
        let before = index.checked_sub(1).map_or(0, |i| self.receipts[i].cumulative_gas_used);
        self.receipts[index].cumulative_gas_used - before
    }

    /// Index of the first log of the transaction at `index` within the block.
    pub fn first_log(&self, index: usize) -> u64 {
        self.receipts[..index].iter().map(|receipt| receipt.logs.len() as u64).sum()
    }

    /// Bytes of all transactions, as they would go into a batch.
    pub fn transaction_bytes(&self) -> usize {
        self.transactions().iter().map(Encodable2718::encode_2718_len).sum()
    }

    pub(crate) fn new(recovered: RecoveredBlock, receipts: Vec<Receipt>) -> Self {
        let tx_hashes = recovered.block.body.transactions.iter().map(Transaction::hash).collect();
        Self { recovered, receipts, tx_hashes }
    }

    pub(crate) fn record(&self, changes: &Changes, nodes: NodeUpdates) -> BlockRecord {
        let block = &self.recovered.block;
        BlockRecord {
            number: self.number(),
            hash: self.hash(),
            header: encode(&block.header),
            body: encode(&block.body),
            receipts: encode(&self.receipts),
            senders: self.recovered.senders.clone(),
            tx_hashes: self.tx_hashes.clone(),
            state: changes.state.clone(),
            nodes,
            codes: changes.codes.clone(),
        }
    }

    /// Reads a block that the database must hold.
    pub(crate) fn read(reader: &Reader, number: u64) -> Result<Option<Self>, ChainError> {
        let Some(header) = reader.header(number)? else { return Ok(None) };
        let bad = |what| ChainError::Corrupt { number, what };
        let header: Header = decode(&header).ok_or(bad("header"))?;
        let body: BlockBody = reader.body(number)?.as_ref().and_then(decode).ok_or(bad("body"))?;
        let receipts: Vec<Receipt> =
            reader.receipts(number)?.as_ref().and_then(decode).ok_or(bad("receipts"))?;
        let hash = reader.hash_of(number)?.ok_or(bad("hash"))?;
        let senders = reader.senders(number)?.ok_or(bad("senders"))?;
        if receipts.len() != body.transactions.len() || senders.len() != body.transactions.len() {
            return Err(bad("lengths"));
        }
        let recovered = RecoveredBlock { block: Block { header, body }, hash, senders };
        Ok(Some(Self::new(recovered, receipts)))
    }
}

pub(crate) fn encode(value: &impl Encodable) -> Bytes {
    alloy_rlp::encode(value).into()
}

pub(crate) fn decode<T: Decodable>(bytes: &Bytes) -> Option<T> {
    let mut rest = &bytes[..];
    let value = T::decode(&mut rest).ok()?;
    rest.is_empty().then_some(value)
}
