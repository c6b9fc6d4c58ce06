//! Proofs of batches that a node keeps for others, and those who take them instead of executing.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use alloy_primitives::{Address, B256, Bytes, U64};
use alloy_rlp::Decodable;
use duplex_chain::Effects;
use duplex_l1::{BatchEntry, Rpc, RpcError};
use duplex_primitives::{Block, Header, OutputRoot};
use duplex_program::RangeStatement;
use duplex_storage::{OpenError, Records};
use serde::{Deserialize, Serialize};
use tokio::{io::AsyncWriteExt, process::Command};

use crate::{ActorError, Rollup, deriver::blocking};

/// How long verifying may take; it takes milliseconds.
const VERIFIES_WITHIN: Duration = Duration::from_secs(60);
/// Headers, and blocks, that are asked for at a time.
const HEADERS: u64 = 1024;
const BLOCKS: u64 = 64;

/// A run of batches that is proved, and what of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProvenRange {
    /// Numbers of the first and the last batch.
    pub first: u64,
    /// See `first`.
    pub last: u64,
    /// The parts of the statement (`docs/validity.md` §1).
    pub config_hash: B256,
    /// Output root of the block before them.
    pub parent_output: B256,
    /// Hash of the first batch.
    pub first_batch: B256,
    /// Hash of the last batch.
    pub last_batch: B256,
    /// Output root of their last block.
    pub output: B256,
    /// For whom the proof was made.
    pub prover: Address,
}

impl ProvenRange {
    pub(crate) fn new(first: u64, last: u64, statement: &RangeStatement) -> Self {
        let RangeStatement { configHash, parentOutput, firstBatch, lastBatch, output, prover } = *statement;
        Self {
            first,
            last,
            config_hash: configHash,
            parent_output: parentOutput,
            first_batch: firstBatch,
            last_batch: lastBatch,
            output,
            prover,
        }
    }

    /// The statement that the proof is of.
    pub fn statement(&self) -> RangeStatement {
        RangeStatement {
            configHash: self.config_hash,
            parentOutput: self.parent_output,
            firstBatch: self.first_batch,
            lastBatch: self.last_batch,
            output: self.output,
            prover: self.prover,
        }
    }
}

/// The STARKs of the batches that this node had proved, each of some 270 kB.
#[derive(Debug, Clone)]
pub struct Proofs(Arc<Records>);

fn range_key(first: u64) -> String {
    format!("range/{first:020}")
}

fn stark_key(statement: &B256) -> String {
    format!("stark/{statement}")
}

impl Proofs {
    /// Those in a node's folder.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        Ok(Self(Arc::new(Records::open(&dir.join("proofs.redb"))?)))
    }

    /// Keeps a proof. One that begins with the same batch goes.
    pub(crate) fn put(&self, range: &ProvenRange, stark: &[u8]) -> Result<(), duplex_storage::Error> {
        let (key, statement) = (range_key(range.first), range.statement().hash());
        let former = self.from(range.first)?.map(|former| stark_key(&former.statement().hash()));
        let json = serde_json::to_vec(range).unwrap_or_default();
        let gone = former.as_deref().map(|key| (key, None));
        let kept = stark_key(&statement);
        self.0.put_all(gone.into_iter().chain([(key.as_str(), Some(&json[..])), (&kept, Some(stark))]))
    }

    /// The proof that begins with a batch.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn from(&self, first: u64) -> Result<Option<ProvenRange>, duplex_storage::Error> {
        Ok(self.0.get(&range_key(first))?.and_then(|json| serde_json::from_slice(&json).ok()))
    }

    /// The STARK of a statement.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn stark(&self, statement: &B256) -> Result<Option<Vec<u8>>, duplex_storage::Error> {
        self.0.get(&stark_key(statement))
    }
}

/// Whose proofs are taken, and what verifies them.
#[derive(Debug, Clone)]
pub struct TrustProofs {
    /// A node that has proofs, blocks, and what they did. It is not believed.
    pub node: String,
    /// `duplex-prover`.
    pub verifier: PathBuf,
}

/// Takes batches by their proofs.
#[derive(Debug)]
pub(crate) struct Proven {
    rollup: Rollup,
    node: Rpc,
    verifier: PathBuf,
    /// Where a STARK lies while it is verified.
    dir: PathBuf,
}

/// What `duplex-prover verify --json` says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verified {
    statement: B256,
    program_commitment: B256,
    machine_commitment: B256,
}

fn wrong(why: impl Into<String>) -> ActorError {
    ActorError::Proof(why.into())
}

impl Proven {
    pub(crate) fn new(rollup: Rollup, trust: TrustProofs, dir: &Path) -> Result<Self, RpcError> {
        let node = Rpc::new(&trust.node)?;
        Ok(Self { rollup, node, verifier: trust.verifier, dir: dir.to_owned() })
    }

