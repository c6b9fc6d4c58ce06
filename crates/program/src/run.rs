//! From a statement to its truth.

use alloc::vec::Vec;
use core::cell::RefCell;

use alloy_primitives::B256;
use alloy_sol_types::SolValue;
use duplex_derivation::{BlockInput, BlockPlan, Plan, Rules};
use duplex_primitives::{
    BatchHeader, Header, L2Extra, OutputRoot, ProgramConfig, predeploys, transactions_root,
};
use duplex_stf::{DerivedBlock, derive_block, seal_header};

use crate::{
    Oracle, ProgramError, Statement, What, anchors::Anchors, chain, chain::Ancestors, data, queue::Messages,
    state::State,
};

pub(crate) type Result<T, O> = core::result::Result<T, ProgramError<<O as Oracle>::Error>>;

/// Whether the statement that the oracle has holds: what the machine exits with 0 for.
///
/// # Errors
/// If a preimage cannot be had.
pub fn run<O: Oracle>(oracle: &O) -> core::result::Result<bool, O::Error> {
    let statement = match statement(oracle) {
        Ok(statement) => statement,
        Err(ProgramError::Oracle(error)) => return Err(error),
        Err(_) => return Ok(false),
    };
    match block_output(oracle, &statement) {
        Ok(output) => Ok(output == statement.output),
        Err(ProgramError::Oracle(error)) => Err(error),
        Err(_) => Ok(false),
    }
}

/// The output root of a statement's block. The output that the statement claims is not looked at.
///
/// # Errors
/// If a preimage cannot be had, or there is no such block: see [`ProgramError`].
pub fn block_output<O: Oracle>(oracle: &O, statement: &Statement) -> Result<B256, O> {
    let batch = batch(oracle, &statement.batchHash)?;
    let config = config(oracle, &statement.configHash)?;
    let block = statement.blockNumber;
    if !(batch.firstBlock..=batch.lastBlock).contains(&block) {
        return Err(ProgramError::NotInBatch { block, first: batch.firstBlock, last: batch.lastBlock });
    }
    let (parent_hash, parent) = chain::block_of(oracle, &statement.parentOutput)?;
    if parent.number.checked_add(1) != Some(block) {
        return Err(ProgramError::NotParent { block, parent: parent.number });
    }
    let ancestors = Ancestors::new(oracle, parent.number, parent_hash);
    let input = input(oracle, &config, &batch, block, &ancestors)?;
    let state = State::new(oracle, parent.state_root, ancestors);
    let header = execute(&config, &parent, parent_hash, input, &state)?;
    Ok(OutputRoot::of(&header, header.hash_slow()).hash())
}

/// The statement whose hash the oracle has.
fn statement<O: Oracle>(oracle: &O) -> Result<Statement, O> {
    let hash = oracle.read(What::StatementHash, &B256::ZERO).map_err(ProgramError::Oracle)?;
    let hash = B256::try_from(&hash[..]).map_err(|_| ProgramError::form("hash", &B256::ZERO))?;
    decode(oracle, What::Statement, "statement", &hash)
}

/// The header of a batch.
pub(crate) fn batch<O: Oracle>(oracle: &O, hash: &B256) -> Result<BatchHeader, O> {
    decode(oracle, What::Batch, "batch header", hash)
}

/// What there is to know of a rollup.
pub(crate) fn config<O: Oracle>(oracle: &O, hash: &B256) -> Result<ProgramConfig, O> {
    let bytes = oracle.read(What::Config, hash).map_err(ProgramError::Oracle)?;
    ProgramConfig::decode(&bytes).ok_or(ProgramError::form("configuration", hash))
}

/// The preimage of a hash over ABI words.
fn decode<O: Oracle, T>(oracle: &O, what: What<'static>, name: &'static str, hash: &B256) -> Result<T, O>
where
    T: SolValue + From<<T::SolType as alloy_sol_types::SolType>::RustType>,
{
    let bytes = oracle.read(what, hash).map_err(ProgramError::Oracle)?;
    T::abi_decode_validate(&bytes).map_err(|_| ProgramError::form(name, hash))
}

