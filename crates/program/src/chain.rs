//! Headers, by walking back from one that is known.

use alloc::collections::VecDeque;
use core::cell::RefCell;

use alloy_primitives::B256;
use duplex_primitives::{Header, OutputRoot};

use crate::{
    Oracle, ProgramError, What,
    fields::{START, hash, l2_header, parent_hash},
};

/// The hash of the parent of a header, of which nothing else is read.
pub(crate) fn parent_of<O: Oracle>(
    oracle: &O,
    what: What<'static>,
    child: &B256,
) -> Result<B256, ProgramError<O::Error>> {
    let start = oracle.part(what, child, START).map_err(ProgramError::Oracle)?;
    parent_hash(&start).ok_or(ProgramError::form("header", child))
}

/// An L2 header by its hash.
pub(crate) fn header<O: Oracle>(oracle: &O, block: &B256) -> Result<Header, ProgramError<O::Error>> {
    let rlp = oracle.read(What::Header, block).map_err(ProgramError::Oracle)?;
    l2_header(&rlp).ok_or(ProgramError::form("L2 header", block))
}

/// The block that an output root is of: its hash and its header.
pub(crate) fn block_of<O: Oracle>(
    oracle: &O,
    output: &B256,
) -> Result<(B256, Header), ProgramError<O::Error>> {
    let bytes = oracle.read(What::Output, output).map_err(ProgramError::Oracle)?;
    let root = match (bytes.len(), hash(&bytes, 0), hash(&bytes, 3)) {
        (128, Some(B256::ZERO), Some(block_hash)) => block_hash,
        _ => return Err(ProgramError::form("output root", output)),
    };
    let header = header(oracle, &root)?;
    // An output root says the same as the header in it.
    if OutputRoot::of(&header, root).hash() != *output {
        return Err(ProgramError::Ancestor(root));
    }
    Ok((root, header))
}

/// The hashes of a block's ancestors, read when asked for.
#[derive(Debug)]
pub(crate) struct Ancestors<'a, O> {
    oracle: &'a O,
    /// Number of the newest.
    newest: u64,
    /// Hashes so far, from the newest back.
    hashes: RefCell<VecDeque<B256>>,
}

impl<'a, O: Oracle> Ancestors<'a, O> {
    /// Those of the block after `newest`.
    pub(crate) fn new(oracle: &'a O, newest: u64, hash: B256) -> Self {
        Self { oracle, newest, hashes: RefCell::new(VecDeque::from([hash])) }
    }

    /// One more block, after the newest.
    pub(crate) fn push(&mut self, hash: B256) {
        self.newest += 1;
        self.hashes.get_mut().push_front(hash);
    }

    /// The hash of block `number`; `None` if it is not older than the block.
    pub(crate) fn hash(&self, number: u64) -> Result<Option<B256>, ProgramError<O::Error>> {
        let Some(back) = self.newest.checked_sub(number) else { return Ok(None) };
        let mut hashes = self.hashes.borrow_mut();
        while hashes.len() as u64 <= back {
            let oldest = hashes[hashes.len() - 1];
            hashes.push_back(parent_of(self.oracle, What::Header, &oldest)?);
        }
        Ok(hashes.get(back as usize).copied())
    }
}
