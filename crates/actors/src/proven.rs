//! Proofs of batches that a node keeps for others, and those who take them instead of executing.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use alloy_primitives::{Address, B256, Bytes, U64};
use alloy_rlp::Decodable;
use duplex_chain::{Chain, ChainError, Effects};
use duplex_l1::{BatchEntry, Rpc, RpcError};
use duplex_primitives::{Block, Header, OutputRoot};
use duplex_program::RangeStatement;
use duplex_storage::{OpenError, Records};
use serde::{Deserialize, Serialize};
use tokio::{
    io::AsyncWriteExt,
    process::Command,
    time::{Instant, timeout},
};

use crate::{ActorError, Rollup, deriver::blocking};

/// How long a node may take to give a proof, and verifying it, which takes milliseconds; and how long it may take for blocks, for
/// any of them and for each.
const PROVES_WITHIN: Duration = Duration::from_secs(60);
const GIVES_WITHIN: Duration = Duration::from_secs(60);
const EACH_WITHIN: Duration = Duration::from_millis(50);
/// How long a node is left alone that gave nothing useful; twice as long after each further time, up to the second.
const LEFT_ALONE: Duration = Duration::from_secs(10);
const LEFT_ALONE_AT_MOST: Duration = Duration::from_secs(600);
/// Most batches that a proof is taken for: more than any prover of this version puts into one.
const MOST_BATCHES: u64 = 4096;
/// Headers, and blocks, that are asked for at a time.
const HEADERS: u64 = 1024;
const BLOCKS: u64 = 64;

/// The parts of a statement (`docs/validity.md` §1), as JSON has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatementParts {
    /// Hash of the program's configuration.
    pub config_hash: B256,
    /// Output root of the block before the batches.
    pub parent_output: B256,
    /// Hash of the first batch.
    pub first_batch: B256,
    /// Hash of the last batch.
    pub last_batch: B256,
    /// Output root of their last block.
    pub output: B256,
    /// For whom the proof is made.
    pub prover: Address,
}

impl From<RangeStatement> for StatementParts {
    fn from(statement: RangeStatement) -> Self {
        let RangeStatement { configHash, parentOutput, firstBatch, lastBatch, output, prover } = statement;
        Self {
            config_hash: configHash,
            parent_output: parentOutput,
            first_batch: firstBatch,
            last_batch: lastBatch,
            output,
            prover,
        }
    }
}

impl From<StatementParts> for RangeStatement {
    fn from(parts: StatementParts) -> Self {
        Self {
            configHash: parts.config_hash,
            parentOutput: parts.parent_output,
            firstBatch: parts.first_batch,
            lastBatch: parts.last_batch,
            output: parts.output,
            prover: parts.prover,
        }
    }
}

/// A run of batches that is proved, and what of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenRange {
    /// Numbers of the first and the last batch.
    pub first: u64,
    /// See `first`.
    pub last: u64,
    /// What the proof says.
    #[serde(flatten)]
    pub parts: StatementParts,
}

impl ProvenRange {
    pub(crate) fn new(first: u64, last: u64, statement: &RangeStatement) -> Self {
        Self { first, last, parts: (*statement).into() }
    }

    /// The statement that the proof is of.
    pub fn statement(&self) -> RangeStatement {
        self.parts.into()
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
    pause: Pause,
}

/// How long a node is left alone.
#[derive(Debug, Default)]
struct Pause(Option<(Instant, Duration)>);

impl Pause {
    fn is_over(&self) -> bool {
        self.0.is_none_or(|(until, _)| Instant::now() >= until)
    }

    /// It was asked once more.
    fn asked(&mut self, was_useful: bool) {
        self.0 = (!was_useful).then(|| {
            let pause = self.0.map_or(LEFT_ALONE, |(_, former)| (2 * former).min(LEFT_ALONE_AT_MOST));
            (Instant::now() + pause, pause)
        });
    }
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
        Ok(Self { rollup, node, verifier: trust.verifier, dir: dir.to_owned(), pause: Pause::default() })
    }

    /// The batches from `first` on that are proved, with their blocks on the chain; none if there is no proof of them, or the node
    /// is left alone for a while.
    ///
    /// # Errors
    /// If what the node says is not so, or it takes too long.
    pub(crate) async fn take(&mut self, first: u64) -> Result<Option<Vec<BatchEntry>>, ActorError> {
        if !self.pause.is_over() {
            return Ok(None);
        }
        let done = self.try_take(first).await;
        self.pause.asked(done.is_ok());
        done
    }

    async fn try_take(&self, first: u64) -> Result<Option<Vec<BatchEntry>>, ActorError> {
        let late = |_| wrong("the node takes too long");
        let found = timeout(PROVES_WITHIN, self.proof(first)).await.map_err(late)??;
        let Some((entries, statement)) = found else { return Ok(None) };
        let Some((head, tail)) = entries.first().zip(entries.last()) else { return Ok(None) };
        let (first_block, last_block) = (head.header.firstBlock, tail.header.lastBlock);
        let count = last_block.saturating_sub(first_block).saturating_add(1);
        let within = GIVES_WITHIN + EACH_WITHIN * u32::try_from(count).unwrap_or(u32::MAX);
        timeout(within, async {
            let hashes = self.hashes(first_block, last_block, &statement.output).await?;
            self.blocks(first_block, &hashes).await
        })
        .await
        .map_err(late)??;
        tracing::info!(
            first, last = tail.header.index, blocks = count, statement = %statement.hash(),
            "batches taken by their proof"
        );
        Ok(Some(entries))
    }