    /// The batches that follow the last one here and are proved, with their entries; none if there is no proof of them.
    ///
    /// # Errors
    /// If what the node says is not so.
    pub(crate) async fn take(&self, first: u64) -> Result<Option<Vec<BatchEntry>>, ActorError> {
        let found = self.node.request("duplex_proof", (U64::from(first),)).await;
        let Some(range): Option<ProvenRange> = found.map_err(ActorError::Rpc)? else { return Ok(None) };
        let Some(entries) = self.entries(first, &range)? else { return Ok(None) };
        let statement = range.statement();
        let hash = statement.hash();
        let stark: Option<Bytes> =
            self.node.request("duplex_stark", (hash,)).await.map_err(ActorError::Rpc)?;
        self.verify(hash, &stark.ok_or_else(|| wrong("the node has no STARK of it"))?).await?;
        let Some((head, tail)) = entries.first().zip(entries.last()) else { return Ok(None) };
        let (first_block, last_block) = (head.header.firstBlock, tail.header.lastBlock);
        let hashes = self.hashes(first_block, last_block, &statement.output).await?;
        self.blocks(first_block, &hashes).await?;
        tracing::info!(
            first, last = range.last, blocks = hashes.len(), statement = %hash,
            "batches taken by their proof"
        );
        Ok(Some(entries))
    }

    /// The batches on L1 that a proof is about. None if L1 has others by now, or not so many yet.
    fn entries(&self, first: u64, range: &ProvenRange) -> Result<Option<Vec<BatchEntry>>, ActorError> {
        let mut entries = Vec::new();
        for index in range.first..=range.last {
            let Some(entry) = self.rollup.index.batch(index)? else { return Ok(None) };
            entries.push(entry);
        }
        let (Some(head), Some(tail)) = (entries.first(), entries.last()) else { return Ok(None) };
        if range.first != first || (head.hash, tail.hash) != (range.first_batch, range.last_batch) {
            return Ok(None);
        }
        let before = head.header.firstBlock.saturating_sub(1);
        let parent = self.rollup.chain.header(before)?.ok_or(ActorError::MissingBlock(before))?;
        if OutputRoot::of(&parent, parent.hash_slow()).hash() != range.parent_output
            || self.rollup.deployment.program_config().hash() != range.config_hash
        {
            return Err(wrong(format!(
                "the proof of batches {first} to {} begins with another state, or is of another chain",
                range.last
            )));
        }
        Ok(Some(entries))
    }

    /// Has the STARK verified.
    async fn verify(&self, statement: B256, stark: &[u8]) -> Result<(), ActorError> {
        let contracts =
            self.rollup.deployment.validity.ok_or_else(|| wrong("this rollup takes no proofs"))?;
        let failed = |what: &dyn std::fmt::Display| wrong(format!("{}: {what}", self.verifier.display()));
        let path = self.dir.join("taken.stark");
        let mut file = tokio::fs::File::create(&path).await.map_err(|error| failed(&error))?;
        file.write_all(stark).await.map_err(|error| failed(&error))?;
        file.sync_all().await.map_err(|error| failed(&error))?;
        let mut command = Command::new(&self.verifier);
        command.args(["verify", "--json", "--statement", &statement.to_string()]).arg(&path);
        command.stdin(Stdio::null()).kill_on_drop(true);
        let said = tokio::time::timeout(VERIFIES_WITHIN, command.output()).await;
        let said = said.map_err(|_| failed(&"it takes too long"))?.map_err(|error| failed(&error))?;
        if !said.status.success() {
            return Err(failed(&String::from_utf8_lossy(&said.stderr).trim()));
        }
        let verified: Verified = serde_json::from_slice(&said.stdout).map_err(|error| failed(&error))?;
        let ours = (contracts.program_commitment, contracts.machine_commitment);
        if (verified.program_commitment, verified.machine_commitment) != ours {
            return Err(failed(&"it verifies proofs of another program than this rollup's"));
        }
        if verified.statement != statement {
            return Err(failed(&"the STARK is of another statement"));
        }
        Ok(())
    }

    /// Hashes of the blocks from `first` to `last`, of which each follows the one before, the first what is here, and the
    /// last has the output root that was proved.
    async fn hashes(&self, first: u64, last: u64, output: &B256) -> Result<Vec<B256>, ActorError> {
        let before = first.saturating_sub(1);
        let mut parent = self.rollup.chain.hash_of(before)?.ok_or(ActorError::MissingBlock(before))?;
        let mut hashes = Vec::new();
        let mut end = None;
        let mut number = first;
        while number <= last {
            let params = (U64::from(number), U64::from(HEADERS.min(last - number + 1)));
            let some: Vec<Bytes> =
                self.node.request("duplex_headers", params).await.map_err(ActorError::Rpc)?;
            if some.is_empty() {
                return Err(wrong(format!("the node has no block {number}")));
            }
            for raw in some {
                let header = Header::decode(&mut &raw[..])
                    .ok()
                    .filter(|header| header.parent_hash == parent && header.number == number)
                    .ok_or_else(|| {
                        wrong(format!("block {number} of the node does not follow the one before"))
                    })?;
                parent = header.hash_slow();
                hashes.push(parent);
                number += 1;
                end = Some(header);
            }
        }
        let proved = end.is_some_and(|header| OutputRoot::of(&header, parent).hash() == *output);
        if number != last + 1 || !proved {
            return Err(wrong(format!("block {last} of the node is not the one that was proved")));
        }
        Ok(hashes)
    }

