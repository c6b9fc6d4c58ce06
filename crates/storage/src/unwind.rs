//! Taking blocks back.

use crate::{
    codec::{NodeBytes, account_key, slot_key},
    error::{Error, Result},
    journal, stream,
    tables::{
        BODIES, BlocksRead, FOLDED, HASHES, HEADERS, JOURNAL, RECEIPTS, SENDERS, StateRead, StateWrite,
        set_counter,
    },
    view::View,
    worker::Shared,
};
use alloy_primitives::B256;
use redb::ReadableTable;
use std::sync::Arc;

impl Shared {
    /// Removes every block above `to`; returns their numbers and hashes, newest first.
    pub(crate) fn unwind(&self, to: u64) -> Result<Vec<(u64, B256)>> {
        let _writing = self.writing.lock();
        let _folding = self.folding.lock();
        self.write(|| {
            let view = self.view();
            let head = view.blocks.head.ok_or(Error::Empty)?;
            let floor = view.state.floor();
            if to < floor || to > head {
                return Err(Error::BeyondHistory { floor, head, asked: to });
            }
            if to == head {
                return Ok(Vec::new());
            }
            // The tables first: whatever is not folded is in the journals, so a crash between the
            // two transactions leaves all blocks in place.
            if view.state.folded > to + 1 {
                self.unfold(&view, to)?;
            }
            let removed = self.remove_blocks(to, head)?;

            let state = Arc::new(StateRead::open(&self.files.state)?);
            let blocks = Arc::new(BlocksRead::open(&self.files.blocks)?);
            self.publish(|view| {
                view.layers.retain(|layer| layer.number <= to);
                view.state = state;
                view.blocks = blocks;
            });
            Ok(removed)
        })
    }

    /// Takes the versions above `to` out of the tables.
    fn unfold(&self, view: &View, to: u64) -> Result<()> {
        let tx = self.begin_state()?;
        {
            let mut tables = StateWrite::open(&tx)?;
            for number in (to + 1..view.state.folded).rev() {
                let bytes = stream::expect(&view.blocks.journal, "journal", number)?;
                let layer = journal::decode(number, &bytes)?;
                for hashed in layer.accounts.keys() {
                    tables.accounts.remove(&account_key(hashed, number))?;
                }
                for (owner, storage) in &layer.slots {
                    for slot in storage.keys() {
                        tables.slots.remove(&slot_key(owner, slot, number))?;
                    }
                }
                for key in layer.nodes.keys() {
                    tables.nodes.remove(NodeBytes::place(key).at(number).as_slice())?;
                }
                for hash in layer.transactions.keys() {
                    tables.transactions.remove(&hash.0)?;
                }
            }
        }
        set_counter(&tx, FOLDED, to + 1)?;
        Ok(tx.commit()?)
    }

    fn remove_blocks(&self, to: u64, head: u64) -> Result<Vec<(u64, B256)>> {
        let tx = self.begin_blocks()?;
        let mut removed = Vec::new();
        {
            let mut headers = tx.open_table(HEADERS)?;
            let mut hashes = tx.open_table(HASHES)?;
            let streams = [BODIES, RECEIPTS, SENDERS, JOURNAL].map(|stream| tx.open_table(stream));
            for mut stream in streams.into_iter().collect::<Result<Vec<_>, _>>()? {
                for number in to + 1..=head {
                    stream::remove(&mut stream, number)?;
                }
            }
            for number in (to + 1..=head).rev() {
                let hash = headers
                    .remove(number)?
                    .and_then(|record| record.value().first_chunk().map(|hash| B256::new(*hash)));
                let hash = hash.ok_or_else(|| Error::corrupt("headers", format!("of block {number}")))?;
                hashes.remove(&hash.0)?;
                removed.push((number, hash));
            }
            debug_assert_eq!(headers.last()?.map(|(number, _)| number.value()), Some(to));
        }
        tx.commit()?;
        Ok(removed)
    }
}
