//! All that executing a block reads, for people: a file that needs no trust.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_sol_types::SolValue;
use duplex_l1::{BlobsError, versioned_hash};
use duplex_primitives::{Header, OutputRoot};
use duplex_program::{Oracle, ProgramError, Statement, What};
use duplex_vm::Kind;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Inputs, inputs};
use crate::{ActorError, Rollup};

/// Why a witness cannot be executed.
#[derive(Debug, Error)]
pub enum WitnessError {
    /// A blob in it is none.
    #[error(transparent)]
    Blob(#[from] BlobsError),
    /// It lacks something.
    #[error("the witness has nothing that hashes to {key} ({what})")]
    Missing {
        /// What it is.
        what: String,
        /// Its hash.
        key: B256,
    },
    /// What it has makes no block.
    #[error("the witness is not one of this block: {0}")]
    NoBlock(String),
}

/// What executing one block reads: trie nodes, code, headers of both layers, the batch and its messages, each
/// named by its hash. Nobody has to be believed: with another preimage, another hash is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Witness {
    /// Output root of the block before.
    pub parent_output: B256,
    /// Output root of the block, as the node that wrote this has it.
    pub output: B256,
    /// Hash of the batch that the block is in.
    pub batch_hash: B256,
    /// Number of the block.
    pub block_number: u64,
    /// Hash of the chain's configuration.
    pub config_hash: B256,
    /// What is named by its keccak256 hash.
    pub preimages: Vec<Bytes>,
    /// Blobs of the batch.
    pub blobs: Vec<Bytes>,
}

impl Witness {
    /// The witness of block `number` of this rollup.
    ///
    /// # Errors
    /// If the block is not in a batch on L1, or its parent's state is not kept any more.
    pub async fn of(rollup: &Rollup, number: u64) -> Result<Self, ActorError> {
        let output = |number: u64| {
            let header: Header = rollup.chain.header(number)?.ok_or(ActorError::MissingBlock(number))?;
            Ok::<_, ActorError>(OutputRoot::of(&header, header.hash_slow()).hash())
        };
        let not_posted = || ActorError::Replay(format!("block {number} is in no batch on L1 (yet)"));
        let batch = rollup.index.batch_of(number)?.ok_or_else(not_posted)?;
        let statement = Statement {
            parentOutput: output(number.saturating_sub(1))?,
            output: output(number)?,
            batchHash: batch.hash,
            blockNumber: number,
            configHash: rollup.deployment.program_config().hash(),
        };
        let inputs = inputs(rollup, &statement).await?;
        let (mut preimages, mut blobs) = (Vec::new(), Vec::new());
        for ((kind, key), bytes) in inputs.preimages.iter() {
            // The statement follows from the fields below.
            if *key == inputs.statement {
                continue;
            }
            match *kind == Kind::Blob as u8 {
                true => blobs.push(bytes.clone()),
                false => preimages.push(bytes.clone()),
            }
        }
        Ok(Self {
            parent_output: statement.parentOutput,
            output: statement.output,
            batch_hash: statement.batchHash,
            block_number: number,
            config_hash: statement.configHash,
            preimages,
            blobs,
        })
    }

    /// The statement that the block's output is what this says.
    pub const fn statement(&self) -> Statement {
        Statement {
            parentOutput: self.parent_output,
            output: self.output,
            batchHash: self.batch_hash,
            blockNumber: self.block_number,
            configHash: self.config_hash,
        }
    }

    /// What the machine reads for a statement about this block.
    ///
    /// # Errors
    /// If a blob is none.
    pub fn inputs(&self, statement: &Statement) -> Result<Inputs, WitnessError> {
        let mut known = BTreeMap::new();
        let encoded = [Bytes::from(statement.abi_encode())];
        for bytes in self.preimages.iter().chain(&encoded) {
            known.insert((Kind::Keccak as u8, keccak256(bytes)), bytes.clone());
        }
        for blob in &self.blobs {
            known.insert((Kind::Blob as u8, versioned_hash(blob)?), blob.clone());
        }
        Ok(Inputs { statement: statement.hash(), preimages: Arc::new(known) })
    }

    /// Executes the block natively, and gives its output root.
    ///
    /// # Errors
    /// If it lacks something, or is of no block.
    pub fn execute(&self) -> Result<B256, WitnessError> {
        let inputs = self.inputs(&self.statement())?;
        duplex_program::block_output(&inputs, &self.statement()).map_err(|error| match error {
            ProgramError::Oracle(error) => WitnessError::Missing { what: error.what, key: error.key },
            other => WitnessError::NoBlock(other.to_string()),
        })
    }
}

/// A preimage that is not there.
#[derive(Debug, Error)]
#[error("nothing here hashes to {key} ({what})")]
pub struct Absent {
    what: String,
    key: B256,
}

impl Oracle for Inputs {
    type Error = Absent;

    fn read(&self, what: What<'_>, key: &B256) -> Result<Bytes, Absent> {
        if let What::StatementHash = what {
            return Ok(Bytes::copy_from_slice(self.statement.as_slice()));
        }
        let found = self.preimages.get(&(what.kind() as u8, *key)).cloned();
        found.ok_or_else(|| Absent { what: what.to_string(), key: *key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_hashed_as_the_contracts_do() {
        let vectors = include_str!("../../../../contracts/test/history-vectors.json");
        let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
        let vector = &vectors["statement"];
        let word = |field: &str| vector[field].as_str().unwrap().parse::<B256>().unwrap();
        let witness = Witness {
            parent_output: word("parentOutput"),
            output: word("output"),
            batch_hash: word("batchHash"),
            block_number: vector["blockNumber"].as_u64().unwrap(),
            config_hash: word("configHash"),
            preimages: Vec::new(),
            blobs: Vec::new(),
        };
        assert_eq!(witness.statement().hash(), word("hash"));
        // Without a single preimage, it says what it lacks first.
        let missing = witness.execute().unwrap_err();
        assert!(missing.to_string().contains(&witness.batch_hash.to_string()), "{missing}");
    }
}