/// What L1 says of the block.
fn input<O: Oracle>(
    oracle: &O,
    config: &ProgramConfig,
    batch: &BatchHeader,
    block: u64,
    ancestors: &Ancestors<'_, O>,
) -> Result<BlockInput, O> {
    let tip = tip(oracle, batch, ancestors)?;
    let mut found = None;
    let messages = blocks(oracle, config, batch, &tip, |planned| {
        if planned.number == block {
            found = Some(planned);
        }
    })?;
    let found =
        found.ok_or(ProgramError::NotInBatch { block, first: batch.firstBlock, last: batch.lastBlock })?;
    let taken = messages.read(oracle, found.messages.clone())?;
    Ok(found.input(&taken))
}

/// Shows what each block of a batch takes; `tip` is the block before the first. Gives the messages that it counts.
pub(crate) fn blocks<O: Oracle>(
    oracle: &O,
    config: &ProgramConfig,
    batch: &BatchHeader,
    tip: &Header,
    visit: impl FnMut(BlockPlan),
) -> Result<Messages, O> {
    let before = L2Extra::decode(&tip.extra_data).unwrap_or_default().message_count;
    let count = batch.messageCount.checked_sub(before).and_then(|count| usize::try_from(count).ok());
    let count = count.ok_or(ProgramError::Messages { end: batch.messageCount, count: before })?;
    let messages = Messages { first: before, count, last: batch.messageAcc };
    let rules = Rules {
        chain_id: config.chain.chain_id,
        gas_limit: config.chain.gas_limit,
        message_gas_per_block: config.message_gas_per_block,
    };
    let data = data::read(oracle, &batch.dataRoot)?;
    let plan = Plan::read(&rules, tip, batch, &data, messages.gas(oracle)?);
    drop(data);
    let anchors = Anchors::find(oracle, plan.anchors(), tip, batch)?;
    let failed = RefCell::new(None);
    let look = |number| match anchors.read(oracle, number) {
        Ok(anchor) => Some(anchor),
        Err(error) => {
            failed.replace(Some(error));
            None
        }
    };
    if let Err(missing) = plan.visit(look, visit) {
        return Err(failed.into_inner().unwrap_or(ProgramError::Anchor(missing.0)));
    }
    Ok(messages)
}

/// The block before the batch's first.
fn tip<O: Oracle>(oracle: &O, batch: &BatchHeader, ancestors: &Ancestors<'_, O>) -> Result<Header, O> {
    // Never block 0: that is genesis, which no batch has.
    let number = batch.firstBlock.saturating_sub(1);
    let hash = ancestors.hash(number)?.unwrap_or_default();
    let tip = chain::header(oracle, &hash)?;
    if tip.number == number { Ok(tip) } else { Err(ProgramError::Ancestor(hash)) }
}

/// The block that `input` makes after `parent`, whose state this is.
pub(crate) fn execute<O: Oracle>(
    config: &ProgramConfig,
    parent: &Header,
    parent_hash: B256,
    input: BlockInput,
    state: &State<'_, O>,
) -> Result<Header, O> {
    let BlockInput { attributes, forced, transactions } = input;
    let listed: Vec<_> =
        transactions.into_iter().map(|tx| (tx.sender(), tx)).map(|(s, tx)| (tx, s)).collect();
    let done = derive_block(&config.chain, parent, parent_hash, &attributes, &forced, listed, state)?;
    let DerivedBlock { open, transactions, outcome, .. } = done;
    let (state_root, passer_root) = state.apply(&outcome.changes.state, predeploys::MESSAGE_PASSER)?;
    let transactions_root = transactions_root(&transactions);
    Ok(seal_header(&config.chain, open, &outcome, transactions_root, state_root, passer_root))
}