    /// The batches that a proof is about which begins with `first`, and what it says, if there is one and it is right.
    async fn proof(&self, first: u64) -> Result<Option<(Vec<BatchEntry>, RangeStatement)>, ActorError> {
        let found = self.node.request("duplex_proof", (U64::from(first),)).await;
        let Some(range): Option<ProvenRange> = found.map_err(ActorError::Rpc)? else { return Ok(None) };
        let Some(entries) = self.entries(first, &range)? else { return Ok(None) };
        let statement = range.statement();
        let hash = statement.hash();
        let stark: Option<Bytes> =
            self.node.request("duplex_stark", (hash,)).await.map_err(ActorError::Rpc)?;
        self.verify(hash, &stark.ok_or_else(|| wrong("the node has no STARK of it"))?).await?;
        Ok(Some((entries, statement)))
    }

    /// The batches on L1 that a proof is about. None if L1 has others by now, or not so many yet.
    fn entries(&self, first: u64, range: &ProvenRange) -> Result<Option<Vec<BatchEntry>>, ActorError> {
        if range.first != first || range.last < first || range.last - first >= MOST_BATCHES {
            return Err(wrong(format!("the node has a proof of batches {} to {}", range.first, range.last)));
        }
        let before = self
            .rollup
            .batch_header(first.saturating_sub(1))?
            .ok_or(ActorError::Behind("a batch is missing"))?;
        let mut parent = before.hash();
        let mut entries: Vec<BatchEntry> = Vec::new();
        for index in first..=range.last {
            let Some(entry) = self.rollup.index.batch(index)? else { return Ok(None) };
            if entry.header.parentHash != parent || entry.hash != entry.header.hash() {
                return Err(ActorError::Behind("batches on L1 do not follow each other"));
            }
            parent = entry.hash;
            entries.push(entry);
        }
        if entries.first().map(|head| head.hash) != Some(range.parts.first_batch)
            || parent != range.parts.last_batch
        {
            return Ok(None);
        }
        let number = before.lastBlock;
        let header = self.rollup.chain.header(number)?.ok_or(ActorError::MissingBlock(number))?;
        if OutputRoot::of(&header, header.hash_slow()).hash() != range.parts.parent_output
            || self.rollup.deployment.program_config().hash() != range.parts.config_hash
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
        let said = command.output().await.map_err(|error| failed(&error))?;
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
        let chain = &self.rollup.chain;
        let (mut number, mut rest) = (first, hashes);
        // What is here already, of an attempt that was cut off.
        while let Some((hash, more)) = rest.split_first()
            && chain.hash_of(number)? == Some(*hash)
        {
            (number, rest) = (number + 1, more);
        }
        while !rest.is_empty() {
            let params = (U64::from(number), U64::from(BLOCKS.min(rest.len() as u64)));
            let some: Vec<(Bytes, Bytes)> =
                self.node.request("duplex_effects", params).await.map_err(ActorError::Rpc)?;
            if some.is_empty() || some.len() > rest.len() {
                return Err(wrong(format!("the node does not say what block {number} did")));
            }
            let (these, more) = rest.split_at(some.len());
            let (chain, these, before) = (chain.clone(), these.to_vec(), number - 1);
            number += these.len() as u64;
            rest = more;
            let _turn = self.rollup.turn.clone().lock_owned().await;
            blocking(move || {
                if chain.head().header.number > before {
                    // Blocks that are not in the batches that were proved.
                    chain.unwind(before)?;
                }
                some.iter()
                    .zip(these)
                    .try_for_each(|((block, effects), hash)| adopt(&chain, block, effects, hash))
            })
            .await?;
        }
        Ok(())
    }
}

/// Has a chain take the block with this hash.
fn adopt(chain: &Chain, block: &[u8], effects: &[u8], hash: B256) -> Result<(), ActorError> {
    let malformed = |_| wrong(format!("what the node says of block {hash} cannot be read"));
    let block = Block::decode(&mut &block[..]).map_err(malformed)?;
    let effects = Effects::decode(&mut &effects[..]).map_err(malformed)?;
    if block.header.hash_slow() != hash {
        return Err(wrong(format!("the node gives another block for {hash}")));
    }
    match chain.adopt(block, effects) {
        Ok(_) => Ok(()),
        // This node's own trouble, not the other's.
        Err(error @ (ChainError::Open(_) | ChainError::Storage(_) | ChainError::Corrupt { .. })) => {
            Err(error.into())
        }
        Err(error) => Err(wrong(format!("block {hash}: {error}"))),
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

    #[tokio::test(start_paused = true)]
    async fn who_gives_nothing_useful_is_left_alone_longer_each_time() {
        let mut pause = Pause::default();
        assert!(pause.is_over());
        for seconds in [10, 20, 40, 80, 160, 320, 600, 600] {
            pause.asked(false);
            tokio::time::advance(Duration::from_secs(seconds) - Duration::from_millis(1)).await;
            assert!(!pause.is_over(), "{seconds}");
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(pause.is_over(), "{seconds}");
        }
        pause.asked(true);
        assert!(pause.is_over());
        pause.asked(false);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(pause.is_over(), "what was before is forgotten");
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
