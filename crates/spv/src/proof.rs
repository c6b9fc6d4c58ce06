//! The proofs themselves, and what they show.

use alloy_consensus::TxType;
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::Decodable;
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};
use duplex_primitives::{Header, Transaction};
use serde::{Deserialize, Serialize};

use crate::{
    error::ProofError,
    receipt::Receipt,
    walk::{nibbles, walk},
};

/// A proof of something in a block, in the form in which files have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Proof {
    /// A transaction was included.
    Transaction(ItemProof),
    /// A transaction had this receipt.
    Receipt(ItemProof),
    /// An account and some of its slots were so after the block.
    Storage(StorageProof),
}

/// A proof of an item of one of a block's two lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemProof {
    /// The header, RLP.
    pub header: Bytes,
    /// The item's index in the block.
    pub index: u64,
    /// The item: EIP-2718 bytes.
    pub value: Bytes,
    /// Trie nodes from the root to it.
    pub proof: Vec<Bytes>,
}

/// A proof of an account and some of its slots (EIP-1186).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StorageProof {
    /// The header, RLP.
    pub header: Bytes,
    /// Whose.
    pub address: Address,
    /// The account; `None` if there is none.
    pub account: Option<TrieAccount>,
    /// Trie nodes from the state root to the account, or to where its path ends.
    pub account_proof: Vec<Bytes>,
    /// The slots.
    pub slots: Vec<SlotProof>,
}

/// One slot of a [`StorageProof`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotProof {
    /// Which.
    pub slot: B256,
    /// Its value; zero if the trie does not have it.
    pub value: U256,
    /// Trie nodes from the account's storage root to it, or to where its path ends.
    pub proof: Vec<Bytes>,
}

/// What a proof that holds shows, to who knows that the block is one of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proven {
    /// Hash of the block.
    pub block_hash: B256,
    /// Its number.
    pub block_number: u64,
    /// Its time.
    pub timestamp: u64,
    /// What was in it.
    #[serde(flatten)]
    pub what: What,
}

/// What was in a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum What {
    /// A transaction.
    Transaction {
        /// Its index.
        index: u64,
        /// Its hash.
        hash: B256,
        /// Its EIP-2718 type.
        tx_type: u8,
        /// Itself.
        raw: Bytes,
    },
    /// A receipt.
    Receipt {
        /// Index of the transaction.
        index: u64,
        /// Itself.
        receipt: Box<Receipt>,
    },
    /// An account.
    Account {
        /// Whose.
        address: Address,
        /// Itself, if there is one.
        account: Option<TrieAccount>,
        /// Slots and their values.
        slots: Vec<(B256, U256)>,
    },
}

impl Proof {
    /// Checks the proof against its own header. That the header's block is one of the chain is for
    /// the caller to know, by its hash.
    ///
    /// # Errors
    /// If it does not hold.
    pub fn check(&self) -> Result<Proven, ProofError> {
        let bytes = self.header();
        let header = read_header(bytes)?;
        let what = match self {
            Self::Transaction(item) => {
                item.check("the transaction", header.transactions_root)?;
                What::Transaction {
                    index: item.index,
                    hash: keccak256(&item.value),
                    tx_type: transaction_type(&item.value)?,
                    raw: item.value.clone(),
                }
            }
            Self::Receipt(item) => {
                item.check("the receipt", header.receipts_root)?;
                let receipt = Receipt::decode(&item.value).map_err(ProofError::Receipt)?;
                What::Receipt { index: item.index, receipt: Box::new(receipt) }
            }
            Self::Storage(storage) => {
                storage.check(header.state_root)?;
                What::Account {
                    address: storage.address,
                    account: storage.account,
                    slots: storage.slots.iter().map(|slot| (slot.slot, slot.value)).collect(),
                }
            }
        };
        Ok(Proven {
            block_hash: keccak256(bytes),
            block_number: header.number,
            timestamp: header.timestamp,
            what,
        })
    }

    /// The header, RLP.
    pub const fn header(&self) -> &Bytes {
        match self {
            Self::Transaction(item) | Self::Receipt(item) => &item.header,
            Self::Storage(storage) => &storage.header,
        }
    }
}

impl ItemProof {
    fn check(&self, what: &str, root: B256) -> Result<(), ProofError> {
        let key = alloy_rlp::encode(self.index);
        check(|| format!("{what} with index {}", self.index), root, &key, Some(&self.value), &self.proof)
    }
}

impl StorageProof {
    fn check(&self, state_root: B256) -> Result<(), ProofError> {
        let account = self.account.map(alloy_rlp::encode);
        let what = || format!("account {}", self.address);
        check(what, state_root, &keccak256(self.address)[..], account.as_deref(), &self.account_proof)?;
        let root = self.account.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
        for slot in &self.slots {
            let value = (!slot.value.is_zero()).then(|| alloy_rlp::encode(slot.value));
            let what = || format!("slot {} of {}", slot.slot, self.address);
            check(what, root, &keccak256(slot.slot)[..], value.as_deref(), &slot.proof)?;
        }
        Ok(())
    }
}

/// The trie of this root must have this value under the key, or none.
fn check(
    what: impl Fn() -> String,
    root: B256,
    key: &[u8],
    value: Option<&[u8]>,
    proof: &[Bytes],
) -> Result<(), ProofError> {
    let found = walk(root, &nibbles(key), proof)
        .map_err(|why| ProofError::Nodes { what: what(), why: why.to_string() })?;
    let why = match (found, value) {
        (found, value) if found == value => return Ok(()),
        (None, _) => "there is nothing there",
        (Some(_), None) => "it is there",
        (Some(_), Some(_)) => "another value is there",
    };
    Err(ProofError::Nodes { what: what(), why: why.into() })
}

/// A header, to the last byte.
fn read_header(mut bytes: &[u8]) -> Result<Header, ProofError> {
    let header = Header::decode(&mut bytes).map_err(ProofError::Header)?;
    match bytes {
        [] => Ok(header),
        _ => Err(ProofError::Header(alloy_rlp::Error::UnexpectedLength)),
    }
}

/// The type of a transaction; of those that are known here, only if it is one.
fn transaction_type(raw: &[u8]) -> Result<u8, ProofError> {
    let tx_type = match raw.first() {
        Some(first @ 0..0x80) => *first,
        _ => 0,
    };
    if tx_type <= TxType::Eip7702 as u8 {
        let mut rest = raw;
        let read = Transaction::decode_2718(&mut rest);
        read.map_err(|error| ProofError::Transaction(error.to_string()))?;
        if !rest.is_empty() {
            return Err(ProofError::Transaction(format!("{} bytes follow it", rest.len())));
        }
    }
    Ok(tx_type)
}
