//! Reading everything once.

use crate::{
    codec::version_of,
    error::{Error, Result},
    journal,
    reader::Reader,
    stream,
};
use redb::{ReadableTable, ReadableTableMetadata};

/// What a full check has read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Blocks of the chain.
    pub blocks: u64,
    /// Transactions of the blocks whose journal is kept.
    pub transactions: u64,
    /// Versions of accounts, slots and nodes that the kept journals name.
    pub changes: u64,
    /// Versions of accounts in the tables; what is still in memory is not counted.
    pub accounts: u64,
    /// Versions of slots in the tables.
    pub slots: u64,
    /// Versions of nodes in the tables.
    pub nodes: u64,
}

impl Reader {
    /// Reads every block and everything that the kept journals say was written, and fails with
    /// [`Error::Corrupt`] at the first thing that is missing, differs or is left over. This takes
    /// time in proportion to the database.
    pub fn check(&self) -> Result<Summary> {
        let view = &self.view;
        let mut summary = Summary { blocks: self.head().map_or(0, |head| head + 1), ..Default::default() };
        for number in 0..summary.blocks {
            self.check_block(number)?;
            match stream::get(&view.blocks.journal, number)? {
                Some(bytes) if number >= view.state.pruned => {
                    let layer = journal::decode(number, &bytes)?;
                    self.check_journal(&layer, &mut summary)?;
                }
                None if number >= view.state.pruned => return missing("journal", number),
                _ => {}
            }
        }
        self.check_leftovers(summary.blocks)?;
        summary.accounts = view.state.accounts.len()?;
        summary.slots = view.state.slots.len()?;
        summary.nodes = view.state.nodes.len()?;
        Ok(summary)
    }

    fn check_block(&self, number: u64) -> Result<()> {
        let Some(hash) = self.hash_of(number)? else { return missing("headers", number) };
        if self.number_of(&hash)? != Some(number) {
            return missing("hashes", number);
        }
        if self.body(number)?.is_none() {
            return missing("bodies", number);
        }
        if self.receipts(number)?.is_none() {
            return missing("receipts", number);
        }
        if self.senders(number)?.is_none() {
            return missing("senders", number);
        }
        Ok(())
    }

    fn check_journal(&self, layer: &crate::layer::Layer, summary: &mut Summary) -> Result<()> {
        let (view, at) = (&self.view, layer.number);
        for (hash, index) in &layer.transactions {
            if view.transaction(hash)? != Some((at, *index)) {
                return missing("transactions", at);
            }
        }
        summary.transactions += layer.transactions.len() as u64;
        // What lies below the floor can only be found through later blocks.
        for (hashed, account) in &layer.accounts {
            if view.account(hashed, at)? != *account {
                return missing("accounts", at);
            }
            summary.changes += 1;
        }
        for (owner, storage) in &layer.slots {
            for (slot, value) in storage {
                if view.slot(owner, slot, at)? != *value {
                    return missing("slots", at);
                }
                summary.changes += 1;
            }
        }
        for (key, node) in &layer.nodes {
            if view.node(key, at)? != node.rlp {
                return missing("nodes", at);
            }
            summary.changes += 1;
        }
        Ok(())
    }

    /// Nothing may be stored for blocks at or after `end`.
    fn check_leftovers(&self, end: u64) -> Result<()> {
        let (blocks, state) = (&self.view.blocks, &self.view.state);
        for (name, found) in [("headers", blocks.headers.len()?), ("hashes", blocks.hashes.len()?)] {
            if found != end {
                return Err(Error::corrupt(name, format!("{found} entries for {end} blocks")));
            }
        }
        let streams = [
            ("bodies", &blocks.bodies),
            ("receipts", &blocks.receipts),
            ("senders", &blocks.senders),
            ("journal", &blocks.journal),
        ];
        for (name, stream) in streams {
            if let Some((key, _)) = stream.last()?
                && key.value().0 >= end
            {
                return leftover(name, key.value().0);
            }
        }
        for entry in state.accounts.iter()? {
            not_after("accounts", entry?.0.value(), state.folded)?;
        }
        for entry in state.slots.iter()? {
            not_after("slots", entry?.0.value(), state.folded)?;
        }
        for entry in state.nodes.iter()? {
            not_after("nodes", entry?.0.value(), state.folded)?;
        }
        for entry in state.transactions.iter()? {
            let number = entry?.1.value().0;
            if number >= state.folded {
                return leftover("transactions", number);
            }
        }
        Ok(())
    }
}

fn not_after(table: &'static str, key: &[u8], folded: u64) -> Result<()> {
    match version_of(key) {
        version if version >= folded => leftover(table, version),
        _ => Ok(()),
    }
}

fn missing<T>(table: &'static str, number: u64) -> Result<T> {
    Err(Error::corrupt(table, format!("what block {number} wrote is missing or differs")))
}

fn leftover<T>(table: &'static str, number: u64) -> Result<T> {
    Err(Error::corrupt(table, format!("holds something of block {number}, which is not there")))
}
