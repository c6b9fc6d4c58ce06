//! What a transaction costs in L1 data.
//!
//! The loads are made up but not made easy: each transaction has a real signature, by one of a
//! thousand keys in no order; seven of ten recipients were never seen before, the others come from
//! two thousand known ones; six of ten values have eighteen digits that look random, the others are
//! round; fees move with every block as wallets set them. Everything follows from a seed.

use core::fmt;
use std::time::Instant;

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxLegacy};
use alloy_eips::{
    eip2718::Encodable2718,
    eip2930::{AccessList, AccessListItem},
};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use duplex_l1::{blobs_gas, calldata_gas};
use duplex_primitives::{BatchContent, BlockContent, Transaction, blob};
use rayon::prelude::*;
use serde::Serialize;

use crate::{BenchError, keys, token::transfer_call};

const CHAIN_ID: u64 = 42_424;
/// Transactions of a block, and blocks that share an anchor.
const PER_BLOCK: usize = 100;
const BLOCKS_PER_ANCHOR: u64 = 12;
const SENDERS: u32 = 1000;
const KNOWN: u64 = 2000;
/// Longest data of a batch in calldata (`maxBatchData`).
const CALLDATA_LIMIT: usize = 125_000;
/// Blob gas of a blob (EIP-4844).
const BLOB_GAS: u64 = 131_072;
/// As the batcher compresses.
const QUALITY: i32 = 5;

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct DaLoad {
    /// Transactions of each load.
    pub transactions: usize,
    /// Where randomness comes from.
    pub seed: u64,
}

/// One load.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DaRow {
    /// Which.
    pub load: &'static str,
    /// Bytes per transaction as RLP.
    pub rlp: f64,
    /// Bytes per transaction as RLP, compressed with brotli.
    pub rlp_brotli: f64,
    /// Bytes per transaction as columns, compressed with brotli: what Duplex posts.
    pub columns_brotli: f64,
    /// L1 gas per transaction of RLP in calldata.
    pub gas_rlp: f64,
    /// L1 gas per transaction of compressed RLP in calldata.
    pub gas_rlp_brotli: f64,
    /// L1 gas per transaction of a full batch in calldata.
    pub gas_calldata: f64,
    /// L1 gas per transaction of a full batch in blobs, besides blob gas.
    pub gas_blobs: f64,
    /// Blob gas per transaction of a full batch in blobs.
    pub blob_gas: f64,
    /// Transactions of a full batch in calldata, and in blobs.
    pub batch: (usize, usize),
    /// Microseconds per transaction to encode and compress.
    pub micros: f64,
}

/// What a transaction costs in L1 data.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DaReport {
    /// Transactions of each load.
    pub transactions: usize,
    /// The loads.
    pub rows: Vec<DaRow>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Eth,
    Erc20,
    Swap,
    Other,
}

/// Which kind comes next, by a number below 100.
type Mix = fn(u64) -> Kind;

/// Numbers that look random.
struct Noise(B256);

impl Noise {
    fn word(&mut self) -> B256 {
        self.0 = keccak256(self.0);
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        let word = self.word();
        u64::from_be_bytes([word[0], word[1], word[2], word[3], word[4], word[5], word[6], word[7]]) % limit
    }
}

/// A transaction before it is signed.
struct Draft {
    sender: usize,
    nonce: u64,
    kind: Kind,
    to: Address,
    value: U256,
    fee: u128,
    tip: u128,
    words: [B256; 4],
}