    /// Has the blocks with these hashes in the chain, by what they did.
    async fn blocks(&self, first: u64, hashes: &[B256]) -> Result<(), ActorError> {
        let _turn = self.rollup.turn.clone().lock_owned().await;
        let chain = self.rollup.chain.clone();
        let (mut number, mut rest) = (first, hashes);
        // What is here already, of a feed or of an attempt that was cut off.
        while let Some((hash, more)) = rest.split_first()
            && chain.hash_of(number)? == Some(*hash)
        {
            (number, rest) = (number + 1, more);
        }
        if rest.is_empty() {
            return Ok(());
        }
        if chain.head().header.number >= number {
            let chain = chain.clone();
            blocking(move || chain.unwind(number - 1)).await?;
        }
        while !rest.is_empty() {
            let params = (U64::from(number), U64::from(BLOCKS.min(rest.len() as u64)));
            let some: Vec<(Bytes, Bytes)> =
                self.node.request("duplex_effects", params).await.map_err(ActorError::Rpc)?;
            if some.is_empty() || some.len() > rest.len() {
                return Err(wrong(format!("the node does not say what block {number} did")));
            }
            let (these, more) = rest.split_at(some.len());
            let (chain, these) = (chain.clone(), these.to_vec());
            number += these.len() as u64;
            rest = more;
            blocking(move || {
                for ((block, effects), hash) in some.iter().zip(these) {
                    let malformed = |_| wrong(format!("what the node says of block {hash} cannot be read"));
                    let block = Block::decode(&mut &block[..]).map_err(malformed)?;
                    let effects = Effects::decode(&mut &effects[..]).map_err(malformed)?;
                    if block.header.hash_slow() != hash {
                        return Err(wrong(format!("the node gives another block for {hash}")));
                    }
                    chain.adopt(block, effects).map_err(|error| wrong(format!("block {hash}: {error}")))?;
                }
                Ok(())
            })
            .await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::keccak256;

    use super::*;

    fn range(first: u64, last: u64, output: &str) -> ProvenRange {
        let statement = RangeStatement {
            firstBatch: keccak256(first.to_be_bytes()),
            lastBatch: keccak256(last.to_be_bytes()),
            output: keccak256(output),
            prover: Address::repeat_byte(7),
            ..Default::default()
        };
        ProvenRange::new(first, last, &statement)
    }

    #[test]
    fn proofs_are_found_by_where_they_begin() {
        let dir = tempfile::tempdir().unwrap();
        let proofs = Proofs::open(dir.path()).unwrap();
        let (one, other) = (range(1, 5, "a"), range(6, 6, "b"));
        let hash = |range: &ProvenRange| range.statement().hash();
        proofs.put(&one, b"one").unwrap();
        proofs.put(&other, b"other").unwrap();
        assert_eq!(proofs.from(1).unwrap(), Some(one));
        assert_eq!(proofs.from(6).unwrap(), Some(other));
        assert_eq!((proofs.from(2).unwrap(), proofs.from(0).unwrap()), (None, None));
        assert_eq!(proofs.stark(&hash(&one)).unwrap().as_deref(), Some(&b"one"[..]));
        // After a reorganisation of L1 other batches are proved from there on: the former proof is of no use.
        let again = range(1, 3, "c");
        proofs.put(&again, b"again").unwrap();
        assert_eq!(proofs.from(1).unwrap(), Some(again));
        assert_eq!(proofs.stark(&hash(&one)).unwrap(), None);
        assert_eq!(proofs.stark(&hash(&again)).unwrap().as_deref(), Some(&b"again"[..]));
        // The same once more stays.
        proofs.put(&again, b"again").unwrap();
        assert_eq!(proofs.stark(&hash(&again)).unwrap().as_deref(), Some(&b"again"[..]));
        drop(proofs);
        assert_eq!(Proofs::open(dir.path()).unwrap().from(6).unwrap(), Some(other));
    }

    #[test]
    fn a_range_is_its_statement() {
        let range = range(3, 4, "x");
        assert_eq!(ProvenRange::new(3, 4, &range.statement()), range);
        let json = serde_json::to_value(range).unwrap();
        assert_eq!(json["firstBatch"], keccak256(3_u64.to_be_bytes()).to_string());
        assert_eq!(serde_json::from_value::<ProvenRange>(json).unwrap(), range);
    }
}
