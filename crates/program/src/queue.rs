//! The messages that a batch consumes, behind its accumulator.
//!
//! Accumulators lead backwards, from the batch's last message to its first, and a batch can have
//! gigabytes of them. So they are walked twice: once for the gas limits, which say what each block
//! takes, and once to the messages of the one block, or for the hashes of all where all blocks are
//! executed.

use alloc::{vec, vec::Vec};
use core::ops::Range;

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolValue;
use duplex_primitives::L1Message;

use crate::{
    Oracle, ProgramError, What,
    fields::{hash, word},
};

/// Position of the gas limit among the words of a message's preimage.
const GAS_LIMIT: usize = 4;

/// The messages of a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Messages {
    /// How many were consumed before.
    pub(crate) first: u64,
    /// How many there are.
    pub(crate) count: usize,
    /// The accumulator after the last.
    pub(crate) last: B256,
}

impl Messages {
    /// The accumulator before a message, and the message's hash.
    fn back<O: Oracle>(oracle: &O, after: &B256) -> Result<(B256, B256), ProgramError<O::Error>> {
        let bytes = oracle.read(What::Accumulator, after).map_err(ProgramError::Oracle)?;
        match (bytes.len(), hash(&bytes, 0), hash(&bytes, 1)) {
            (64, Some(before), Some(message)) => Ok((before, message)),
            _ => Err(ProgramError::form("message accumulator", after)),
        }
    }

    /// The gas limit of each.
    pub(crate) fn gas<O: Oracle>(&self, oracle: &O) -> Result<Vec<u64>, ProgramError<O::Error>> {
        let mut gas = vec![0; self.count];
        let mut accumulator = self.last;
        for place in gas.iter_mut().rev() {
            let (before, message) = Self::back(oracle, &accumulator)?;
            let range = 32 * GAS_LIMIT..32 * (GAS_LIMIT + 1);
            let limit = oracle.part(What::Message, &message, range).map_err(ProgramError::Oracle)?;
            *place = word(&limit, 0).ok_or(ProgramError::form("message", &message))?.saturating_to();
            accumulator = before;
        }
        Ok(gas)
    }

    /// The hash of each, and the accumulator after it: all that is kept of them while a batch is walked through.
    pub(crate) fn hashes<O: Oracle>(&self, oracle: &O) -> Result<Vec<(B256, B256)>, ProgramError<O::Error>> {
        let mut hashes = Vec::with_capacity(self.count);
        let mut accumulator = self.last;
        for _ in 0..self.count {
            let (before, message) = Self::back(oracle, &accumulator)?;
            hashes.push((message, accumulator));
            accumulator = before;
        }
        hashes.reverse();
        Ok(hashes)
    }

    /// The one at a place, counted from the first, by its hash and the accumulator after it.
    pub(crate) fn message<O: Oracle>(
        &self,
        oracle: &O,
        at: usize,
        (hash, accumulator): &(B256, B256),
    ) -> Result<L1Message, ProgramError<O::Error>> {
        let bytes = oracle.read(What::Message, hash).map_err(ProgramError::Oracle)?;
        decode(&bytes, self.first + at as u64, *accumulator).ok_or(ProgramError::form("message", hash))
    }

    /// Some of them, counted from the first.
    pub(crate) fn read<O: Oracle>(
        &self,
        oracle: &O,
        range: Range<usize>,
    ) -> Result<Vec<L1Message>, ProgramError<O::Error>> {
        let mut messages = Vec::with_capacity(range.len());
        let mut accumulator = self.last;
        for at in (range.start..self.count).rev() {
            let (before, message) = Self::back(oracle, &accumulator)?;
            if at < range.end {
                messages.push(self.message(oracle, at, &(message, accumulator))?);
            }
            accumulator = before;
        }
        messages.reverse();
        Ok(messages)
    }
}

/// The message whose fields are hashed, as [`L1Message::hash`] has them. In which L1 block it was
/// sent its hash does not say, and no rule asks.
fn decode(bytes: &[u8], index: u64, accumulator: B256) -> Option<L1Message> {
    let (from, target, mint, value, gas_limit, data) =
        <(Address, Address, U256, U256, u64, Bytes)>::abi_decode_params_validate(bytes).ok()?;
    Some(L1Message { index, from, target, mint, value, gas_limit, data, l1_block: 0, accumulator })
}