impl DaLoad {
    /// Makes the loads and encodes them.
    ///
    /// # Errors
    /// If a transaction cannot be signed or encoded.
    pub fn run(&self) -> Result<DaReport, BenchError> {
        let mixes: [(&'static str, Mix); 3] = [
            ("ETH transfers", |_| Kind::Eth),
            ("ERC-20 transfers", |_| Kind::Erc20),
            ("mixed", |roll| match roll {
                0..50 => Kind::Eth,
                50..85 => Kind::Erc20,
                85..95 => Kind::Swap,
                _ => Kind::Other,
            }),
        ];
        let rows = mixes.into_iter().map(|(name, mix)| self.row(name, mix)).collect::<Result<_, _>>()?;
        Ok(DaReport { transactions: self.transactions, rows })
    }

    fn transactions(&self, mix: Mix) -> Result<Vec<Transaction>, BenchError> {
        let seed = keccak256(self.seed.to_be_bytes());
        let senders = keys::senders(seed, 0, SENDERS)?;
        let mut noise = Noise(seed);
        let mut nonces: Vec<u64> = (0..SENDERS).map(|_| noise.below(400)).collect();
        let mut drafts = Vec::with_capacity(self.transactions);
        let mut base = 1_500_000u128;
        for i in 0..self.transactions {
            if i % PER_BLOCK == 0 {
                base = base * u128::from(9500 + noise.below(1000)) / 10_000;
            }
            let sender = noise.below(u64::from(SENDERS)) as usize;
            nonces[sender] += 1;
            let kind = mix(noise.below(100));
            let to = match noise.below(10) {
                0..7 => Address::from_word(noise.word()),
                _ => Address::from_word(keccak256(noise.below(KNOWN).to_be_bytes())),
            };
            let value = match noise.below(10) {
                0..6 => U256::from(noise.below(5_000_000_000_000_000_000)),
                _ => U256::from(1 + noise.below(500)) * U256::from(10_000_000_000_000_000u64),
            };
            let tip = [100_000, 1_000_000, 1_500_000_000][noise.below(3) as usize];
            let words = core::array::from_fn(|_| noise.word());
            let (nonce, fee) = (nonces[sender], base * 2 + tip);
            drafts.push(Draft { sender, nonce, kind, to, value, fee, tip, words });
        }
        drafts.par_iter().map(|draft| sign(&senders[draft.sender], draft)).collect()
    }

    fn row(&self, load: &'static str, mix: Mix) -> Result<DaRow, BenchError> {
        let txs = self.transactions(mix)?;
        let count = txs.len() as f64;
        let raw: Vec<Vec<u8>> = txs.iter().map(Encodable2718::encoded_2718).collect();
        let rlp = rlp_list(&raw);
        let squeezed = brotli(&rlp)?;
        let started = Instant::now();
        let columns = encode(&txs)?;
        let micros = started.elapsed().as_secs_f64() * 1e6 / count;
        // Full batches, as the batcher makes them.
        let in_calldata = fitting(&txs, CALLDATA_LIMIT)?;
        let in_blobs = fitting(&txs, blob::MAX_BLOBS * blob::PAYLOAD - blob::LENGTH_PREFIX)?;
        let blobs = blob::count(in_blobs.1) as u64;
        Ok(DaRow {
            load,
            rlp: rlp.len() as f64 / count,
            rlp_brotli: squeezed.len() as f64 / count,
            columns_brotli: columns.len() as f64 / count,
            gas_rlp: floor_gas(&rlp) as f64 / count,
            gas_rlp_brotli: floor_gas(&squeezed) as f64 / count,
            gas_calldata: calldata_gas(in_calldata.1) as f64 / in_calldata.0 as f64,
            gas_blobs: blobs_gas() as f64 / in_blobs.0 as f64,
            blob_gas: (blobs * BLOB_GAS) as f64 / in_blobs.0 as f64,
            batch: (in_calldata.0, in_blobs.0),
            micros,
        })
    }
}

fn sign(key: &PrivateKeySigner, draft: &Draft) -> Result<Transaction, BenchError> {
    let Draft { nonce, to, value, fee, tip, words, .. } = draft;
    let known = |seed: u64| Address::from_word(keccak256(seed.to_be_bytes()));
    let base = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce: *nonce,
        gas_limit: 21_000,
        max_fee_per_gas: *fee,
        max_priority_fee_per_gas: *tip,
        to: (*to).into(),
        value: *value,
        access_list: AccessList::default(),
        input: Bytes::new(),
    };
    let tx: Transaction = match draft.kind {
        Kind::Eth => Transaction::Ethereum(base.clone().into_signed(sign_hash(key, &base)?).into()),
        Kind::Erc20 => {
            let input = transfer_call(*to, *value).into();
            let token = known(1 + nonce % 8);
            let tx = TxEip1559 { gas_limit: 65_000, to: token.into(), value: U256::ZERO, input, ..base };
            Transaction::Ethereum(tx.clone().into_signed(sign_hash(key, &tx)?).into())
        }
        Kind::Swap => {
            // A router's call: amounts, a path of two tokens, the recipient, a deadline.
            let mut input = keccak256("swap").as_slice()[..4].to_vec();
            for word in [
                B256::from(*value),
                B256::from(*value * U256::from(997) / U256::from(1000)),
                B256::from(U256::from(0xa0)),
                key.address().into_word(),
                B256::from(U256::from(1_800_000_000 + nonce)),
                B256::from(U256::from(2)),
                known(1).into_word(),
                known(2 + nonce % 7).into_word(),
            ] {
                input.extend_from_slice(word.as_slice());
            }
            let tx = TxEip1559 {
                gas_limit: 180_000,
                to: known(99).into(),
                value: U256::ZERO,
                input: input.into(),
                ..base
            };
            Transaction::Ethereum(tx.clone().into_signed(sign_hash(key, &tx)?).into())
        }
        Kind::Other if nonce % 2 == 0 => {
            let tx = TxLegacy {
                chain_id: Some(CHAIN_ID),
                nonce: *nonce,
                gas_price: *fee,
                gas_limit: 21_000,
                to: (*to).into(),
                value: *value,
                input: Bytes::new(),
            };
            Transaction::Ethereum(tx.clone().into_signed(sign_hash(key, &tx)?).into())
        }
        Kind::Other => {
            let item = AccessListItem { address: known(1), storage_keys: vec![words[0], words[1]] };
            let tx = TxEip2930 {
                chain_id: CHAIN_ID,
                nonce: *nonce,
                gas_price: *fee,
                gas_limit: 120_000,
                to: known(98).into(),
                value: U256::ZERO,
                access_list: AccessList(vec![item]),
                input: Bytes::copy_from_slice(&[words[2].as_slice(), words[3].as_slice()].concat()),
            };
            Transaction::Ethereum(tx.clone().into_signed(sign_hash(key, &tx)?).into())
        }
    };
    Ok(tx)
}

