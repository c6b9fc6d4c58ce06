//! What a run of batches gives: what validity proofs are about (`docs/validity.md` §1).

use alloc::vec::Vec;

use alloy_primitives::{B256, keccak256};
use alloy_sol_types::{SolValue, sol};
use duplex_primitives::{BatchHeader, OutputRoot};

use crate::{
    Oracle, ProgramError,
    chain::{self, Ancestors},
    run::{Result, batch, blocks, config, execute},
    state::State,
};

sol! {
    /// "On the chain `configHash`, the batches from `firstBatch` to `lastBatch`, of which each names the one before, make of
    /// the block whose output root is `parentOutput` one whose output root is `output`; says `prover`."
    #[derive(Debug, Copy, PartialEq, Eq, Default)]
    struct RangeStatement {
        /// Hash of the chain's [`ProgramConfig`](crate::ProgramConfig).
        bytes32 configHash;
        /// Output root of the block before the first batch.
        bytes32 parentOutput;
        /// Hash of the first batch's header.
        bytes32 firstBatch;
        /// Hash of the last batch's header, which can be the first.
        bytes32 lastBatch;
        /// Output root of the last batch's last block, as claimed.
        bytes32 output;
        /// Who has what L1 pays for the proof. It says nothing about the batches: it is here so that whoever copies a proof
        /// does not get what it is worth.
        address prover;
    }
}

impl RangeStatement {
    /// `keccak256(abi.encode(configHash, parentOutput, firstBatch, lastBatch, output, prover))`: the one public value of a
    /// proof.
    pub fn hash(&self) -> B256 {
        keccak256(self.abi_encode())
    }
}

/// The output root after a statement's batches. The output that the statement claims is not looked at.
///
/// The state is read once and kept from block to block, so what a range needs is what its first block does, and what each
/// later one needs beyond that; unless the oracle [has it forgotten](Oracle::forgets).
///
/// # Errors
/// If a preimage cannot be had, or there are no such blocks: see [`ProgramError`].
pub fn range_output<O: Oracle>(oracle: &O, statement: &RangeStatement) -> Result<B256, O> {
    let config = config(oracle, &statement.configHash)?;
    let batches = batches(oracle, statement)?;
    let (mut hash, mut tip) = chain::block_of(oracle, &statement.parentOutput)?;
    let ancestors = Ancestors::new(oracle, tip.number, hash);
    let mut state = State::new(oracle, tip.state_root, ancestors);
    for batch in &batches {
        if tip.number.checked_add(1) != Some(batch.firstBlock) {
            return Err(ProgramError::NotParent { block: batch.firstBlock, parent: tip.number });
        }
        let (first, last) = (batch.firstBlock, batch.lastBlock);
        if first > last {
            return Err(ProgramError::NotInBatch { block: first, first, last });
        }
        let mut plans = Vec::new();
        let messages = blocks(oracle, &config, batch, &tip, |plan| plans.push(plan))?;
        let hashes = messages.hashes(oracle)?;
        for plan in plans {
            let own = plan.messages.clone().map(|at| messages.message(oracle, at, &hashes[at]));
            let own = own.collect::<Result<Vec<_>, O>>()?;
            tip = execute(&config, &tip, hash, plan.input(&own), &state)?;
            hash = tip.hash_slow();
            state.sealed(hash);
            if oracle.forgets(tip.number).map_err(ProgramError::Oracle)? {
                state.forget(tip.state_root);
            }
        }
    }
    Ok(OutputRoot::of(&tip, hash).hash())
}

/// The headers of a statement's batches, in order.
fn batches<O: Oracle>(oracle: &O, statement: &RangeStatement) -> Result<Vec<BatchHeader>, O> {
    let not_before = ProgramError::NotBefore { first: statement.firstBatch, last: statement.lastBatch };
    let mut header = batch(oracle, &statement.lastBatch)?;
    let mut hash = statement.lastBatch;
    let mut found: Vec<BatchHeader> = Vec::new();
    while hash != statement.firstBatch {
        hash = header.parentHash;
        let Some(index) = header.index.checked_sub(1) else { return Err(not_before) };
        found.push(header);
        header = batch(oracle, &hash)?;
        if header.index != index {
            return Err(not_before);
        }
    }
    found.push(header);
    found.reverse();
    Ok(found)
}
