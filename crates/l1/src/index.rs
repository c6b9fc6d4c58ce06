//! What has happened on L1, as far as the rollup is concerned.
//!
//! Kept on disk, so that a restart reads L1 only from where it stopped. Everything here can be
//! rebuilt from L1.

use std::{path::Path, sync::Arc};

use alloy_primitives::{Address, B256, U256};
use duplex_primitives::{BatchHeader, L1Message};
use duplex_storage::Records;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A batch that the `Inbox` accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchEntry {
    /// Its header.
    pub header: BatchHeader,
    /// Hash of the header.
    pub hash: B256,
    /// The L1 transaction that brought it, with its data.
    pub l1_tx: B256,
    /// The L1 block of that transaction.
    pub l1_block: u64,
    /// Who sent it.
    pub appender: Address,
}

/// How far a claim has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClaimStatus {
    /// Its window runs.
    Pending,
    /// L1 pays withdrawals against it.
    Final,
    /// A challenge won against it, or against a claim that it builds on.
    Rejected,
}

/// A claim that somebody made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClaimEntry {
    /// Its number in `Settlement`.
    pub id: u64,
    /// The claim it builds on.
    pub parent_id: u64,
    /// The last batch it covers.
    pub last_batch: u64,
    /// Merkle root over the output roots of all blocks it covers.
    pub block_outputs_root: B256,
    /// Output root of the last block it covers.
    pub output_root: B256,
    /// Who made it.
    pub proposer: Address,
    /// Wei at stake.
    pub bond: U256,
    /// The L1 block in which it was made.
    pub l1_block: u64,
    /// Timestamp of that block: its window counts from here.
    pub l1_timestamp: u64,
    /// The L1 transaction.
    pub l1_tx: B256,
    /// How far it has come.
    pub status: ClaimStatus,
}

/// What has happened on L1.
#[derive(Debug, Clone)]
pub struct L1Index {
    records: Arc<Records>,
}

type Result<T> = std::result::Result<T, duplex_storage::Error>;

/// Writes that belong together.
#[derive(Debug, Default)]
pub(crate) struct Changes(Vec<(String, Option<Vec<u8>>)>);

impl Changes {
    pub(crate) fn put<T: Serialize>(&mut self, key: String, value: &T) {
        // All values here are plain data: writing them as JSON cannot fail.
        self.0.push((key, Some(serde_json::to_vec(value).unwrap_or_default())));
    }

    pub(crate) fn remove(&mut self, key: String) {
        self.0.push((key, None));
    }
}

pub(crate) fn message_key(index: u64) -> String {
    format!("message/{index:020}")
}

pub(crate) fn batch_key(index: u64) -> String {
    format!("batch/{index:020}")
}

pub(crate) fn claim_key(id: u64) -> String {
    format!("claim/{id:020}")
}

pub(crate) fn block_key(number: u64) -> String {
    format!("block/{number:020}")
}

impl L1Index {
    /// Opens the index file.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn open(path: &Path) -> std::result::Result<Self, duplex_storage::OpenError> {
        Ok(Self { records: Arc::new(Records::open(path)?) })
    }

    fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        Ok(self.records.get(key)?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    pub(crate) fn all<T: DeserializeOwned>(&self, prefix: &str) -> Result<Vec<T>> {
        let found = self.records.prefix(prefix)?;
        Ok(found.into_iter().filter_map(|(_, bytes)| serde_json::from_slice(&bytes).ok()).collect())
    }

    pub(crate) fn write(&self, changes: &Changes) -> Result<()> {
        self.records.put_all(changes.0.iter().map(|(key, value)| (key.as_str(), value.as_deref())))
    }

    /// The removal of everything.
    pub(crate) fn erase(&self) -> Result<Changes> {
        Ok(Changes(self.records.prefix("")?.into_iter().map(|(key, _)| (key, None)).collect()))
    }

    pub(crate) fn value<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        self.get(key)
    }

    /// Message `index`, if L1 has it.
    ///
    /// # Errors
    /// If the file cannot be read, which holds for all below.
    pub fn message(&self, index: u64) -> Result<Option<L1Message>> {
        self.get(&message_key(index))
    }

    /// Batch `index`, if L1 has it. Batch 0 is genesis and not an event.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn batch(&self, index: u64) -> Result<Option<BatchEntry>> {
        self.get(&batch_key(index))
    }

    /// Claim `id`, if it was made.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn claim(&self, id: u64) -> Result<Option<ClaimEntry>> {
        self.get(&claim_key(id))
    }

    /// All claims, oldest first.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn claims(&self) -> Result<Vec<ClaimEntry>> {
        self.all("claim/")
    }

    /// Number of messages and of batches (genesis not counted) seen.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn counts(&self) -> Result<(u64, u64)> {
        Ok((self.get("count/messages")?.unwrap_or(0), self.get("count/batches")?.unwrap_or(0)))
    }

    /// The last L1 block that was read: number and hash.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn head(&self) -> Result<Option<(u64, B256)>> {
        self.get("head")
    }

    /// The hash of L1 block `number`, if it was read and is recent.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn block_hash(&self, number: u64) -> Result<Option<B256>> {
        self.get(&block_key(number))
    }

    /// The batch that contains an L2 block; `None` while it is not on L1.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn batch_of(&self, l2_block: u64) -> Result<Option<BatchEntry>> {
        let (_, count) = self.counts()?;
        let (mut low, mut high) = (1, count + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.batch(middle)? {
                Some(batch) if batch.header.lastBlock < l2_block => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(self
            .batch(low)?
            .filter(|batch| (batch.header.firstBlock..=batch.header.lastBlock).contains(&l2_block)))
    }

    /// The newest final claim.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn last_final(&self) -> Result<Option<ClaimEntry>> {
        let claims = self.claims()?;
        Ok(claims
            .into_iter()
            .filter(|claim| claim.status == ClaimStatus::Final)
            .max_by_key(|claim| claim.last_batch))
    }

    /// The newest final claim that covers an L2 block.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn final_claim_for(&self, l2_block: u64) -> Result<Option<ClaimEntry>> {
        let Some(batch) = self.batch_of(l2_block)? else { return Ok(None) };
        let claims = self.claims()?;
        Ok(claims
            .into_iter()
            .filter(|claim| claim.status == ClaimStatus::Final && claim.last_batch >= batch.header.index)
            .max_by_key(|claim| claim.last_batch))
    }
}