fn sign_hash<T: SignableTransaction<alloy_primitives::Signature>>(
    key: &PrivateKeySigner,
    tx: &T,
) -> Result<alloy_primitives::Signature, BenchError> {
    Ok(key.sign_hash_sync(&tx.signature_hash())?)
}

/// The transactions as the data of one batch.
fn encode(txs: &[Transaction]) -> Result<Vec<u8>, BenchError> {
    let blocks = txs
        .chunks(PER_BLOCK)
        .enumerate()
        .map(|(i, txs)| BlockContent {
            timestamp_delta: 1,
            anchor_delta: u64::from((i as u64).is_multiple_of(BLOCKS_PER_ANCHOR)),
            messages: 0,
            transactions: txs.to_vec(),
        })
        .collect();
    Ok(BatchContent { blocks }.encode(CHAIN_ID)?)
}

/// How many transactions fit a batch of `limit` bytes, and how long it is then.
fn fitting(txs: &[Transaction], limit: usize) -> Result<(usize, usize), BenchError> {
    let (mut low, mut high) = (1, txs.len());
    let mut best = (1, encode(&txs[..1])?.len());
    while low <= high {
        let middle = low + (high - low) / 2;
        let len = encode(&txs[..middle])?.len();
        if len <= limit {
            best = (middle, len);
            low = middle + 1;
        } else {
            high = middle - 1;
        }
    }
    Ok(best)
}

fn rlp_list(items: &[Vec<u8>]) -> Vec<u8> {
    let items: Vec<Bytes> = items.iter().map(|item| Bytes::copy_from_slice(item)).collect();
    alloy_rlp::encode(&items)
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>, BenchError> {
    let params = brotli::enc::BrotliEncoderParams {
        quality: QUALITY,
        lgwin: 20,
        size_hint: bytes.len(),
        ..Default::default()
    };
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &bytes[..], &mut out, &params).map_err(BenchError::Compress)?;
    Ok(out)
}

/// EIP-7623: 10 gas for a zero byte, 40 for another.
fn floor_gas(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| if *byte == 0 { 10 } else { 40 }).sum()
}

impl fmt::Display for DaReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "L1 data of a transaction ({} transactions of each kind)", self.transactions)?;
        writeln!(f)?;
        writeln!(f, "bytes                   RLP   RLP+brotli   Duplex   encoding")?;
        for row in &self.rows {
            writeln!(
                f,
                "{:<18}{:>9.1}{:>13.1}{:>9.1}{:>8.1} us",
                row.load, row.rlp, row.rlp_brotli, row.columns_brotli, row.micros
            )?;
        }
        writeln!(f)?;
        writeln!(f, "L1 gas                  RLP   RLP+brotli   Duplex   in blobs        batch")?;
        for row in &self.rows {
            writeln!(
                f,
                "{:<18}{:>9.0}{:>13.0}{:>9.0}{:>6.0} + {:>4.0} blob gas  {} / {} txs",
                row.load,
                row.gas_rlp,
                row.gas_rlp_brotli,
                row.gas_calldata,
                row.gas_blobs,
                row.blob_gas,
                row.batch.0,
                row.batch.1
            )?;
        }
        writeln!(f)?;
        write!(
            f,
            "RLP columns: calldata alone, at the floor price. Duplex: whole transactions with full batches."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loads_are_valid_and_the_same_every_time() {
        let load = DaLoad { transactions: 300, seed: 7 };
        let mix = |roll| [Kind::Eth, Kind::Erc20, Kind::Swap, Kind::Other][roll as usize % 4];
        let txs = load.transactions(mix).unwrap();
        assert_eq!(txs, load.transactions(mix).unwrap());
        assert!(txs.iter().all(|tx| tx.sender().is_some()));
        let decoded = BatchContent::decode(&encode(&txs).unwrap(), CHAIN_ID).unwrap();
        let back: Vec<Transaction> =
            decoded.blocks.into_iter().flat_map(|block| block.transactions).collect();
        assert_eq!(back, txs);
    }

    #[test]
    fn full_batches_are_full() {
        let load = DaLoad { transactions: 400, seed: 7 };
        let txs = load.transactions(|_| Kind::Eth).unwrap();
        let (count, len) = fitting(&txs, 10_000).unwrap();
        assert!(len <= 10_000 && encode(&txs[..count + 1]).unwrap().len() > 10_000);
        assert_eq!(floor_gas(&[0, 1, 2]), 90);
    }
}
