//! What the programs read for a statement, from what this node knows.
//!
//! A program runs natively on the node's own data and everything that it asks for is noted. The machine runs
//! the same program, so it asks for the same.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use alloy_primitives::{Address, B256, Bytes, keccak256};
use alloy_sol_types::SolValue;
use duplex_chain::StateAt;
use duplex_l1::{BatchEntry, Carried, Rpc, RpcError};
use duplex_primitives::{DATA_CHUNK, OutputRoot};
use duplex_program::{
    Oracle, RangeStatement, Statement, What,
    host::{self, Recorder, SECTION},
    range_output,
};
use duplex_trie::NodeSource;
use duplex_vm::Kind;
use revm::DatabaseRef;
use thiserror::Error;
use tokio::runtime::Handle;

use crate::{ActorError, Rollup, challenger::Inputs};

/// Why a preimage cannot be had.
#[derive(Debug, Error)]
pub(crate) enum FactError {
    /// Nothing here has it.
    #[error("nothing here hashes to {1} ({0})")]
    Unknown(String, B256),
    /// The chain failed.
    #[error("L2 chain: {0}")]
    Chain(String),
    /// L1 could not be read.
    #[error(transparent)]
    Rpc(#[from] RpcError),
}

/// A node's data, by hash.
struct Facts {
    rollup: Rollup,
    /// The state that blocks are executed on.
    state: Mutex<StateAt>,
    /// What is small and known beforehand.
    known: Known,
    statement: B256,
    l1: Handle,
}

/// Everything that the machine reads for a statement, and what the program says the block's output is.
///
/// # Errors
/// If this node does not know the blocks, batches or messages that the statement is about.
pub async fn inputs(rollup: &Rollup, statement: &Statement) -> Result<Inputs, ActorError> {
    let lost = |what: &str| ActorError::Replay(format!("block {}: {what}", statement.blockNumber));
    let entry = rollup.index.batch_of(statement.blockNumber)?.ok_or_else(|| lost("no batch has it"))?;
    if entry.hash != statement.batchHash {
        return Err(lost("it is in another batch than the statement says"));
    }
    let carried = rollup.reader.carried(&entry).await?;
    let before = statement.blockNumber.saturating_sub(1);
    let state = rollup.chain.state_at(before)?.ok_or_else(|| {
        lost("the state before it is not kept any more; disputes need --history as long as their window")
    })?;
    let (rollup, statement) = (rollup.clone(), *statement);
    let l1 = Handle::current();
    let done = tokio::task::spawn_blocking(move || {
        let known = known(&rollup, &statement, &entry, carried)?;
        let hash = statement.hash();
        let facts = Facts { rollup, state: Mutex::new(state), known, statement: hash, l1 };
        let recorder = Recorder::new(facts);
        duplex_program::run(&recorder).map_err(|error| ActorError::Replay(error.to_string()))?;
        // The statement's hash is there by itself.
        let noted = recorder
            .into_preimages()
            .into_iter()
            .filter(|((kind, _), _)| *kind as u8 != Kind::Statement as u8);
        let noted = noted.map(|((kind, key), preimage)| ((kind as u8, key), preimage)).collect();
        Ok(Inputs { statement: hash, preimages: Arc::new(noted) })
    });
    done.await.map_err(|_| ActorError::Behind("collecting preimages was cut off"))?
}

/// The statement about the batches `first..=last`, with what L1 pays for a proof of it going to `prover`, and all that it follows
/// from.
///
/// # Errors
/// If this node does not know the batches, their data, their blocks or messages.
pub async fn bundle(
    rollup: &Rollup,
    first: u64,
    last: u64,
    prover: Address,
) -> Result<(RangeStatement, Vec<u8>), ActorError> {
    let lost = |batch: u64, what: &str| ActorError::Replay(format!("batch {batch}: {what}"));
    let mut batches = Vec::new();
    for index in first..=last {
        let entry = rollup.index.batch(index)?.ok_or_else(|| lost(index, "it is not in the index"))?;
        let carried = rollup.reader.carried(&entry).await?;
        batches.push((entry, carried));
    }
    let (Some((head, _)), Some((tail, _))) = (batches.first(), batches.last()) else {
        return Err(lost(first, "there is no batch to prove"));
    };
    let before = head.header.firstBlock.saturating_sub(1);
    let state = rollup.chain.state_at(before)?.ok_or_else(|| {
        lost(first, "the state before it is not kept any more; proofs need --history as long as they take")
    })?;
    let output = |number| {
        let header = rollup.chain.header(number)?.ok_or(ActorError::MissingBlock(number))?;
        Ok::<_, ActorError>(OutputRoot::of(&header, header.hash_slow()).hash())
    };
    let statement = RangeStatement {
        configHash: rollup.deployment.program_config().hash(),
        parentOutput: output(before)?,
        firstBatch: head.hash,
        lastBatch: tail.hash,
        output: output(tail.header.lastBlock)?,
        prover,
    };
    let (rollup, l1) = (rollup.clone(), Handle::current());
    let done = tokio::task::spawn_blocking(move || {
        let mut known = BTreeMap::new();
        put_parent(&rollup, before, &mut known)?;
        for (entry, carried) in batches {
            put_batch(&rollup, &entry, carried, &mut known)?;
        }
        let facts = Facts { rollup, state: Mutex::new(state), known, statement: statement.hash(), l1 };
        let recorder = Recorder::with_sections(facts, SECTION);
        let found =
            range_output(&recorder, &statement).map_err(|error| ActorError::Replay(error.to_string()))?;
        if found != statement.output {
            // The chain was taken back in between.
            return Err(ActorError::Behind("the blocks of the batches to be proved changed"));
        }
        let bytes = host::bundle(&statement, &recorder.into_sections())
            .ok_or(ActorError::Behind("a blob is not what its name says"))?;
        Ok((statement, bytes))
    });
    done.await.map_err(|_| ActorError::Behind("collecting a bundle was cut off"))?
}

/// What follows from the statement and the batch.
fn known(
    rollup: &Rollup,
    statement: &Statement,
    entry: &BatchEntry,
    carried: Carried,
) -> Result<Known, ActorError> {
    let mut known = Known::new();
    put(&mut known, statement.abi_encode());
    put_parent(rollup, statement.blockNumber.saturating_sub(1), &mut known)?;
    put_batch(rollup, entry, carried, &mut known)?;
    Ok(known)
}

type Known = BTreeMap<(Kind, B256), Bytes>;

fn put(known: &mut Known, bytes: Vec<u8>) {
    known.insert((Kind::Keccak, keccak256(&bytes)), Bytes::from(bytes));
}

/// The configuration, and the output of the block before the first.
fn put_parent(rollup: &Rollup, number: u64, known: &mut Known) -> Result<(), ActorError> {
    put(known, rollup.deployment.program_config().encode());
    let parent = rollup.chain.header(number)?.ok_or(ActorError::MissingBlock(number))?;
    put(known, OutputRoot::of(&parent, parent.hash_slow()).encode().to_vec());
    Ok(())
}

/// A batch: its header, its messages and its data.
fn put_batch(
    rollup: &Rollup,
    entry: &BatchEntry,
    carried: Carried,
    known: &mut Known,
) -> Result<(), ActorError> {
    put(known, entry.header.abi_encode());
    let before = entry.header.index.saturating_sub(1);
    let before = rollup.batch_header(before)?.ok_or(ActorError::Behind("a batch is missing in the index"))?;
    let messages = rollup.messages(before.messageCount, entry.header.messageCount)?;
    let mut accumulator = before.messageAcc;
    for message in messages.ok_or(ActorError::Behind("messages are missing in the index"))? {
        let encoded = message.encode();
        put(known, [accumulator, keccak256(&encoded)].concat());
        put(known, encoded);
        accumulator = message.accumulator;
    }
    match carried {
        Carried::Calldata(data) => data_tree(&data, &mut |bytes| put(known, bytes)),
        Carried::Blobs(blobs) => {
            let hashes: Vec<B256> = blobs.iter().map(|(hash, _)| *hash).collect();
            put(known, [&[2u8][..], hashes.concat().as_slice()].concat());
            known.extend(blobs.into_iter().map(|(hash, blob)| ((Kind::Blob, hash), blob)));
        }
    }
    Ok(())
}

/// The leaves and nodes of the tree over a batch's calldata (`docs/protocol.md` §3).
fn data_tree(data: &[u8], put: &mut impl FnMut(Vec<u8>)) {
    let length = (data.len() as u64).to_be_bytes();
    let mut level: Vec<B256> = Vec::new();
    for chunk in data.chunks(DATA_CHUNK) {
        let leaf = [&[0u8][..], &length, chunk].concat();
        level.push(keccak256(&leaf));
        put(leaf);
    }
    while level.len() > 1 {
        let pairs = level.chunks(2).map(|pair| match pair {
            [left, right] => {
                let node = [&[1u8][..], left.as_slice(), right.as_slice()].concat();
                let hash = keccak256(&node);
                put(node);
                hash
            }
            _ => pair[0],
        });
        level = pairs.collect();
    }
}

impl Facts {
    fn state(&self) -> MutexGuard<'_, StateAt> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, what: What<'_>, key: &B256) -> Result<Bytes, FactError> {
        let kind = match what {
            What::StatementHash => return Ok(Bytes::copy_from_slice(self.statement.as_slice())),
            What::Blob => Kind::Blob,
            _ => Kind::Keccak,
        };
        if let Some(bytes) = self.known.get(&(kind, *key)) {
            return Ok(bytes.clone());
        }
        let chain = |error: &dyn std::fmt::Display| FactError::Chain(error.to_string());
        let found = match what {
            What::Header => {
                let chain_ = &self.rollup.chain;
                let number = chain_.number_of(*key).map_err(|error| chain(&error))?;
                let header = number.map(|number| chain_.header(number)).transpose().map_err(|e| chain(&e))?;
                header.flatten().map(|header| alloy_rlp::encode(&header).into())
            }
            What::L1Header => l1_header(&self.l1, &self.rollup.l1, *key)?,
            What::Node(path) => self.state().node(path, key).map_err(|error| chain(&error))?,
            What::Code => {
                Some(self.state().code_by_hash_ref(*key).map_err(|error| chain(&error))?.original_bytes())
            }
            _ => None,
        };
        found
            .filter(|bytes| kind == Kind::Blob || keccak256(bytes) == *key)
            .ok_or_else(|| FactError::Unknown(what.to_string(), *key))
    }
}

fn l1_header(runtime: &Handle, l1: &Rpc, hash: B256) -> Result<Option<Bytes>, RpcError> {
    let header = runtime.block_on(l1.header_by_hash(hash))?;
    Ok(header.map(|header| alloy_rlp::encode(&header.header).into()))
}

impl Oracle for Facts {
    type Error = FactError;

    fn read(&self, what: What<'_>, key: &B256) -> Result<Bytes, FactError> {
        self.find(what, key)
    }

    fn forgets(&self, number: u64) -> Result<bool, FactError> {
        let state = self.rollup.chain.state_at(number);
        let state = state.map_err(|error| FactError::Chain(error.to_string()))?;
        *self.state() = state.ok_or_else(|| FactError::Chain(format!("block {number} is gone")))?;
        Ok(true)
    }
}
