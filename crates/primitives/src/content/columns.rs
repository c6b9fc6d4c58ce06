//! The columns of a batch.

use alloc::vec::Vec;
use alloy_consensus::{
    EthereumTxEnvelope, Signed, Transaction as _, TxEip1559, TxEip2930, TxEip7702, TxLegacy, Typed2718,
};
use alloy_eips::{eip2930::AccessList, eip7702::SignedAuthorization};
use alloy_primitives::{Address, Bytes, Signature, TxKind, U256};
use alloy_rlp::{Decodable, Encodable};

use super::{BatchContent, BlockContent, ContentError, MAX_BLOCKS};
use crate::Transaction;

/// Bits of the kind column above the EIP-2718 type.
const CREATE: u8 = 0x10;
const Y_PARITY: u8 = 0x20;
/// A legacy transaction without chain id (before EIP-155).
const UNPROTECTED: u8 = 0x40;
const TYPE: u8 = 0x0f;

/// Bytes that a block has in the block columns at least.
const MIN_BLOCK: usize = 4;
/// Bytes that a transaction has in its columns at least: kind, nonce, gas limit, fee, value, data
/// length, signature.
const MIN_TRANSACTION: usize = 6 + 64;
/// What an empty RLP list would be; empty lists have no bytes here.
const EMPTY_LIST: &[u8] = &[0xc0];

/// Appends values to columns.
#[derive(Debug, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    /// LEB128: seven bits a byte, lowest first.
    pub(crate) fn varint(&mut self, mut value: u128) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u128);
        self.0.extend_from_slice(bytes);
    }

    fn word(&mut self, value: U256) {
        let bytes = value.to_be_bytes::<32>();
        let skip = value.leading_zeros() / 8;
        self.0.push((32 - skip) as u8);
        self.0.extend_from_slice(&bytes[skip..]);
    }
}

/// Takes values from columns. Every failure names the column.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) rest: &'a [u8],
    pub(crate) column: &'static str,
}

impl<'a> Reader<'a> {
    const fn bad(&self) -> ContentError {
        ContentError::Column(self.column)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], ContentError> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(self.bad())?;
        self.rest = rest;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, ContentError> {
        Ok(self.take(1)?[0])
    }

    /// Only the shortest form is valid, so that every value has one encoding.
    pub(crate) fn varint(&mut self) -> Result<u128, ContentError> {
        let mut value = 0u128;
        for shift in (0..128).step_by(7) {
            let byte = self.byte()?;
            let bits = u128::from(byte & 0x7f);
            if shift > 121 && bits >> (128 - shift) != 0 {
                return Err(self.bad());
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return if byte == 0 && shift > 0 { Err(self.bad()) } else { Ok(value) };
            }
        }
        Err(self.bad())
    }

    fn number(&mut self) -> Result<u64, ContentError> {
        u64::try_from(self.varint()?).map_err(|_| self.bad())
    }

    /// A count of things that take at least `each` bytes, so that a count that lies is found out
    /// before anything is allocated for it.
    fn count(&mut self, each: usize) -> Result<usize, ContentError> {
        let count = self.varint()?;
        if count > (self.rest.len() / each) as u128 { Err(self.bad()) } else { Ok(count as usize) }
    }

    fn bytes(&mut self) -> Result<&'a [u8], ContentError> {
        let len = self.count(1)?;
        self.take(len)
    }

    fn word(&mut self) -> Result<U256, ContentError> {
        let len = usize::from(self.byte()?);
        let bytes = self.take(len)?;
        if len > 32 || bytes.first() == Some(&0) {
            return Err(self.bad());
        }
        Ok(U256::from_be_slice(bytes))
    }

    /// A list; an empty one has no bytes at all, and only that form is valid.
    fn list<T: Decodable + Default>(&mut self) -> Result<T, ContentError> {
        let mut bytes = self.bytes()?;
        if bytes.is_empty() {
            return Ok(T::default());
        }
        if bytes == EMPTY_LIST {
            return Err(self.bad());
        }
        let value = T::decode(&mut bytes).map_err(|_| self.bad())?;
        if bytes.is_empty() { Ok(value) } else { Err(self.bad()) }
    }

    fn column<T>(
        &mut self,
        name: &'static str,
        len: usize,
        mut read: impl FnMut(&mut Self, usize) -> Result<T, ContentError>,
    ) -> Result<Vec<T>, ContentError> {
        self.column = name;
        let mut out = Vec::with_capacity(len);
        for i in 0..len {
            out.push(read(self, i)?);
        }
        Ok(out)
    }
}

