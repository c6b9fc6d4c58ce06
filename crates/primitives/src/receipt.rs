//! Receipts of both chains.

use alloc::vec::Vec;
use alloy_consensus::{Typed2718, proofs::ordered_trie_root_with_encoder};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{B256, Bloom, Log, logs_bloom};
use alloy_rlp::{BufMut, Decodable, Encodable, Header, RlpDecodable, RlpEncodable};

/// Deposit receipts commit to the sender's nonce since version 1 of their form.
const DEPOSIT_RECEIPT_VERSION: u64 = 1;

/// The receipt of one transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    /// EIP-2718 type of the transaction.
    pub tx_type: u8,
    /// True if the top-level call did not revert.
    pub success: bool,
    /// Gas used in the block up to and including this transaction.
    pub cumulative_gas_used: u64,
    /// What the transaction emitted.
    pub logs: Vec<Log>,
    /// For deposits: the sender's nonce before the transaction.
    pub deposit_nonce: Option<u64>,
}

/// The form in which receipts are stored: no bloom, since it follows from the logs.
#[derive(RlpEncodable, RlpDecodable)]
struct Stored {
    tx_type: u8,
    success: bool,
    cumulative_gas_used: u64,
    logs: Vec<Log>,
    deposit_nonce_plus_one: u64,
}

impl Receipt {
    /// The 2048-bit bloom filter over the logs.
    pub fn bloom(&self) -> Bloom {
        logs_bloom(self.logs.iter())
    }

    fn payload_length(&self, bloom: &Bloom) -> usize {
        let deposit = self.deposit_nonce.map_or(0, |n| n.length() + DEPOSIT_RECEIPT_VERSION.length());
        self.success.length()
            + self.cumulative_gas_used.length()
            + bloom.length()
            + self.logs.length()
            + deposit
    }

    fn encode_list(&self, out: &mut dyn BufMut) {
        let bloom = self.bloom();
        Header { list: true, payload_length: self.payload_length(&bloom) }.encode(out);
        self.success.encode(out);
        self.cumulative_gas_used.encode(out);
        bloom.encode(out);
        self.logs.encode(out);
        if let Some(nonce) = self.deposit_nonce {
            nonce.encode(out);
            DEPOSIT_RECEIPT_VERSION.encode(out);
        }
    }
}

impl Typed2718 for Receipt {
    fn ty(&self) -> u8 {
        self.tx_type
    }
}

impl Encodable2718 for Receipt {
    fn encode_2718_len(&self) -> usize {
        let payload = self.payload_length(&Bloom::ZERO);
        usize::from(self.tx_type != 0) + payload + alloy_rlp::length_of_length(payload)
    }

    fn encode_2718(&self, out: &mut dyn BufMut) {
        if self.tx_type != 0 {
            out.put_u8(self.tx_type);
        }
        self.encode_list(out);
    }
}

impl Encodable for Receipt {
    /// The form for storage; [`Encodable2718`] is the one that roots commit to.
    fn encode(&self, out: &mut dyn BufMut) {
        Stored {
            tx_type: self.tx_type,
            success: self.success,
            cumulative_gas_used: self.cumulative_gas_used,
            logs: self.logs.clone(),
            deposit_nonce_plus_one: self.deposit_nonce.map_or(0, |nonce| nonce.saturating_add(1)),
        }
        .encode(out);
    }
}

impl Decodable for Receipt {
    fn decode(buf: &mut &[u8]) -> alloy_rlp::Result<Self> {
        let stored = Stored::decode(buf)?;
        Ok(Self {
            tx_type: stored.tx_type,
            success: stored.success,
            cumulative_gas_used: stored.cumulative_gas_used,
            logs: stored.logs,
            deposit_nonce: stored.deposit_nonce_plus_one.checked_sub(1),
        })
    }
}

/// The Merkle-Patricia root over receipts by index.
pub fn receipts_root(receipts: &[Receipt]) -> B256 {
    ordered_trie_root_with_encoder(receipts, |receipt, out| receipt.encode_2718(out))
}