/// What the columns need of a transaction, apart from what [`alloy_consensus::Transaction`] says.
fn parts(tx: &Transaction, chain_id: u64) -> Result<(u8, &Signature), ContentError> {
    let unsupported = |why| ContentError::Unsupported { hash: tx.hash(), why };
    let Transaction::Ethereum(inner) = tx else {
        return Err(unsupported("deposits come from L1 messages"));
    };
    if inner.is_eip4844() {
        return Err(unsupported("L2 has no blobs"));
    }
    let mut kind = inner.ty();
    match inner.chain_id() {
        Some(id) if id != chain_id => return Err(unsupported("it is signed for another chain")),
        None => kind |= UNPROTECTED,
        _ => {}
    }
    if inner.kind().is_create() {
        kind |= CREATE;
    }
    if inner.signature().v() {
        kind |= Y_PARITY;
    }
    Ok((kind, inner.signature()))
}

pub(super) fn encode(content: &BatchContent, chain_id: u64) -> Result<Vec<u8>, ContentError> {
    let mut w = Writer::default();
    let blocks = &content.blocks;
    w.varint(blocks.len() as u128);
    blocks.iter().for_each(|b| w.varint(b.timestamp_delta.into()));
    blocks.iter().for_each(|b| w.varint(b.anchor_delta.into()));
    blocks.iter().for_each(|b| w.varint(b.messages.into()));
    blocks.iter().for_each(|b| w.varint(b.transactions.len() as u128));

    let txs = || blocks.iter().flat_map(|b| &b.transactions);
    let parts = txs().map(|tx| parts(tx, chain_id)).collect::<Result<Vec<_>, _>>()?;
    parts.iter().for_each(|(kind, _)| w.0.push(*kind));
    txs().for_each(|tx| w.varint(tx.nonce().into()));
    txs().for_each(|tx| w.varint(tx.gas_limit().into()));
    txs().for_each(|tx| w.varint(tx.max_fee_per_gas()));
    txs().filter_map(|tx| tx.max_priority_fee_per_gas()).for_each(|fee| w.varint(fee));
    txs().filter_map(|tx| tx.to()).for_each(|to| w.0.extend_from_slice(to.as_slice()));
    txs().for_each(|tx| w.word(tx.value()));
    txs().for_each(|tx| w.varint(tx.input().len() as u128));
    txs().for_each(|tx| w.0.extend_from_slice(tx.input()));
    let mut rlp = Vec::new();
    for list in txs().filter_map(|tx| tx.access_list()) {
        rlp.clear();
        if !list.is_empty() {
            list.encode(&mut rlp);
        }
        w.bytes(&rlp);
    }
    for list in txs().filter_map(|tx| tx.authorization_list()) {
        rlp.clear();
        if !list.is_empty() {
            list.to_vec().encode(&mut rlp);
        }
        w.bytes(&rlp);
    }
    for (_, signature) in &parts {
        w.0.extend_from_slice(&signature.r().to_be_bytes::<32>());
        w.0.extend_from_slice(&signature.s().to_be_bytes::<32>());
    }
    Ok(w.0)
}

pub(super) fn decode(columns: &[u8], chain_id: u64) -> Result<BatchContent, ContentError> {
    let mut r = Reader { rest: columns, column: "block count" };
    let count = r.count(MIN_BLOCK)?;
    if count > MAX_BLOCKS {
        return Err(r.bad());
    }
    let timestamps = r.column("timestamps", count, |r, _| r.number())?;
    let anchors = r.column("anchors", count, |r, _| r.number())?;
    let messages = r.column("messages", count, |r, _| r.number())?;
    let sizes = r.column("block sizes", count, |r, _| r.count(MIN_TRANSACTION))?;
    let total = sizes.iter().try_fold(0usize, |sum, size| sum.checked_add(*size)).ok_or(r.bad())?;
    if total > r.rest.len() / MIN_TRANSACTION {
        return Err(r.bad());
    }
    let txs = decode_transactions(&mut r, total, chain_id)?;
    if !r.rest.is_empty() {
        return Err(ContentError::Surplus(r.rest.len()));
    }
    let mut txs = txs.into_iter();
    let blocks = (0..count)
        .map(|i| BlockContent {
            timestamp_delta: timestamps[i],
            anchor_delta: anchors[i],
            messages: messages[i],
            transactions: txs.by_ref().take(sizes[i]).collect(),
        })
        .collect();
    Ok(BatchContent { blocks })
}

fn decode_transactions(r: &mut Reader<'_>, len: usize, id: u64) -> Result<Vec<Transaction>, ContentError> {
    let kinds = r.column("kinds", len, |r, _| {
        let kind = r.byte()?;
        let known = matches!(kind & TYPE, 0 | 1 | 2 | 4) && kind & 0x80 == 0;
        let unprotected = kind & UNPROTECTED != 0 && kind & TYPE != 0;
        let delegating_create = kind & TYPE == 4 && kind & CREATE != 0;
        if known && !unprotected && !delegating_create { Ok(kind) } else { Err(r.bad()) }
    })?;
    let has = |i: usize, types: &[u8]| types.contains(&(kinds[i] & TYPE));
    let nonces = r.column("nonces", len, |r, _| r.number())?;
    let gas_limits = r.column("gas limits", len, |r, _| r.number())?;
    let fees = r.column("fees", len, |r, _| r.varint())?;
    let tips = r.column("tips", len, |r, i| if has(i, &[2, 4]) { r.varint() } else { Ok(0) })?;
    let targets = r.column("targets", len, |r, i| {
        if kinds[i] & CREATE != 0 {
            return Ok(TxKind::Create);
        }
        Ok(TxKind::Call(Address::from_slice(r.take(20)?)))
    })?;
    let values = r.column("values", len, |r, _| r.word())?;
    let lengths = r.column("data lengths", len, |r, _| r.count(1))?;
    let inputs = r.column("data", len, |r, i| Ok(Bytes::copy_from_slice(r.take(lengths[i])?)))?;
    let access: Vec<AccessList> =
        r.column(
            "access lists",
            len,
            |r, i| if has(i, &[1, 2, 4]) { r.list() } else { Ok(AccessList::default()) },
        )?;
    let authorizations: Vec<Vec<SignedAuthorization>> =
        r.column("authorizations", len, |r, i| if has(i, &[4]) { r.list() } else { Ok(Vec::new()) })?;
    let signatures = r.column("signatures", len, |r, i| {
        let (sig_r, sig_s) = (U256::from_be_slice(r.take(32)?), U256::from_be_slice(r.take(32)?));
        Ok(Signature::new(sig_r, sig_s, kinds[i] & Y_PARITY != 0))
    })?;

    let mut out = Vec::with_capacity(len);
    let lists = inputs.into_iter().zip(access).zip(authorizations).enumerate();
    for (i, ((input, access_list), authorization_list)) in lists {
        let (nonce, gas_limit, value, to) = (nonces[i], gas_limits[i], values[i], targets[i]);
        let (fee, tip, signature) = (fees[i], tips[i], signatures[i]);
        // Without their hashes, which `into` would compute: who wants one does.
        let tx = match kinds[i] & TYPE {
            0 => {
                let chain_id = (kinds[i] & UNPROTECTED == 0).then_some(id);
                let tx = TxLegacy { chain_id, nonce, gas_price: fee, gas_limit, to, value, input };
                EthereumTxEnvelope::Legacy(Signed::new_unhashed(tx, signature))
            }
            1 => {
                let tx = TxEip2930 {
                    chain_id: id,
                    nonce,
                    gas_price: fee,
                    gas_limit,
                    to,
                    value,
                    access_list,
                    input,
                };
                EthereumTxEnvelope::Eip2930(Signed::new_unhashed(tx, signature))
            }
            2 => {
                let tx = TxEip1559 {
                    chain_id: id,
                    nonce,
                    gas_limit,
                    max_fee_per_gas: fee,
                    max_priority_fee_per_gas: tip,
                    to,
                    value,
                    access_list,
                    input,
                };
                EthereumTxEnvelope::Eip1559(Signed::new_unhashed(tx, signature))
            }
            _ => {
                let tx = TxEip7702 {
                    chain_id: id,
                    nonce,
                    gas_limit,
                    max_fee_per_gas: fee,
                    max_priority_fee_per_gas: tip,
                    to: to.into_to().unwrap_or_default(),
                    value,
                    access_list,
                    authorization_list,
                    input,
                };
                EthereumTxEnvelope::Eip7702(Signed::new_unhashed(tx, signature))
            }
        };
        out.push(Transaction::Ethereum(tx));
    }
    Ok(out)
}
